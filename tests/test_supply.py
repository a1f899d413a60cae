"""Where our parts come from: locks with hashes that fit pyproject.toml, the list of parts, licences, the wheel."""

import os
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools.supply import audit, licences, locks
from tools.supply import sbom as parts
from tools.supply.locks import ALONE, LOCKS, OURS, canonical

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PINS = {name: locks.read(name) for name in LOCKS}


def asked(extra):
    """The requirements of an extra of ours ("" = none, None = to build), those of extras it names included."""
    if extra is None:
        return [Requirement(text) for text in PROJECT["build-system"]["requires"]]
    found = [] if extra in ALONE else [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    for text in PROJECT["project"]["optional-dependencies"].get(extra, ()):
        each = Requirement(text)
        found += [more for name in each.extras for more in asked(name)] if each.name == OURS else [each]
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_what_pyproject_asks_for_and_nothing_without_a_hash(name):
    pins = {pin.name: pin for pin in PINS[name]}
    assert [pin.name for pin in PINS[name] if not pin.hashes] == []
    missing = [
        str(each)
        for each in asked(LOCKS[name])
        if canonical(each.name) not in pins or not each.specifier.contains(pins[canonical(each.name)].version)
    ]
    assert missing == [], "run `make lock sbom` and commit what it writes"
    known = {canonical(each.name) for each in asked(LOCKS[name])}
    assert [pin.name for pin in PINS[name] if pin.name not in known and not set(pin.via) & set(pins)] == []


@pytest.mark.parametrize("name", [name for name in LOCKS if name not in ("dev", "release")])
def test_what_runs_is_what_is_tested(name):
    tested = {(pin.name, pin.version): pin.hashes for pin in PINS["dev"]}
    differs = [pin.name for pin in PINS[name] if tested.get((pin.name, pin.version)) != pin.hashes]
    assert differs == [], "run `make lock`"


def test_a_line_that_is_no_pin_is_refused():
    for line in ("flask>=3", "--index-url https://example.com", "flask @ https://example.com/flask.whl", "-r other"):
        with pytest.raises(locks.BadLock):
            list(locks.parse(f"a==1 \\\n    --hash=sha256:{'0' * 64}\n{line}\n"))


def test_a_pin_is_read_with_its_marker_hashes_and_who_asked():
    text = f"""# a comment
Ruamel.Yaml==0.18.1 ; python_version < '3.12' \\
    --hash=sha256:{"0" * 64} \\
    --hash=sha256:{"1" * 64}
    # via
    #   whatsapp-crm-connector (pyproject.toml)
    #   other-one[extra]
b==2 \\
    --hash=sha256:{"2" * 64}
    # via a
"""
    first, second = locks.parse(text)
    assert (first.name, first.version, first.marker) == ("ruamel-yaml", "0.18.1", "python_version < '3.12'")
    assert (len(first.hashes), first.via) == (2, ("other-one", OURS))
    assert (second.marker, second.via) == ("", ("a",))


# --- the list of parts


def test_the_list_of_parts_is_that_of_the_lock_and_of_the_vendored_files():
    committed = licences.read()
    known = {part["name"]: part["licenses"][0]["expression"] for part in committed["components"]}
    made = parts.sbom(
        PINS["postgres"], {pin.name: known.get(pin.name, "?") for pin in PINS["postgres"]}, licences.vendored()
    )
    assert committed == made, "run `make sbom` and commit what it writes"
    assert licences.PAGE.read_text("utf-8") == licences.page(committed)
    refs = {part["bom-ref"] for part in committed["components"]} | {committed["metadata"]["component"]["bom-ref"]}
    assert {each["ref"] for each in committed["dependencies"]} == refs


def test_each_part_has_a_licence_that_asks_nothing_of_the_user():
    told = {part["name"]: part["licenses"][0]["expression"] for part in licences.read()["components"]}
    assert {name: said for name, said in told.items() if not licences.words(said) <= licences.ALLOWED} == {}
    installed = {canonical(each.name): each.version for each in metadata.distributions()}
    here = [pin.name for pin in PINS["postgres"] if installed.get(pin.name) == pin.version]
    assert {name: licences.of(name) for name in here} == {name: told[name] for name in here}


def test_a_vulnerability_is_told_until_somebody_has_looked_at_it():
    found = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.1"]}
    report = {
        "dependencies": [{"name": "a", "version": "2.0", "vulns": [found]}, {"name": "b", "skip_reason": "local"}]
    }
    assert audit.findings(report, set()) == ["a 2.0: PYSEC-1 (CVE-1), mended in 2.1"]
    assert audit.findings(report, {"CVE-1"}) == []
    assert audit.findings(report, {"PYSEC-1"}) == []
    assert audit.not_asked(report) == ["b"]


# --- the wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """The wheel, built twice."""
    found = []
    for _ in range(2):
        folder = tmp_path_factory.mktemp("dist")
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(
            command, cwd=ROOT, check=True, capture_output=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1577836800"}
        )
        found += folder.glob("*.whl")
    return found


def test_the_wheel_has_everything_that_is_no_python(wheels):
    source = ROOT / "connector"
    committed = subprocess.run(["git", "ls-files", "connector", "mappings"], cwd=ROOT, capture_output=True, text=True)
    if committed.returncode == 0:
        names = committed.stdout.splitlines()
    else:  # an unpacked sdist
        names = [str(path.relative_to(ROOT)) for top in (source, ROOT / "mappings") for path in top.rglob("*.*")]
    wanted = {
        name.replace("mappings/", "connector/examples/", 1) if name.startswith("mappings/") else name for name in names
    }
    with zipfile.ZipFile(wheels[0]) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
        entry = next(wheel.read(name) for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert {name for name in wanted if "__pycache__" not in name} - packed == set()
    assert {name for name in packed - wanted if not (ROOT / name).exists()} == set()
    assert b"connector = connector.cli:main" in entry
    some = ("web/static/vendor/htmx.min.js", "web/words/frame.toml", "cli/demo.yaml", "store/migrations/env.py")
    assert {f"connector/{name}" for name in some if (source / name).exists()} <= packed


def test_the_same_tree_gives_the_same_wheel(wheels):
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
