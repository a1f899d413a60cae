"""What an operator deploys with: image, compose, systemd, proxies: each names only what there is, within its bounds."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from ruamel.yaml import YAML

from connector import cli, config

ROOT = Path(__file__).parents[1]
UNITS = ROOT / "deploy/systemd"
PYTHON = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
EXACT = re.compile(r"[\w./-]+:\d+\.\d+\.\d+(-[\w.-]+)?")
OURS = ("upgrade", "web", "worker", "clock")


def settings(names):
    """Those that are no setting of ours, nor the file of one."""
    return set(names) - PYTHON - set(config.NAMES) - {f"{name}_FILE" for name in config.NAMES}


def runs(arguments):
    """The command line takes these arguments (nothing is run)."""
    group, left, context = cli.main, list(arguments), None
    while isinstance(group, click.Group):
        with group.make_context("connector", left[:1], parent=context, resilient_parsing=True) as context:
            found = group.get_command(context, left[0]) if left else None
        assert found is not None, arguments
        group, left = found, left[1:]
    group.make_context("connector", left).close()


# --- the image


def dockerfile():
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]


def last_stage():
    lines = dockerfile()
    starts = [n for n, (word, _) in enumerate(lines) if word == "FROM"]
    return lines[starts[-1] :]


def test_the_image_starts_from_an_exact_version_and_installs_nothing_unknown():
    lines = dockerfile()
    arguments = dict(rest.split("=", 1) for word, rest in lines if word == "ARG")
    assert EXACT.fullmatch(arguments["PYTHON_IMAGE"])
    assert {rest.split()[0] for word, rest in lines if word == "FROM"} == {"${PYTHON_IMAGE}"}
    for command in (rest for word, rest in lines if word == "RUN" and re.search(r"pip( --python \S+)? install ", rest)):
        assert "--require-hashes --only-binary :all:" in command or "--no-index" in command, command


def test_the_image_runs_as_nobody_special_without_tools_to_build():
    lines = last_stage()
    words = dict(lines)
    assert [rest for word, rest in lines if word == "USER"] == ["10001:10001"]
    assert not re.search(
        r"\bapt\b|gcc|pip install|pip\S* --python", " ".join(rest for word, rest in lines if word == "RUN")
    )
    assert "pip uninstall" in words["RUN"]
    assert words["VOLUME"] == '["/var/lib/connector", "/backups"]'
    assert "/healthz" in words["HEALTHCHECK"]
    assert "curl" not in words["HEALTHCHECK"]
    given = re.findall(r"(\w+)=", words["ENV"])
    assert settings(given) == set()
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)[1]
    assert f'image.version="{version}"' in words["LABEL"]
    assert words["ENTRYPOINT"] == '["connector"]'
    runs(["web"])


def test_the_image_gets_what_it_copies_and_nothing_else():
    """.dockerignore lets in by name: no secret, no data and no history can get into a layer."""
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split("\n")
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    copied = {
        source
        for word, rest in dockerfile()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == let_in
    assert [name for name in copied if not (ROOT / name).exists()] == []


# --- compose


@pytest.fixture(scope="module")
def compose():
    return YAML(typ="safe").load((ROOT / "compose.yaml").read_text("utf-8"))


def test_each_container_has_its_bounds(compose):
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"mem_limit", "cpus", "pids_limit", "networks"} <= set(service), name
        assert service.get("user", "").partition(":")[0] not in ("0", "root"), name
        assert "privileged" not in service, name
        if name not in OURS:
            assert EXACT.fullmatch(service["image"]) or re.fullmatch(r"postgres:\d+\.\d+-\w+", service["image"]), name
        assert set(service.get("secrets", ())) <= set(compose["secrets"]), name
        assert set(service["networks"]) <= set(compose["networks"]), name
        assert set(service.get("depends_on", ())) <= set(compose["services"]), name


def test_only_the_proxy_is_reachable_and_only_from_this_machine(compose):
    assert {name: service["ports"] for name, service in compose["services"].items() if "ports" in service} == {
        "proxy": ["${LISTEN:-127.0.0.1:8080}:8080"]
    }
    assert compose["networks"]["data"] == {"internal": True}
    assert {name for name, one in compose["services"].items() if one["networks"] == ["data"]} == {
        *("upgrade", "valkey", "postgres")
    }
    assert compose["services"]["proxy"]["networks"] == ["front"]
    conf = (ROOT / "deploy/nginx/compose.conf").read_text("utf-8")
    assert "listen 8080;" in conf
    assert "http://web:8000;" in conf


def test_compose_runs_commands_that_exist_with_settings_that_exist(compose):
    for name in OURS:
        service = compose["services"][name]
        runs(service["command"])
        assert settings(service["environment"]) == set(), name
        for setting, value in service["environment"].items():
            if setting.endswith("_FILE"):
                assert Path(value).name in service["secrets"], setting
    assert compose["services"]["web"]["deploy"]["replicas"] == 2
    assert compose["services"]["worker"]["deploy"]["replicas"] == 3
    valkey = " ".join(compose["services"]["valkey"]["command"])
    assert "--appendonly yes" in valkey
    assert "--maxmemory-policy noeviction" in valkey
    waits = {name: compose["services"][name]["depends_on"]["upgrade"]["condition"] for name in OURS[1:]}
    assert set(waits.values()) == {"service_completed_successfully"}


def test_the_secrets_that_are_made_are_those_that_are_asked_for_and_can_be_used(compose, tmp_path):
    command = [str(ROOT / "deploy/make-secrets"), str(tmp_path / "secrets")]
    subprocess.run(command, check=True, capture_output=True)
    first = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    subprocess.run(command, check=True, capture_output=True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == first
    assert set(first) == {Path(secret["file"]).name for secret in compose["secrets"].values()}
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert first["postgres_password"] in first["database_url"]
    assert first["valkey.conf"].split()[1] in first["redis_url"]
    files = {
        setting: str(tmp_path / "secrets" / Path(value).name)
        for setting, value in compose["services"]["web"]["environment"].items()
        if setting.endswith("_FILE")
    }
    found = config.load({**files, "PUBLIC_URL": "https://connector.example.com", "CONNECTOR_HOME": str(tmp_path)})
    assert found.database_url.startswith("postgresql+psycopg://connector:")
    assert len(found.secret_keys) == 1
    assert found.backup_key == first["backup_key"].strip() != first["secret_key"].strip()
    assert not found.own_redis


# --- systemd


def unit(name):
    parser = configparser.RawConfigParser(strict=False, interpolation=None, dict_type=Many)
    parser.optionxform = str
    parser.read_string((UNITS / name).read_text("utf-8"))
    return parser


class Many(dict):
    """A key that stands several times has all its values, one a line."""

    def __setitem__(self, key, value):
        if isinstance(value, list) and key in self and isinstance(self[key], list):
            value = [*self[key], *value]
        super().__setitem__(key, value)


SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
COMMON = "connector-.service.d/common.conf"


def environment(name):
    lines = unit(name).get("Service", "Environment", fallback="").split("\n")
    return dict(each.split("=", 1) for line in lines for each in shlex.split(line))


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_runs_a_command_that_exists_within_bounds(name):
    service = unit(name)["Service"]
    binary, *arguments = shlex.split(service["ExecStart"])
    assert binary == "/opt/connector/bin/connector"
    runs(arguments)
    assert settings(environment(name)) == set()
    assert service["Type"] == "oneshot" or {"MemoryMax", "Restart", "TimeoutStopSec"} <= set(service)
    assert name.startswith("connector-")  # or the common part is not its


def test_units_give_their_secrets_as_files_and_can_do_little():
    common = unit(COMMON)["Service"]
    credentials = dict(each.split(":", 1) for each in common["LoadCredential"].split("\n"))
    files = {name: value for name, value in environment(COMMON).items() if name.endswith("_FILE")}
    assert {value.removeprefix("%d/") for value in files.values()} == set(credentials)
    assert settings(environment(COMMON)) == set()
    wanted = {
        **dict.fromkeys(
            ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "RestrictNamespaces"), "yes"
        ),
        **{
            "ProtectSystem": "strict",
            "CapabilityBoundingSet": "",
            "MemoryDenyWriteExecute": "yes",
            "User": "connector",
        },
    }
    assert {name: common[name] for name in wanted} == wanted
    assert common["SystemCallFilter"].split("\n") == ["@system-service", "~@privileged @resources"]
    by_hand = (UNITS / "connectorctl").read_text("utf-8")
    for name, path in credentials.items():
        assert f"LoadCredential={name}:{path} " in by_hand
    for name, value in files.items():
        assert f'{name}="$CREDENTIALS_DIRECTORY/{value.removeprefix("%d/")}"' in by_hand
    given = re.findall(r"^([A-Z_]+)=", (UNITS / "connector.env").read_text("utf-8"), re.MULTILINE)
    assert settings(given) == set()


def test_the_target_wants_units_there_are_on_the_ports_the_proxies_ask():
    wanted = unit("connector.target")["Unit"]["Wants"].split()
    templates = {re.sub(r"@.+\.", "@.", name) for name in wanted}
    assert templates == set(SERVICES)
    ports = re.findall(r"connector-web@(\d+)", " ".join(wanted))
    assert len(ports) == 2
    for proxy in ("nginx/connector.conf", "caddy/Caddyfile"):
        text = re.sub(r"#.*", "", (ROOT / "deploy" / proxy).read_text("utf-8"))
        assert re.findall(r"127\.0\.0\.1:(\d+)", text) == ports, proxy


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_reads_the_units_without_a_complaint(tmp_path):
    shutil.copytree(UNITS, tmp_path / "units")
    for path in (tmp_path / "units").glob("*.service"):  # it asks whether the command is there
        path.write_text(path.read_text("utf-8").replace("/opt/connector/bin/connector", "/bin/true"))
    units = [str(tmp_path / "units" / name.replace("@.", "@1.")) for name in ["connector.target", *SERVICES]]
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}/units:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in told.stderr.splitlines() if "connector" in line] == []


# --- everywhere


def test_the_procfile_runs_commands_that_exist():
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    found = {name: command for name, _, command in (line.partition(": ") for line in lines)}
    assert set(found) == {"release", "web", "worker", "clock"}
    for command in found.values():
        given, arguments = command.split("connector ")
        assert settings(re.findall(r"(\w+)=", given)) == set()
        runs(arguments.split())


def test_each_proxy_takes_the_whole_request_first_and_says_who_calls():
    for name in ("nginx/compose.conf", "nginx/connector.conf"):
        text = (ROOT / "deploy" / name).read_text("utf-8")
        assert "proxy_request_buffering off" not in text
        assert "client_max_body_size 4m;" in text
        assert "X-Forwarded-For $proxy_add_x_forwarded_for" in text
        formats = re.findall(r"log_format (\w+) '(.+)';", text)
        assert re.findall(r"access_log \S+ (\w+);", text) == [name for name, _ in formats]
        assert "$request " not in formats[0][1]  # a query may hold a code: only paths are logged
        assert "$request_uri" not in formats[0][1]
    caddy = (ROOT / "deploy/caddy/Caddyfile").read_text("utf-8")
    assert "request_buffers 4MiB" in caddy


def test_the_page_for_operators_names_every_file_and_only_settings_that_exist():
    page = (ROOT / "docs/deploy.md").read_text("utf-8")
    files = [path for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    assert [path.name for path in files if path.name not in page] == []
    known = {"LISTEN", "CONNECTOR_IMAGE", "PYTHON_IMAGE", "UPGRADE"}
    assert settings(re.findall(r"`([A-Z]{2,}(?:_[A-Z]+)*)(?:=[^`]*)?`", page)) - known == set()
    pages = "".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    assert [name for name in config.NAMES if f"`{name}" not in pages] == []
