"""connector contacts and settings, as a person types them."""

import json

import pytest

from tests.pipeline.canaries import NAME, PHONE, said
from tests.pipeline.messages import replies, text


@pytest.fixture
def known(house):
    house.deliver(replies(text(PHONE, said("text"), id="wamid.p1"), names={PHONE: NAME}))
    house.settle()
    return house


def test_export_and_erase(cli, known):
    shown = cli("contacts", "export", f"+{PHONE}")
    assert NAME in shown.out
    assert said("text") not in shown.out
    found = cli("contacts", "export", PHONE, "--json").json
    assert found["contact"]["name"] == NAME
    assert found["events"][0]["payload"]["text"] == said("text")
    assert found["raw"][0]["item"]["from"] == PHONE
    assert [key["value"] for key in found["keys"]] == [PHONE]
    assert "--yes" in cli("contacts", "erase", PHONE, code=2).err
    counts = cli("contacts", "erase", PHONE, "--yes", "--json").json
    assert counts["events"] == 1
    assert "Nobody is known" in cli("contacts", "export", PHONE, code=1).err
    why = cli("why", "wamid.p1", code=1)
    assert said("text") not in why.out + why.err


def test_nobody_and_strange_keys(cli):
    for key in ("", "nobody", "contacts/1512", "/", "' OR 1=1 --", "x" * 5000):
        assert "Nobody is known" in cli("contacts", "export", key, code=1).err


def test_settings(cli):
    rows = {row["name"]: row for row in cli("settings", "list", "--json").json}
    assert rows["retain_text"]["value"] == 90
    assert "retain_text: 90 -> 30" in cli("settings", "set", "retain_text=30", "time_zone=America/Bogota").out
    assert "Nothing changed." in cli("settings", "set", "retain_text=30").out
    assert "America/Bogota" in cli("settings", "list").out
    assert "There is no such setting" in cli("settings", "set", "nothing=1", code=2).err
    assert "Write a number of days" in cli("settings", "set", "retain_raw=1", code=2).err
    assert "NAME=VALUE" in cli("settings", "set", "retain_raw", code=2).err
    assert json.loads(cli("settings", "list", "--json").out)
