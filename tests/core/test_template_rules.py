"""Meta's rules for a new template: each broken once, named by its place."""

import json

import pytest

from connector.core.template import rules

GOOD = {
    "name": "quote_ready",
    "language": "es_CO",
    "category": "UTILITY",
    "parameter_format": "named",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Quote {{number}}",
         "example": {"header_text_named_params": [{"param_name": "number", "example": "7"}]}},
        {"type": "BODY", "text": "Dear {{first_name}}, the sum is {{amount}} in all.",
         "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Ana"},
                                                {"param_name": "amount", "example": "5"}]}},
        {"type": "FOOTER", "text": "Example Store"},
        {"type": "BUTTONS", "buttons": [
            {"type": "QUICK_REPLY", "text": "Yes"},
            {"type": "QUICK_REPLY", "text": "No"},
            {"type": "URL", "text": "See it", "url": "https://example.com/{{1}}", "example": ["https://example.com/7"]},
            {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+573001112222"},
            {"type": "COPY_CODE", "example": "SAVE10"}]},
    ],
}  # fmt: skip
CODE = {
    "name": "code", "language": "en", "category": "AUTHENTICATION", "message_send_ttl_seconds": 600,
    "components": [{"type": "BODY", "add_security_recommendation": True},
                   {"type": "FOOTER", "code_expiration_minutes": 10},
                   {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]}],
}  # fmt: skip
OFFER = {
    "name": "offer", "language": "en", "category": "MARKETING",
    "components": [{"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Today", "has_expiration": True}},
                   {"type": "BODY", "text": "A quarter off everything."},
                   {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "example": ["A1"]}]}],
}  # fmt: skip
CARD = {"components": [{"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::x"]}},
                       {"type": "BODY", "text": "One line"},
                       {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "More"}]}]}  # fmt: skip
CAROUSEL = {
    "name": "cards", "language": "en", "category": "MARKETING",
    "components": [{"type": "BODY", "text": "Two things for you."}, {"type": "CAROUSEL", "cards": [CARD, CARD]}],
}  # fmt: skip


def found(template: dict, *path_and_value: object) -> set[tuple[str, str]]:
    """The misfits of a copy in which the value at a path is another one (or gone, when it is None)."""
    changed = json.loads(json.dumps(template))  # a copy in which nothing is shared
    if path_and_value:
        *path, last, value = path_and_value
        place = changed
        for step in path:
            place = place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return {(one.code, one.key) for one in rules(changed)}


@pytest.mark.parametrize("template", [GOOD, CODE, OFFER, CAROUSEL], ids=lambda one: one["name"])
def test_a_good_template_breaks_no_rule(template):
    assert rules(template) == []


H, B, F, X = (("components", n) for n in range(4))
BUTTON = (*X, "buttons")
REPLY = {"type": "QUICK_REPLY", "text": "Yes"}
LINK = {"type": "URL", "text": "See", "url": "https://example.com/"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("name", "Quote Ready"), ("name", "name")),
        (("name", "ñ"), ("name", "name")),
        (("name", ""), ("name", "name")),
        (("name", "a" * 513), ("too_long", "name")),
        (("language", "es-CO"), ("language", "language")),
        (("language", "Spanish"), ("language", "language")),
        (("category", "PROMOTION"), ("category", "category")),
        (("message_send_ttl_seconds", 29), ("ttl", "message_send_ttl_seconds")),
        (("components", []), ("component", "body")),
        ((*F, "type", "SIDEBAR"), ("component", "SIDEBAR")),
        ((*F, "type", "BODY"), ("component", "BODY")),
        ((*H, "format", "AUDIO"), ("header", "header")),
        ((*H, "format", "IMAGE"), ("example", "header")),
        ((*H, "text", "x" * 61), ("too_long", "header")),
        ((*H, "text", ""), ("empty", "header")),
        ((*H, "text", "a\nb"), ("newline", "header")),
        ((*H, "text", "{{number}} or {{other}}"), ("too_many", "header")),
        ((*H, "example", None), ("example", "header")),
        ((*B, "text", ""), ("empty", "body")),
        ((*B, "text", "x" * 1025), ("too_long", "body")),
        ((*B, "text", "{{amount}} is the sum for {{first_name}} today."), ("start", "body")),
        ((*B, "text", "Dear {{first_name}}, the sum is {{amount}}"), ("end", "body")),
        ((*B, "text", "Dear {{first_name}} {{amount}} and so on for long."), ("adjacent", "body")),
        ((*B, "text", "Dear {{first_name}} and {{amount}}."), ("too_many", "body")),
        ((*B, "text", "Dear {{First}}, the sum is {{amount}} in all."), ("placeholder", "body")),
        ((*B, "text", "Dear {{first name}}, the sum is {{amount}} in all."), ("placeholder", "body")),
        ((*B, "text", "Dear {{first_name, the sum is {{amount}} in all."), ("placeholder", "body")),
        ((*B, "text", "Dear {{1}}, the sum is {{amount}} in all."), ("placeholder", "body")),
        ((*B, "example", "body_text_named_params", 1, "example", ""), ("example", "body")),
        ((*B, "example", "body_text_named_params", 1, "param_name", "sum"), ("example", "body")),
        (("parameter_format", "positional"), ("placeholder", "body")),
        ((*F, "text", "x" * 61), ("too_long", "footer")),
        ((*F, "text", "Bye {{first_name}}"), ("footer", "footer")),
        ((*F, "text", " "), ("empty", "footer")),
        ((*F, "text", "a\nb"), ("newline", "footer")),
        ((*BUTTON, []), ("buttons", "buttons")),
        ((*BUTTON, [REPLY] * 11), ("buttons", "buttons")),
        ((*BUTTON, [LINK] * 3), ("buttons", "buttons")),
        ((*BUTTON, [REPLY, LINK, REPLY]), ("grouped", "buttons")),
        ((*BUTTON, 0, "type", "OTP"), ("buttons", "buttons.0")),
        ((*BUTTON, 0, "type", "BELL"), ("buttons", "buttons.0")),
        ((*BUTTON, 0, "type", "FLOW"), ("flow", "buttons.0")),
        ((*BUTTON, 0, "text", ""), ("label", "buttons.0")),
        ((*BUTTON, 0, "text", "x" * 26), ("too_long", "buttons.0")),
        ((*BUTTON, 0, "text", "Yes {{1}}"), ("label", "buttons.0")),
        ((*BUTTON, 2, "url", "example.com"), ("url", "buttons.2")),
        ((*BUTTON, 2, "url", "https://{{1}}"), ("url", "buttons.2")),
        ((*BUTTON, 2, "url", "https://example.com/{{1}}/more"), ("url", "buttons.2")),
        ((*BUTTON, 2, "url", "https://example.com/{{1}}{{2}}"), ("url", "buttons.2")),
        ((*BUTTON, 2, "url", "https://example.com/" + "x" * 2000), ("too_long", "buttons.2")),
        ((*BUTTON, 2, "example", None), ("example", "buttons.2")),
        ((*BUTTON, 3, "phone_number", "call me"), ("phone", "buttons.3")),
        ((*BUTTON, 3, "phone_number", "1" * 21), ("phone", "buttons.3")),
        ((*BUTTON, 4, "example", None), ("example", "buttons.4")),
        ((*BUTTON, 4, "example", "x" * 16), ("too_long", "buttons.4")),
    ],
)
def test_a_broken_rule_is_named(change, expected):
    assert expected in found(GOOD, *change)


@pytest.mark.parametrize(
    "text", ["Dear {{1}}, it is {{3}} now for you.", "Dear {{2}}, it is all ready now.", "Hi {{0}}, all is ready."]
)
def test_numbers_count_from_one(text):
    template = {"name": "a", "language": "en", "category": "utility", "components": [{"type": "BODY", "text": text}]}
    assert ("placeholder", "body") in found(template)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("components", 0, "text", "Your code is {{1}}."), ("authentication", "body")),
        (("components", 1, "text", "Bye"), ("authentication", "footer")),
        (("components", 1, "code_expiration_minutes", 91), ("authentication", "footer")),
        (("components", 1, "code_expiration_minutes", "5"), ("authentication", "footer")),
        (("components", 2, "buttons", [REPLY]), ("authentication", "buttons")),
        (("components", 2, "buttons", 0, "otp_type", "SMS"), ("authentication", "buttons.0")),
        (("components", 1, {"type": "HEADER", "format": "TEXT", "text": "x"}), ("authentication", "header")),
        (("message_send_ttl_seconds", 901), ("ttl", "message_send_ttl_seconds")),
    ],
)
def test_an_authentication_template_has_a_shape_of_its_own(change, expected):
    assert expected in found(CODE, *change)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("components", 0, "limited_time_offer", "text", "x" * 17), ("offer", "offer")),
        (("components", 1, "text", "x" * 601), ("too_long", "body")),
        (("category", "UTILITY"), ("offer", "category")),
        (("components", 2, {"type": "FOOTER", "text": "Bye"}), ("offer", "footer")),
        (("components", 2, {"type": "HEADER", "format": "LOCATION"}), ("offer", "header")),
    ],
)
def test_a_limited_time_offer_too(change, expected):
    assert expected in found(OFFER, *change)


CARDS = ("components", 1, "cards")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((*CARDS, [CARD]), ("cards", "cards")),
        ((*CARDS, [CARD] * 11), ("cards", "cards")),
        ((*CARDS, 0, "components", 0, "format", "VIDEO"), ("cards", "cards")),
        ((*CARDS, 0, "components", 0, "format", "DOCUMENT"), ("cards", "card.0.header")),
        ((*CARDS, 1, "components", 0, "example", None), ("example", "card.1.header")),
        ((*CARDS, 1, "components", 1, "text", "x" * 161), ("too_long", "card.1.body")),
        ((*CARDS, 1, "components", 1, "text", "a\nb\nc\nd"), ("newline", "card.1.body")),
        ((*CARDS, 1, "components", 2, "buttons", [REPLY] * 3), ("cards", "card.1.buttons")),
        ((*CARDS, 1, "components", 2, "buttons", 0, "text", ""), ("label", "card.1.buttons.0")),
        (("components", 0, {"type": "FOOTER", "text": "Bye"}), ("cards", "footer")),
    ],
)
def test_and_a_carousel(change, expected):
    assert expected in found(CAROUSEL, *change)
