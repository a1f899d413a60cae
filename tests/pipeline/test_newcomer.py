"""A reply changes a record of a CRM that came by an entry point: the journey asks its folder, and nothing else."""

from connector.app import kinds
from tests.newcomer import newcomer
from tests.pipeline import messages

__all__ = ["newcomer"]
ANA = "573001112222"
TEXT = """mapping: kept
crm: ours
when: {answer_to: anything, type: text}
contact: {find_by: [phone], if_missing: review}
set: {answer: "{{ answer.text }}"}
log: message
"""


def test_a_reply_is_written_there(newcomer, house):
    from tiny_crm.adapter import PEOPLE

    PEOPLE["p1"] = {"telephone": f"+{ANA}", "answer": ""}
    house.app.add_account(kinds()[newcomer], "ours", {"shop_id": "77"}, {"key": "tiny-key"})
    house.publish(TEXT)
    house.deliver(messages.replies(messages.text(ANA, "Tell me more")))
    house.settle()
    assert PEOPLE["p1"]["answer"] == "Tell me more"
    assert house.counts()["waiting"] == 0
