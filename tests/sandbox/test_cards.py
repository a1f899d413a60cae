"""Carousels and offers that end: filled by our own renderer, checked and drawn by the sandbox."""

import json
from pathlib import Path
from typing import Any

import pytest

from connector.core.template import from_graph, render

ANA, NUMBER, WABA = "573001112222", "106540352242922", "102290129340398"
FOLDER = Path(__file__).parents[1] / "core" / "templates"


def made(graph, sandbox, name: str) -> dict[str, Any]:
    """The template, approved, and the message that fills it."""
    case = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    names = ("name", "language", "category", "parameter_format", "components")
    answer = graph.post(f"{WABA}/message_templates", json={n: case["template"][n] for n in names})
    assert answer.status_code == 200, answer.text
    approved = sandbox.post(f"/_templates/{name}/{case['template']['language']}", json={"status": "APPROVED"})
    assert approved.status_code == 200, approved.text
    return render(from_graph(case["template"]), case["values"], case.get("payloads", ()))


def send(graph, body: dict[str, Any]) -> Any:
    return graph.post(f"{NUMBER}/messages", json={"messaging_product": "whatsapp", "to": f"+{ANA}", **body})


def test_a_carousel_is_drawn_card_by_card_and_a_card_is_tapped(graph, sandbox) -> None:
    wamid = send(graph, made(graph, sandbox, "two_tours")).json()["messages"][0]["id"]
    (message,) = sandbox.get(f"/_customers/{ANA}").json()["messages"]
    assert [card["text"] for card in message["cards"]] == ["Tour Andes with a guide", "Tour Coast with a guide"]
    reply = message["cards"][1]["buttons"][0]
    assert (reply["kind"], bool(reply["id"])) == ("reply", True)
    tap = {"button": {"id": reply["id"], "title": reply["title"]}, "reply_to": wamid}
    item = sandbox.post(f"/_customers/{ANA}", json=tap).json()["message"]
    assert item["button"] == {"payload": reply["id"], "text": "Tell me more"}
    assert sandbox.get(f"/_customers/{ANA}").json()["messages"][0]["taken"] == reply["id"]


@pytest.mark.parametrize(("change", "code"), [("fewer", 132012), ("index", 131009), ("values", 132000)])
def test_cards_that_do_not_fit_are_refused(graph, sandbox, change: str, code: int) -> None:
    body = made(graph, sandbox, "two_tours")
    cards = next(part for part in body["template"]["components"] if part["type"] == "carousel")["cards"]
    if change == "fewer":
        cards.pop()
    elif change == "index":
        cards[0]["card_index"] = 7
    else:
        cards[0]["components"] = [part for part in cards[0]["components"] if part["type"] != "body"]
    assert send(graph, body).json()["error"]["code"] == code


def test_an_offer_says_when_it_ends(graph, sandbox) -> None:
    body = made(graph, sandbox, "weekend_sale")
    assert send(graph, body).status_code == 200
    (message,) = sandbox.get(f"/_customers/{ANA}").json()["messages"]
    assert message["offer"]["ends"] > 0
    body["template"]["components"] = [
        part for part in body["template"]["components"] if part["type"] != "limited_time_offer"
    ]
    assert send(graph, body).json()["error"]["code"] == 131008
