"""Templates, number and profile: read and changed over HTTP, against the sandbox and against odd answers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Busy, NotAllowed, NotFound, Rejected, Unreachable
from connector.whatsapp.number import read_number
from connector.whatsapp.profile import fitting, read_profile
from tests.whatsapp.answering import NUMBER, WABA, connected
from tests.whatsapp.reading import PAYLOADS

LIST = f"{WABA}/message_templates"
NEW = {
    "name": "summer_hours",
    "language": "es",
    "category": "UTILITY",
    "parameter_format": "NAMED",
    "components": [
        {
            "type": "BODY",
            "text": "Hola {{first_name}}, en verano abrimos a las nueve todos los días.",
            "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Ana"}]},
        }
    ],
}


def error(code):
    answer = json.loads((PAYLOADS / "errors" / f"{code}.json").read_bytes())
    return answer["status"], answer["body"]


# ---- templates ---------------------------------------------------------------------------------------------------
def test_all_templates_with_what_sends_need(client):
    found = {(one.name, one.language): one for one in client.templates()}
    quote = found["quote_ready", "es"]
    assert (quote.status, quote.category, quote.format, quote.quality) == ("APPROVED", "utility", "named", "GREEN")
    assert [part["type"] for part in quote.components] == ["HEADER", "BODY", "BUTTONS"]
    assert [button["text"] for button in quote.components[2]["buttons"]] == ["Aceptar", "Pregunta"]
    assert found["visit_reminder", "en_US"].format == "positional"
    assert found["spring_sale", "en"].status == "PAUSED"
    assert found["flash_offer", "en"].reason == "INVALID_FORMAT"
    assert quote.reason == ""


def test_more_templates_than_one_page(fresh, client):
    fresh.post("/_options", json={"review_seconds": -1})
    for n in range(110):
        client.create_template({**NEW, "name": f"summer_{n}"})
    found = [one.name for one in client.templates()]
    assert len(found) == len(set(map(str, client.templates())))
    assert {f"summer_{n}" for n in range(110)} < set(found)


def test_a_list_that_breaks_off_is_an_error_and_not_a_short_list(fresh, client):
    fresh.post("/_options", json={"review_seconds": -1})
    for n in range(110):
        client.create_template({**NEW, "name": f"summer_{n}"})
    fresh.post("/_faults", json=[{"route": "GET */message_templates", "kind": "5xx", "after": 2}])
    with pytest.raises(Unreachable):
        client.templates()


def test_a_list_that_never_ends_is_an_error(scripted):
    page = {"data": [{"id": "1", "name": "a"}], "paging": {"cursors": {"after": "x"}, "next": "https://evil.example"}}
    scripted.answers[LIST] = (200, page)
    with connected(scripted.url) as client, pytest.raises(Unreachable):
        client.templates()
    assert len(scripted.heard) == 2, "and the address in it is not called"


@pytest.mark.parametrize("item", [{}, {"name": 5, "components": "x"}, {"components": [1, {"type": None}], "name": "a"}])
def test_a_template_of_an_odd_shape_does_not_hide_the_others(scripted, item):
    scripted.answers[LIST] = (200, {"data": [item, "text", {"id": "2", "name": "good", "language": "es"}]})
    with connected(scripted.url) as client:
        assert client.templates()[-1].name == "good"


def test_a_template_is_created_edited_and_deleted(fresh, client):
    fresh.post("/_options", json={"review_seconds": -1})
    made = client.create_template(NEW)
    assert (made.name, made.language, made.status, made.category) == ("summer_hours", "es", "PENDING", "utility")
    assert made.components[0]["text"].startswith("Hola")
    fresh.post("/_templates/summer_hours/es", json={"status": "APPROVED"}).raise_for_status()
    client.edit_template(made.id, {"components": [{"type": "BODY", "text": "Abrimos a las nueve."}]})
    (found,) = [one for one in client.templates() if one.name == "summer_hours"]
    assert (found.id, found.status, found.components[0]["text"]) == (made.id, "PENDING", "Abrimos a las nueve.")
    client.delete_template("summer_hours", made.id)
    assert "summer_hours" not in {one.name for one in client.templates()}


def test_one_language_is_deleted_or_all(client):
    english = next(one.id for one in client.templates() if (one.name, one.language) == ("quote_ready", "en"))
    client.delete_template("quote_ready", english)
    assert {one.language for one in client.templates() if one.name == "quote_ready"} == {"es", "pt_BR"}
    client.delete_template("quote_ready")
    assert "quote_ready" not in {one.name for one in client.templates()}


def test_a_refusal_is_shown_in_metas_words(client):
    dangling = {**NEW["components"][0], "text": "Abrimos a las nueve, {{first_name}}."}
    with pytest.raises(Rejected) as failure:
        client.create_template({**NEW, "components": [dangling]})
    assert failure.value.code == "graph_2388299"
    assert "Variables can't be at the start or end" in failure.value.hint


def test_a_template_that_exists_or_is_gone(client):
    with pytest.raises(Rejected) as failure:
        client.create_template({**NEW, "name": "quote_ready"})
    assert failure.value.code == "graph_2388024"
    with pytest.raises(NotFound) as failure:
        client.delete_template("summer_hours")
    assert "summer_hours" in failure.value.hint


@pytest.mark.parametrize("id", ["", "12/messages", "me", "1?x=1"])
def test_only_the_id_of_a_template_is_put_into_an_address(scripted, id):
    with connected(scripted.url) as client, pytest.raises(NotFound):
        client.edit_template(id, {"components": []})
    assert scripted.heard == []


@pytest.mark.parametrize("code, kind", [(80007, Busy), (200, NotAllowed), (2, Unreachable), (2388293, Rejected)])
def test_what_may_be_done_about_a_refusal(scripted, code, kind):
    scripted.answers[LIST] = error(code)
    with connected(scripted.url) as client:
        for call in (client.templates, lambda: client.create_template(NEW), lambda: client.delete_template("x")):
            with pytest.raises(kind):
                call()


# ---- number ------------------------------------------------------------------------------------------------------
def test_the_number_of_the_sandbox(fresh, client):
    state = client.number()
    assert (state.id, state.display, state.verified_name) == (NUMBER, "+1 555-078-3881", "Sandbox Store")
    assert (state.quality, state.status, state.name_status) == ("GREEN", "CONNECTED", "APPROVED")
    assert (state.throughput, state.limit, state.tier, state.health) == (80, 100_000, "TIER_100K", "AVAILABLE")
    assert (state.official, state.problems) == (False, ())
    fresh.post("/_options", json={"limit": 1000})
    assert client.number().throughput == 1000


@pytest.mark.parametrize(
    "number, wanted",
    [
        ({"throughput": {"level": "STANDARD"}}, {"throughput": 80}),
        ({"throughput": {"level": "HIGH"}}, {"throughput": 1000}),
        ({"throughput": {"level": "NOT_APPLICABLE"}}, {"throughput": 80}),
        ({"throughput": 1000}, {"throughput": 80}),
        ({"whatsapp_business_manager_messaging_limit": "TIER_250"}, {"limit": 250, "tier": "TIER_250"}),
        ({"whatsapp_business_manager_messaging_limit": "TIER_2K"}, {"limit": 2000}),
        ({"whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED"}, {"limit": None, "tier": "TIER_UNLIMITED"}),
        ({"is_official_business_account": True}, {"official": True}),
        ({"is_official_business_account": "yes"}, {"official": False}),
        ({"health_status": {"can_send_message": "BLOCKED"}}, {"health": "BLOCKED", "problems": ()}),
        ({"health_status": {"entities": 5}, "id": None}, {"health": "", "id": ""}),
    ],
)
def test_how_a_number_is_read(number, wanted):
    state = read_number(number)
    assert {name: getattr(state, name) for name in wanted} == wanted


def test_what_meta_says_limits_a_number():
    errors = [{"error_code": 141006, "error_description": "No payment method.", "possible_solution": "Add one."}]
    health = {
        "can_send_message": "LIMITED",
        "entities": [
            {"entity_type": "PHONE_NUMBER", "additional_info": ["The display name is under review."]},
            {"entity_type": "WABA", "can_send_message": "BLOCKED", "errors": errors},
            {"entity_type": "BUSINESS", "can_send_message": "BLOCKED", "errors": errors},
        ],
    }
    state = read_number({"health_status": health})
    assert state.problems == ("No payment method. Add one.", "The display name is under review.")


# ---- profile -----------------------------------------------------------------------------------------------------
def test_the_profile_is_read_and_changed(client):
    assert client.profile()["vertical"] == "RETAIL"
    client.update_profile({"about": "Open at nine.", "websites": ["https://example.com/"]})
    profile = client.profile()
    assert (profile["about"], profile["websites"]) == ("Open at nine.", ["https://example.com/"])
    assert profile["email"] == "hello@sandbox-store.example", "what is not named stays"


@pytest.mark.parametrize(
    "values, words",
    [
        ({}, "nothing to change"),
        ({"about": "x" * 140}, "about has 140 characters, 139 are allowed"),
        ({"about": " "}, "about cannot be emptied"),
        ({"address": "x" * 257}, "address has 257"),
        ({"description": 5}, "description is not a text"),
        ({"email": "nobody"}, "email is not an e-mail address"),
        ({"email": "@x"}, "email is not an e-mail address"),
        ({"websites": "https://example.com"}, "websites are not a list"),
        ({"websites": ["https://a.example"] * 3}, "websites are 3, 2 are allowed"),
        ({"websites": ["example.com"]}, "http:// or https://"),
        ({"websites": ["https://[::1"]}, "http:// or https://"),
        ({"vertical": "SPACE"}, "vertical is none of"),
        ({"profile_picture_url": "https://x.example/a.jpg"}, "profile_picture_url cannot be changed"),
        ({"messaging_product": "x"}, "messaging_product cannot be changed"),
    ],
)
def test_a_profile_that_meta_would_refuse_is_not_sent(scripted, values, words):
    with connected(scripted.url) as client, pytest.raises(Rejected, match=words.replace("(", r"\(")):
        client.update_profile(values)
    assert scripted.heard == []


@given(st.text(max_size=300))
def test_a_text_of_the_profile_fits_or_is_refused(text):
    try:
        assert fitting({"description": text})["description"] == text
    except Rejected:
        assert len(text) > 256


@pytest.mark.parametrize("junk", [{}, {"about": 5, "websites": "x"}, {"websites": [1, "https://a.example"]}])
def test_a_profile_of_another_shape_is_not_a_crash(junk):
    found = read_profile(junk)
    assert all(isinstance(site, str) for site in found.get("websites", []))
