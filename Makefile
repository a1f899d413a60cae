# make demo [ARGS="--once --json"] · make test [ARGS=...] · make test-long · make test-deep · make test-browser [ARGS=...] · make screens · make chaos [ARGS="--events 10000 --sends 5000 --kills 100"] · make fuzz [ARGS="--minutes 60 --seed 7"] · make bench · make lint · make lock [UPGRADE=--upgrade] · make sbom · make audit · make dist · make assets · make assets-check
# Needs make and Python 3.11 or newer; everything else goes into .venv. Only the last two need Node. What is installed: requirements/dev.lock, each file with its hash (LOCK= takes what pyproject.toml allows).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two more than cores: many tests wait for processes. Each makes servers of its own.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)
# The longest come first, as they lie; by module, so that what one makes serves the next (tests/conftest.py).
SPREAD := -n $(WORKERS) --dist loadgroup --no-loadscope-reorder
LOCK ?= requirements/dev.lock
STAMP := $(VENV)/.installed
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip --quiet

# Hundreds of processes start in a run of the tests: none of them is to compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-deep test-browser screens browser chaos fuzz bench lint lock sbom audit dist assets assets-check node docs clean

help:
	@sed -n '1,2s/^# //p' Makefile

# Output goes to stderr, so that `make -s demo ARGS="--once --json"` prints nothing but JSON.
# The second line adds what a change of pyproject.toml needs and the lock has not got yet: mostly nothing.
$(STAMP): pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once, about a minute)" >&2
	@test -z "$(LOCK)" || $(PIP) install --require-hashes --requirement $(LOCK) >&2 \
		|| { echo "$(LOCK) cannot be installed here. Without it: make LOCK= ..." >&2; exit 1; }
	@$(PIP) install $(if $(LOCK),--no-build-isolation) --editable '.[dev]' >&2
	@touch $@

demo: $(STAMP)
	@$(BIN)/connector demo $(ARGS)

# What pytest makes of the tests is kept in __pycache__. Made here by two processes at once, else each test process makes all of it.
WARM := $(VENV)/.warm
HALF := tests/chaos tests/core tests/pipeline tests/sandbox
COLLECT := $(BIN)/python -m pytest --collect-only -qq -p no:cacheprovider

$(WARM): $(STAMP)
	@$(COLLECT) $(HALF) >/dev/null & $(COLLECT) $(HALF:%=--ignore=%) >/dev/null; wait
	@touch $@

test: $(WARM)
	@$(BIN)/python -m pytest $(SPREAD) $(ARGS)

# The proofs that take longer: the rest of the chaos, every variant of the demo
test-long: $(WARM)
	@CONNECTOR_TESTS_LONG=1 $(BIN)/python -m pytest $(SPREAD) $(ARGS)

# Every test on both databases, properties with six times the examples: before a release
test-deep: $(WARM)
	@CONNECTOR_TESTS_DEEP=1 $(BIN)/python -m pytest $(SPREAD) $(ARGS)

# The console in a real Chromium, which is not installed here: Debian's `apt-get install chromium`, or CHROMIUM=/path/to/it.
BROWSER := $(VENV)/.browser

$(BROWSER): $(STAMP) pyproject.toml
	@$(PIP) install --editable '.[browser]' >&2
	@touch $@

browser: $(BROWSER)
	@test -n "$$CHROMIUM" || which chromium chromium-browser google-chrome | grep -q . \
		|| { echo "There is no Chromium: apt-get install chromium, or CHROMIUM=/path/to/it make ..." >&2; exit 3; }

test-browser: browser
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/browser $(ARGS)

# Pictures of every screen for docs/console.md
screens: browser
	@$(BIN)/python -m tests.browser.screens $(ARGS)

chaos: $(STAMP)
	@$(BIN)/python -m tests.chaos $(ARGS)

# Spoilt webhooks, documents, lists, calls and forms, for as many minutes as you like; a failing round is told by its seed
fuzz: $(STAMP)
	@$(BIN)/python -m tests.hostile $(ARGS)

bench: $(STAMP)
	@$(PIP) install --editable '.[bench]' >&2
	@$(BIN)/python -m tests.bench $(ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# Packages and releases: docs/deploy.md. Tools that only they need have a place of their own.
RELEASE := $(VENV)/release

$(RELEASE)/.installed: requirements/release.lock
	@test -x $(RELEASE)/bin/python || $(PYTHON) -m venv $(RELEASE)
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(RELEASE)/bin/python -m pip --quiet install --require-hashes --requirement requirements/release.lock >&2
	@touch $@

lock: $(RELEASE)/.installed
	@$(RELEASE)/bin/python -m tools.supply.lock $(UPGRADE)

sbom: $(STAMP)
	@$(BIN)/python -m tools.supply.sbom

audit: $(RELEASE)/.installed
	@$(RELEASE)/bin/python -m tools.supply.audit

# The same commit gives the same bytes
dist: $(STAMP)
	@rm -rf dist
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || echo 1577836800) $(BIN)/python -m hatchling build -d dist -t sdist -t wheel
	@cd dist && sha256sum *.whl *.tar.gz | tee SHA256SUMS

# The console's vendored files; what they are and when to build them: tools/assets/README.md
ASSETS := connector/web/static/vendor

node:
	@command -v npm >/dev/null || { echo "This needs Node 20 or newer with npm. Nothing else does: the built files are committed." >&2; exit 1; }
	@cd tools/assets && npm ci --ignore-scripts --silent

assets: node
	@node tools/assets/build.mjs $(CURDIR)/$(ASSETS)

assets-check: node
	@built=$$(mktemp -d) && trap 'rm -rf "$$built"' EXIT && node tools/assets/build.mjs "$$built" && diff -rq $(ASSETS) "$$built" \
		|| { echo "The committed files are not what tools/assets builds: run 'make assets' and commit them" >&2; exit 1; }
	@echo "$(ASSETS) is what tools/assets builds"

docs: $(STAMP)
	@$(BIN)/python -m connector.web.api > docs/openapi.json

clean:
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
