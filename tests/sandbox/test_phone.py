"""A customer's phone and the desk beside it: what the phone in the page is drawn from."""

import pytest

ANA, DEAL = "573001112222", "3001"


def phone(sandbox, who: str = ANA) -> dict:
    answer = sandbox.get(f"/_customers/{who}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def carry(sandbox, who: str = ANA, **message) -> str:
    answer = sandbox.post(f"/_customers/{who}/messages", json=message)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def record(found: dict, object: str) -> dict:
    return next(card for card in found["records"] if card["object"] == object)


def field(card: dict, name: str) -> dict:
    return next(one for one in card["fields"] if one["name"] == name)


def test_the_people_of_the_documentation_and_whoever_wrote(sandbox) -> None:
    ids = [one["id"] for one in sandbox.get("/_customers").json()]
    assert ids[0] == ANA
    assert "573209990011" not in ids
    sandbox.post("/_customers/573209990011", json={"text": "hello"})
    assert "573209990011" in [one["id"] for one in sandbox.get("/_customers").json()]


def test_a_template_as_the_phone_draws_it_and_the_tap_that_answers_it(sandbox) -> None:
    wamid = carry(sandbox, template="webinar_invite_v2", language="es", buttons=["interested", "later", "no"])
    (message,) = phone(sandbox)["messages"]
    assert message["text"].startswith("Hola Ana, ")
    assert message["footer"] == "Sandbox Store"
    assert [b["id"] for b in message["buttons"]] == ["interested", "later", "no"]
    assert (message["mine"], message["taken"], message["status"]) == (False, None, "")
    sandbox.post(f"/_customers/{ANA}", json={"button": "Me interesa", "reply_to": wamid})
    first, tap = phone(sandbox)["messages"]
    assert first["taken"] == "interested"
    assert (tap["mine"], tap["text"], tap["reply_to"]) == (True, "Me interesa", wamid)


def test_what_the_business_sends_has_its_header_and_its_ticks(sandbox, graph) -> None:
    parts = [
        {"type": "header", "parameters": [
            {"type": "document", "document": {"link": "https://files.example.com/1.pdf", "filename": "Quote.pdf"}}]},
        {"type": "body", "parameters": [
            {"type": "text", "parameter_name": "first_name", "text": "Ana"},
            {"type": "text", "parameter_name": "amount", "text": "USD 900.00"}]},
    ]  # fmt: skip
    template = {"name": "quote_ready", "language": {"code": "es"}, "components": parts}
    body = {"messaging_product": "whatsapp", "to": ANA, "type": "template", "template": template}
    assert graph.post("106540352242922/messages", json=body).status_code == 200
    (message,) = phone(sandbox)["messages"]
    assert message["media"]["name"] == "Quote.pdf"
    assert "USD 900.00" in message["text"]
    sandbox.post("/_clock", json={"advance": 60})
    assert phone(sandbox)["messages"][0]["status"] in ("delivered", "read")


def test_a_list_has_its_sections_and_a_link_button_its_address(sandbox) -> None:
    rows = [{"id": "m", "title": "Morning", "description": "8 to 12"}]
    action = {"button": "Choose", "sections": [{"title": "Day", "rows": rows}]}
    interactive = {"type": "list", "body": {"text": "When?"}, "action": action}
    wamid = carry(sandbox, message={"type": "interactive", "interactive": interactive})
    link = {"display_text": "Open", "url": "https://example.com"}
    action = {"name": "cta_url", "parameters": link}
    carry(
        sandbox,
        message={"type": "interactive", "interactive": {"type": "cta_url", "body": {"text": "."}, "action": action}},
    )
    sandbox.post(f"/_customers/{ANA}", json={"list": {"id": "m", "title": "Morning"}, "reply_to": wamid})
    when, page, _ = phone(sandbox)["messages"]
    assert when["list"] == {"title": "Choose", "sections": [{"title": "Day", "rows": rows}]}
    assert when["taken"] == "m"
    assert page["buttons"] == [{"kind": "link", "title": "Open", "url": "https://example.com"}]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ({"text": "hi"}, {"kind": "text", "text": "hi"}),
        ({"media": "image"}, {"kind": "image"}),
        ({"media": {"kind": "document", "filename": "a.pdf"}}, {"kind": "document"}),
        ({"location": {"latitude": 1, "longitude": 2, "name": "Here"}}, {"kind": "location"}),
        (
            {"contact": {"name": "Zed", "phone": "+1"}},
            {"kind": "contacts", "people": [{"name": "Zed", "phone": "+1", "email": "", "company": ""}]},
        ),
        ({"form": {"date": "2026-12-04"}}, {"kind": "interactive", "text": "Sent"}),
        ({"message": {"type": "order", "order": {"text": "two"}}}, {"kind": "order", "text": "two"}),
        ({"message": {"type": "unsupported", "unsupported": None}}, {"kind": "unsupported", "text": ""}),
    ],
)
def test_everything_a_customer_writes_is_on_the_phone(sandbox, written, shown) -> None:
    assert sandbox.post(f"/_customers/{ANA}", json=written).status_code == 200
    (message,) = phone(sandbox)["messages"]
    assert {name: message[name] for name in shown} == shown
    assert message["mine"]


def test_the_record_beside_it_says_what_changed(sandbox) -> None:
    before = phone(sandbox)
    assert [card["object"] for card in before["records"]] == ["contacts", "deals"]
    assert "before" not in field(record(before, "deals"), "dealstage")
    assert record(before, "deals")["stage"]["value"] == "qualifiedtobuy"
    sandbox.patch(f"/_records/hubspot/deals/{DEAL}", json={"dealstage": "closedwon"})
    stage = field(record(phone(sandbox), "deals"), "dealstage")
    assert (stage["before"], stage["shown"]) == ("Qualified To Buy", "Closed Won")
    assert field(record(phone(sandbox), "deals"), "dealstage")["changed_at"] == stage["changed_at"]
    sandbox.post("/_reset")
    assert "before" not in field(record(phone(sandbox), "deals"), "dealstage")


def test_a_change_before_the_first_look_is_seen_and_a_new_contact_is_new(sandbox) -> None:
    sandbox.patch("/_records/hubspot/contacts/1512", json={"lifecyclestage": "customer"})
    assert field(record(phone(sandbox), "contacts"), "lifecyclestage")["before"] == "Lead"
    assert phone(sandbox, "573209990011")["records"] == []
    made = {"firstname": "Tomás", "phone": "+57 320 999 0011"}
    assert sandbox.patch("/_records/hubspot/contacts/new", json=made).status_code == 200
    (card,) = phone(sandbox, "573209990011")["records"]
    assert card["new_at"] is not None


def test_salesforces_people_have_their_opportunities(sandbox) -> None:
    found = phone(sandbox, "15125550175")
    assert [card["object"] for card in found["records"]] == ["Contact", "Opportunity"]
    opportunity = record(found, "Opportunity")
    assert "Needs Analysis" in [one["value"] for one in opportunity["stage"]["options"]]
    assert sandbox.patch(
        f"/_records/salesforce/Opportunity/{opportunity['id']}", json={"StageName": "Needs Analysis"}
    ).is_success
    assert field(record(phone(sandbox, "15125550175"), "Opportunity"), "StageName")["before"] == "Negotiation/Review"


def test_a_couple_with_one_phone_shares_its_deal(sandbox) -> None:
    cards = phone(sandbox, "573015550180")["records"]
    assert [card["object"] for card in cards] == ["contacts", "deals", "contacts"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"/_customers/{ANA}/messages", {"template": "nope"}, 400),
        (f"/_customers/{ANA}/messages", {"template": "webinar_invite_v2", "language": "de"}, 400),
        (f"/_customers/{ANA}/messages", {"message": {"type": "text", "text": {"body": ""}}}, 400),
        (f"/_customers/{ANA}/messages", [], 400),
        (f"/_customers/{ANA}/other", {}, 404),
        ("/_customers/nobody/messages", {"template": "webinar_invite_v2"}, 400),
    ],
)
def test_what_cannot_be_carried_is_said(sandbox, path, body, status) -> None:
    answer = sandbox.post(path, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]
