"""Settings: what is read, what is refused, and that every fault is told at once."""

import base64
import os
import stat

import pytest

from connector import config
from connector.config import BadConfig

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


def test_nothing_set_gives_one_machine_with_everything_in_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = config.load({})
    assert found.home == tmp_path / ".connector"
    assert found.database_url == f"sqlite:///{tmp_path}/.connector/connector.db"
    assert (found.host, found.port, found.public_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert (found.web_processes, found.workers, found.own_redis) == (1, 2, True)
    assert not found.home.exists()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgres_gets_our_driver(scheme):
    found = config.load({"DATABASE_URL": f"{scheme}://u:p@db.example/name"})
    assert found.database_url == "postgresql+psycopg://u:p@db.example/name"
    assert found.web_processes == 2


def test_all_faults_are_told_in_one_error_and_no_value_with_them():
    with pytest.raises(BadConfig) as caught:
        config.load(
            {
                "PORT": "eighty",
                "WORKERS": "0",
                "DATABASE_URL": "mysql://u:hunter2@x/y",
                "PUBLIC_URL": "hooks.example",
                "CONNECTOR_SECRET_KEY": "short",
                "LOG_LEVEL": "loud",
                "REDIS_URL": "redis://x",
                "REDIS_URL_FILE": "/x",
            }
        )
    told = str(caught.value)
    for name in ("PORT", "WORKERS", "DATABASE_URL", "PUBLIC_URL", "CONNECTOR_SECRET_KEY", "LOG_LEVEL", "REDIS_URL"):
        assert f"\n  {name}: " in told
    assert "hunter2" not in told


def test_a_file_stands_for_the_value_and_a_missing_one_is_told(tmp_path):
    secret = tmp_path / "url"
    secret.write_text("redis://:pw@cache.example:6379/0\n")
    assert config.load({"REDIS_URL_FILE": str(secret)}).redis_url == "redis://:pw@cache.example:6379/0"
    with pytest.raises(BadConfig, match=r"PORT_FILE: .*nowhere cannot be read"):
        config.load({"PORT_FILE": str(tmp_path / "nowhere")})


def test_secrets_are_not_in_the_repr():
    urls = {"DATABASE_URL": "postgres://u:pw1@x/y", "REDIS_URL": "redis://:pw2@x"}
    found = config.load({**urls, "CONNECTOR_SECRET_KEY": KEY})
    assert found.secret_keys == (KEY,)
    assert not any(secret in repr(found) for secret in ("pw1", "pw2", KEY))


def test_the_key_file_is_made_once_for_our_eyes_only(tmp_path):
    home = tmp_path / "home"
    first = config.key_file(home)
    assert config.key_file(home) == first
    assert config.is_key(first[0])
    assert stat.S_IMODE((home / "secret.key").stat().st_mode) == 0o600
    assert os.listdir(home) == ["secret.key"]


def test_a_broken_key_file_is_never_replaced(tmp_path):
    (tmp_path / "secret.key").write_text("not a key\n")
    with pytest.raises(BadConfig, match="holds no usable key"):
        config.key_file(tmp_path)
    assert (tmp_path / "secret.key").read_text() == "not a key\n"


def test_the_socket_is_short_and_the_same_for_every_process_of_a_home(tmp_path, monkeypatch):
    home = tmp_path / ("deep" * 30)
    path = config.socket_path(home)
    assert path == config.socket_path(home) != config.socket_path(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", "/" + "t" * 100)
    assert len(os.fsencode(config.socket_path(home))) < config.SOCKET_MAX


def test_a_directory_of_somebody_else_is_refused(tmp_path):
    mine = config.private_directory(tmp_path / "mine")
    assert stat.S_IMODE(mine.stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(mine)
    with pytest.raises(BadConfig, match="belongs to somebody else"):
        config.private_directory(tmp_path / "link")


@pytest.mark.parametrize(
    "host, url",
    [("0.0.0.0", "http://127.0.0.1:80"), ("::", "http://[::1]:80"), ("::1", "http://[::1]:80"), ("h", "http://h:80")],
)
def test_the_local_address(host, url):
    assert config.local_url(host, 80) == url


SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


def test_what_watches_is_off_until_it_is_set():
    found = config.load({})
    assert (found.log_format, found.log_people, found.metrics_token) == ("", False, "")
    assert found.alarms == config.AlarmSettings()


def test_alarms_and_metrics_are_set_also_by_files(tmp_path):
    (tmp_path / "token").write_text("a-token-of-twenty-letters\n")
    (tmp_path / "smtp").write_text("smtps://u:hunter2@mail.example:465")
    found = config.load(
        {"METRICS_TOKEN_FILE": str(tmp_path / "token"), "SMTP_URL_FILE": str(tmp_path / "smtp"), "LOG_FORMAT": "JSON",
         "LOG_PEOPLE": "1", "ALARM_EMAIL": "ops@x.example, duty@x.example", "ALARM_HOSTS": "alerts.internal",
         "ALARM_WEBHOOK_URL": "http://alerts.internal:9093/in?k=hunter2", "ALARM_WEBHOOK_SECRET": SECRET}
    )  # fmt: skip
    assert (found.metrics_token, found.log_format, found.log_people) == ("a-token-of-twenty-letters", "json", True)
    assert (found.alarms.emails, found.alarms.sender) == (("ops@x.example", "duty@x.example"), "ops@x.example")
    assert found.alarms.hosts == ("alerts.internal",)
    assert not [word for word in ("hunter2", "twenty", SECRET) if word in repr(found)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN: Use at least 20"),
        ({"ALARM_WEBHOOK_URL": "https://10.0.0.8/hunter2", "ALARM_WEBHOOK_SECRET": SECRET}, "not a public address"),
        ({"ALARM_WEBHOOK_URL": "http://alerts.internal/"}, "must start with https"),
        ({"ALARM_WEBHOOK_URL": "https://a.example/"}, "ALARM_WEBHOOK_SECRET: ALARM_WEBHOOK_URL needs it"),
        ({"ALARM_WEBHOOK_SECRET": "hunter2"}, "ALARM_WEBHOOK_SECRET: Use whsec_"),
        ({"ALARM_EMAIL": "ops@x.example"}, "SMTP_URL: ALARM_EMAIL needs a mail server"),
        ({"ALARM_EMAIL": "Ops<ops@x>", "SMTP_URL": "smtps://m"}, "is no e-mail address"),
        ({"SMTP_URL": "https://u:hunter2@m"}, "SMTP_URL: Use smtps://"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT: "),
    ],
)
def test_what_cannot_watch_is_told_at_the_start(given, told):
    with pytest.raises(BadConfig) as caught:
        config.load(given)
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)
