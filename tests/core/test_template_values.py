"""Every value is checked as Graph checks it: its text, its length, its address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.template import Misfit, render
from tests.core.template_parts import REPLY, TEXT, body, buttons, made, url


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "empty"), ("  ", "empty"), ("\n", "empty"),
        ("a\nb", "newline"), ("a\r\nb", "newline"), ("a\u2028b", "newline"),
        ("a\x85b", "newline"), ("a\tb", "tab"), ("a     b", "spaces"), ("a\u00a0\u00a0\u00a0\u00a0\u00a0b", "spaces"),
        ("a\x00b", "character"), ("a\ud800b", "character"), ("x" * 1012, "too_long"), ("😀" * 506, "too_long"),
    ],
)  # fmt: skip
def test_a_text_graph_would_refuse_is_refused_here(value, code):
    with pytest.raises(Misfit) as refused:
        render(TEXT, {"1": value}, [])
    assert (refused.value.code, refused.value.key) == (code, "1")
    assert not value.strip() or value not in str(refused.value)  # a customer's value is not for logs


@pytest.mark.parametrize("value", ["a    b", "x" * 1011, "ñ {{1}} %s", "😀" * 505, " Ana\n"])
def test_a_text_at_the_limits_goes_out(value):
    sent = render(TEXT, {"1": value}, [])["template"]["components"][0]["parameters"]
    assert sent == [{"type": "text", "text": value.strip()}]


PUBLIC = ["https://example.com/a.pdf", "http://files.example.com:8080/x?y=1#z", "https://8.8.8.8/a", "https://[2606:4700::1111]/a",
          "123456789012345", "https://example.com/ü.pdf"]  # fmt: skip
PRIVATE = [
    "http://127.0.0.1/a", "http://localhost/a", "http://LOCALHOST:80/a", "http://a.localhost/", "http://10.0.0.8/a",
    "http://192.168.1.1/a", "http://172.16.5.5/a", "http://169.254.169.254/latest", "http://0.0.0.0/", "http://2130706433/",
    "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/", "http://017700000001/", "http://[::1]/",
    "http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fc00::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:0a00:1]/",
    "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[::]/", "http://[::127.0.0.1]/", "http://127.0.0.1./",
    "http://db.internal/", "http://printer.local/", "http://intranet/", "http://100.64.0.1/", "http://224.0.0.1/",
    "http://256.0.0.1/", "http://10.0.0.08/",
]  # fmt: skip
BROKEN = [
    "ftp://example.com/a", "file:///etc/passwd", "example.com/a.pdf", "https://", "https://u:p@example.com/a",
    "https://u@example.com/", "https://example.com/a b", "https://exa\\mple.com/", "https://example.com:99999/",
    "https://[::1/", "javascript:alert(1)", "1234", "https://example.com/" + "a" * 2000, "https:///a",
    "data:text/plain,x", "//example.com/a",
]  # fmt: skip


def with_document(value: str) -> dict:
    template = made({"type": "HEADER", "format": "DOCUMENT"}, body("Hi"))
    return render(template, {"header.document": value}, [])["template"]["components"][0]["parameters"][0]["document"]


@pytest.mark.parametrize("value", PUBLIC)
def test_a_public_address_or_a_media_id_is_taken(value):
    assert with_document(value) == {"id" if value.isdigit() else "link": value}


@pytest.mark.parametrize("value", PRIVATE + BROKEN)
def test_no_other_address_is(value):
    with pytest.raises(Misfit) as refused:
        with_document(value)
    assert (refused.value.code, refused.value.key) == ("media", "header.document")


@given(st.ip_addresses())
def test_only_global_addresses_are_taken(address):
    host = f"[{address}]" if address.version == 6 else str(address)
    if not address.is_global:
        with pytest.raises(Misfit):
            with_document(f"https://{host}/a.pdf")


@given(st.ip_addresses(v=4), st.sampled_from(["{}", "0x{:x}", "0{:o}"]))
def test_a_private_address_stays_private_in_any_spelling(address, spelling):
    plain, spelled = (f"http://{host}/a" for host in (address, spelling.format(int(address))))
    results = []
    for link in (plain, spelled):
        try:
            results.append(bool(with_document(link)))
        except Misfit:
            results.append(False)
    assert results[1] <= results[0]


@pytest.mark.parametrize(
    ("address", "value", "sent"),
    [
        ("https://a.example/o/{{1}}", "A-1", "A-1"),
        ("https://a.example/o/{{1}}", "Ä 1/2?x=%20", "%C3%84%201/2?x=%20"),
        ("https://a.example{{1}}", "/o/7", "/o/7"),
        ("https://a.example/?to={{1}}", "https://b.example/", "https://b.example/"),
        ("https://a.example/?to={{1}}", "../x", "../x"),
        ("https://a.example/o/{{1}}", "a..b/...?x=../y", "a..b/...?x=../y"),
    ],
)
def test_the_end_of_a_buttons_address(address, value, sent):
    template = made(body("Hi"), buttons(url(address)))
    made_button = render(template, {"button.url": value}, [])["template"]["components"][0]
    assert made_button == {
        "type": "button",
        "sub_type": "url",
        "index": "0",
        "parameters": [{"type": "text", "text": sent}],
    }


@pytest.mark.parametrize(
    ("address", "value", "code"),
    [
        ("https://a.example/{{1}}", "https://a.example/7", "url"),
        ("https://a.example{{1}}", "@evil.example", "url"),
        ("https://a.example{{1}}", ".evil.example/", "url"),
        ("https://a.example/orders/{{1}}", "../login", "url"),
        ("https://a.example/orders/{{1}}", "7/..//../login", "url"),
        ("https://a.example/orders/{{1}}", "%2e%2E/login", "url"),
        ("https://a.example/orders/{{1}}", ".%2e%2Flogin", "url"),
        ("https://a.example{{1}}", "/..", "url"),
        ("https://a.example/{{1}}", "x" * 1983, "too_long"),
        ("https://a.example/{{1}}", "ü" * 400, "too_long"),
        ("https://a.example/{{1}}", "a\nb", "newline"),
    ],
)
def test_an_address_that_would_break_is_refused(address, value, code):
    with pytest.raises(Misfit) as refused:
        render(made(body("Hi"), buttons(url(address))), {"button.url": value}, [])
    assert (refused.value.code, refused.value.key) == (code, "button.url")


COUPON = made(body("Hi"), buttons({"type": "COPY_CODE", "example": "A"}))
CODE = made(body("*{{1}}* is your code."), buttons(url("https://w.example/{{1}}")), category="authentication")
PLACE = made({"type": "HEADER", "format": "LOCATION"}, body("Hi"))
OFFER = made(body("Hi"), {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "x", "has_expiration": True}})
TITLE = made({"type": "HEADER", "format": "TEXT", "text": "On {{1}}"}, body("Hi"))


@pytest.mark.parametrize(
    ("template", "values", "payloads", "code"),
    [
        (COUPON, {"button.copy_code": "A" * 16}, [], "too_long"),
        (COUPON, {"button.copy_code": "A B"}, [], "coupon"),
        (CODE, {"1": "1" * 16}, [], "too_long"),
        (CODE, {"1": "evil.example/x"}, [], "code"),
        (PLACE, {"header.latitude": "91", "header.longitude": "0"}, [], "location"),
        (PLACE, {"header.latitude": "4,7", "header.longitude": "0"}, [], "location"),
        (OFFER, {"offer.expires": "tomorrow"}, [], "moment"),
        (OFFER, {"offer.expires": "2026-11-29T10:00:00"}, [], "moment"),
        (TITLE, {"header.1": "x" * 58}, [], "too_long"),
        (made(body("Hi"), buttons(REPLY)), {}, ["x" * 129], "too_long"),
        (made(body("Hi"), buttons(REPLY)), {}, [""], "empty"),
        (TEXT, {}, [], "missing"),
        (TEXT, {"1": "a", "2": "b"}, [], "extra"),
        (made(body("Hi")), {}, ["yes"], "buttons"),
        (made(body("Hi"), {"type": "CAROUSEL", "cards": [{"components": [body("{{1}} " + "x" * 150)]}]}),
         {"card.0.1": "y" * 10}, [], "too_long"),
    ],
)  # fmt: skip
def test_every_kind_of_value_has_its_limits(template, values, payloads, code):
    with pytest.raises(Misfit) as refused:
        render(template, values, payloads)
    assert refused.value.code == code


def test_an_optional_value_that_is_empty_is_left_out():
    template = made({"type": "HEADER", "format": "DOCUMENT"}, body("Hi"))
    sent = render(template, {"header.document": "123456", "header.filename": " "}, [])
    assert sent["template"]["components"][0]["parameters"][0]["document"] == {"id": "123456"}
