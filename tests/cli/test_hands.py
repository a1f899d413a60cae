"""The verbs over one event and one document, as a person types them, in processes of their own."""

# ruff: noqa: F811 - fixtures

import json
from pathlib import Path

from tests.pipeline.conftest import ANA
from tests.pipeline.street import Street, lane  # noqa: F401 - fixtures
from tests.pipeline.test_journey import ANYTHING

LOUD = ANYTHING.replace("answer.text", "answer.text | upper")


def test_try_shadow_publish_roll_back_undo_retry(lane: Street, tmp_path: Path) -> None:
    file = tmp_path / "loud.yaml"
    file.write_text(LOUD)
    lane.publish(ANYTHING)
    assert lane.cli("mappings", "shadow", str(file)) == 0
    assert "shadowed, version 2" in lane.said
    key = lane.customer(ANA, text="hello")
    lane.settle()
    assert lane.cli("mappings", "try", str(file), "--event", key) == 0
    assert "HELLO" in lane.said
    assert lane.cli("mappings", "try", str(file), "--text", "bye", "--json") == 0
    assert json.loads(lane.said)["fields"][0]["value"] == "BYE"
    assert lane.cli("mappings", "try", str(file)) == 2
    assert lane.cli("mappings", "shadow", "--report", "every-text") == 0
    assert "1 of 1 events differ" in lane.said
    assert lane.cli("mappings", "push", str(file), "--force") == 0
    assert lane.cli("mappings", "rollback", "every-text", "--note", "too loud") == 0
    assert "published, version 4" in lane.said
    assert lane.cli("mappings", "shadow", "--stop", "every-text") == 2
    assert lane.cli("retry", key) == 1
    assert "Nothing of it failed." in lane.said
    assert lane.cli("undo", key, "--dry-run") == 0
    assert lane.cli("undo", key) == 0
    assert "hello -> empty" in lane.said
    lane.settle()
    assert (lane.hubspot("1512").get("whatsapp_last_answer") or "") == ""
    assert lane.cli("undo", key) == 1
    assert lane.cli("undo", "wamid.nobody") == 1
