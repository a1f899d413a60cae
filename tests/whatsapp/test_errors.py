"""The code table: every row has a body of Graph's and a class, and an error says what to do next."""

import json

import pytest

from connector import errors
from connector.whatsapp.errors import CODES, RANGES, classify, known, read_error, translate
from tests.whatsapp.reading import PAYLOADS

FILES = {int(path.stem): json.loads(path.read_bytes()) for path in sorted((PAYLOADS / "errors").glob("*.json"))}
# code -> class, as Meta's page and the rules of sending demand; written down apart from the table under test
CLASSES = {
    "S": [4, 80007, 130429, 131056],
    "Q": [1, 2, 131000, 131016, 131057, 133004, 2494100],
    "W": [131048, 131049, 131064, 132015, 132069, 133008, 133009, 133015, 133016, 134101],
}
EXPECTED = {code: letter for letter, codes in CLASSES.items() for code in codes}
ACCOUNT_STOPS = [
    0,
    3,
    10,
    190,
    200,
    294,
    368,
    131005,
    131031,
    131037,
    131042,
    131044,
    131045,
    133000,
    133006,
    133010,
    139200,
]


def test_every_row_has_a_body_and_every_body_a_row():
    ranged = {code for code in FILES if code not in CODES}
    assert set(CODES) <= set(FILES)
    assert all(any(code in span for span, _ in RANGES) for code in ranged)
    assert all(any(code in span for code in ranged) for span, _ in RANGES)


@pytest.mark.parametrize("code", FILES)
def test_a_code_is_classified_whatever_its_status(code):
    for status in (200, 400, 401, 404, 500, 503):
        assert classify(code, status).again == EXPECTED.get(code, "N")


@pytest.mark.parametrize("code", FILES)
def test_a_body_becomes_an_error_that_says_what_to_do(code):
    error = translate(FILES[code]["status"], FILES[code]["body"])
    base = {"S": errors.TryAgain, "W": errors.TryAgain, "Q": errors.Unreachable}.get(EXPECTED.get(code, "N"))
    assert isinstance(error, base or (errors.GiveUp, errors.NeedsPerson))
    assert error.code == f"graph_{code}"
    assert error.message.endswith(".")
    assert error.message[0].isupper()


@pytest.mark.parametrize("kind", CODES.values())
def test_a_row_is_in_plain_words(kind):
    assert kind.again in "SQWN"
    assert kind.who in ("you", "Meta", "customer", "CRM")
    assert kind.park in ("", "account", "number", "template", "contact")
    assert 20 <= len(kind.words) <= 120
    assert (kind.again in "SW") <= bool(kind.wait and kind.park), "what waits, and for how long"


@pytest.mark.parametrize("code", FILES)
def test_only_what_a_person_must_mend_pauses_the_account(code):
    error = translate(FILES[code]["status"], FILES[code]["body"])
    assert isinstance(error, errors.NotAllowed) == (code in ACCOUNT_STOPS)


@pytest.mark.parametrize(
    "code, kind",
    [
        (131047, errors.OutsideWindow),
        (131050, errors.NoConsent),
        (132001, errors.TemplateNotApproved),
        (132016, errors.TemplateNotApproved),
        (33, errors.NotFound),
        (100, errors.Rejected),
        (131026, errors.Rejected),
        (130429, errors.Busy),
        (190, errors.NotAllowed),
    ],
)
def test_the_kind_of_an_error(code, kind):
    assert type(translate(400, FILES[code]["body"])) is kind


def test_how_long_to_wait():
    assert translate(400, FILES[131049]["body"]).after == 86400
    assert translate(400, FILES[133016]["body"]).after == 72 * 3600
    assert translate(400, FILES[131056]["body"]).after == 4


@pytest.mark.parametrize(
    "code, status, transient, again",
    [
        (None, 200, False, "Q"),  # a 200 we cannot read: it may have gone out
        (None, 400, False, "Q"),
        (None, 502, False, "Q"),
        (999999, 400, False, "N"),
        (999999, 404, False, "N"),
        (999999, 500, False, "Q"),
        (999999, 400, True, "Q"),
        (100, 400, True, "Q"),
        (190, 401, True, "Q"),
        (130429, 400, True, "S"),  # known to be refused before anything is sent
        (132015, 400, True, "W"),
        (199, 400, False, "N"),
        (250, 403, False, "N"),
        (300, 500, False, "Q"),
    ],
)
def test_unlisted_codes_and_the_transient_flag(code, status, transient, again):
    assert classify(code, status, transient).again == again


def test_a_transient_refusal_pauses_nothing():
    assert classify(190, 401, True).park == ""


@pytest.mark.parametrize(
    "body",
    [None, [], "<html>", {}, {"error": None}, {"error": "x"}, {"error": {"code": "190"}}, {"error": {"code": True}}],
)
def test_a_body_of_any_other_shape_says_nothing(body):
    assert read_error(body)[0] is None
    assert type(translate(500, body)) is errors.Unreachable


def test_metas_words_are_kept_as_a_hint_and_bounded():
    error = translate(400, {"error": {"code": 100, "message": "x" * 5000}})
    assert len(error.hint) < 400
    assert translate(404, FILES[132001]["body"]).hint == (
        "Meta says: template name (webinar_invite_v2) does not exist in es_CO"
    )


def test_known_is_only_the_table():
    assert known(None) is None
    assert known(12345678) is None
    assert known(131047) is CODES[131047]


@pytest.mark.parametrize("token", ["EAAGm0PX4ZCpsBAKZAxyz", "670843887433847|kPq3x0Zr8uVbW1y"])
def test_a_token_that_meta_repeats_goes_no_further(token):
    error = translate(401, {"error": {"code": 190, "message": f"Malformed access token {token} in the request"}})
    assert error.hint == "Meta says: Malformed access token … in the request"


def test_a_general_code_is_told_apart_by_its_subcode():
    general = {"code": 100, "message": "Invalid parameter", "error_subcode": 2388299}
    assert translate(400, {"error": general}).code == "graph_2388299"
    assert translate(400, {"error": general | {"error_subcode": 33}}).code == "graph_33"
    assert translate(400, {"error": general | {"error_subcode": 2494010}}).code == "graph_100"
    assert translate(400, {"error": general | {"code": 190}}).code == "graph_190"
