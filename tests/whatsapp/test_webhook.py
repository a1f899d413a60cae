"""The handshake and the signature, through the webhook's front door."""

import hashlib
import hmac
import subprocess
import sys

import pytest

from connector import whatsapp
from connector.errors import NotAuthentic
from connector.ports import Account, RawRequest

BODY = b'{"object":"whatsapp_business_account","entry":[]}'
SPACED = b'{"object": "whatsapp_business_account", "entry": []}'
# Computed independently of this code, with openssl dgst -sha256 -hmac
VECTORS = [
    ("test_app_secret", BODY, "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"),
    ("test_app_secret", SPACED, "56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a"),
    ("otro_secreto", BODY, "769b03d8c2ae6498f2d1e1f7299c0ba55448c69d741e7b0bb243d852d8a8d8c7"),
]
GOOD = f"sha256={VECTORS[0][2]}"


def hook(**secrets):
    return whatsapp.webhook(Account(id="a1", kind="whatsapp", name="verde", secrets=secrets))


def post(body, signature):
    headers = {} if signature is None else {"x-hub-signature-256": signature}
    return RawRequest("POST", "/hooks/whatsapp/verde", "", headers, body)


def get(query):
    return RawRequest("GET", "/hooks/whatsapp/verde", query, {}, b"")


def sign(secret, body):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("secret, body, digest", VECTORS)
def test_a_true_signature_is_accepted(secret, body, digest):
    hook(app_secret=secret).verify(post(body, f"sha256={digest}"))


@pytest.mark.parametrize("secret", ["test_app_secret", "otro_secreto"])
def test_the_old_and_the_new_secret_count_while_it_is_changed(secret):
    both = hook(app_secret="otro_secreto", app_secret_old="test_app_secret")
    both.verify(post(BODY, sign(secret, BODY)))
    with pytest.raises(NotAuthentic):
        both.verify(post(BODY, sign("a third", BODY)))


def test_the_bytes_are_signed_not_their_meaning():
    with pytest.raises(NotAuthentic):
        hook(app_secret="test_app_secret").verify(post(SPACED, GOOD))


BAD = [
    None,
    "",
    "sha256=",
    GOOD[:-1],
    GOOD + "0",
    GOOD[:-1] + "z",
    GOOD[:-2] + " 6",
    GOOD.replace("sha256", "sha512"),
    GOOD[7:],
    GOOD[:-1] + "\u0666",
    GOOD[:-1] + "é",
    f"{GOOD}, {GOOD}",
    "sha256=" + "0" * 64,
]


@pytest.mark.parametrize("signature", BAD)
def test_a_missing_or_malformed_signature_is_refused(signature):
    with pytest.raises(NotAuthentic):
        hook(app_secret="test_app_secret").verify(post(BODY, signature))


@pytest.mark.parametrize("secrets", [{}, {"app_secret": ""}, {"app_secret_old": ""}])
def test_without_a_secret_nothing_is_trusted(secrets):
    for signature in (None, GOOD, sign("", BODY), "sha256="):
        with pytest.raises(NotAuthentic):
            hook(**secrets).verify(post(BODY, signature))


SHAKE = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=un%20token%20de%20prueba"


def test_the_handshake_hears_its_challenge():
    ours = hook(verify_token="un token de prueba")
    ours.verify(get(SHAKE))
    answer = ours.answer(get(SHAKE))
    assert (answer.status, answer.body, answer.content_type) == (200, b"1158201444", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "query",
    [
        "",
        SHAKE.replace("subscribe", "unsubscribe"),
        SHAKE.replace("hub.mode=subscribe&", ""),
        SHAKE.replace("1158201444", ""),
        SHAKE.replace("1158201444", "9" * 5000),
        SHAKE.replace("prueba", "Prueba"),
        SHAKE.replace("prueba", "pru%FFeba"),
        SHAKE.replace("prueba", "%ED%A0%80"),
        SHAKE + "&a=1" * 50,
    ],
)
def test_any_other_get_is_refused(query):
    ours = hook(verify_token="un token de prueba", app_secret="test_app_secret")
    with pytest.raises(NotAuthentic):
        ours.verify(get(query))
    assert ours.answer(get(query)).body == b""


def test_an_empty_verify_token_is_never_right():
    with pytest.raises(NotAuthentic):
        hook().verify(get("hub.mode=subscribe&hub.challenge=1&hub.verify_token="))


def test_a_signed_get_is_no_delivery():
    request = RawRequest("GET", "/hooks/whatsapp/verde", "", {"x-hub-signature-256": GOOD}, BODY)
    with pytest.raises(NotAuthentic):
        hook(app_secret="test_app_secret").verify(request)


@pytest.mark.parametrize("method", ["PUT", "HEAD", "DELETE", "post"])
def test_other_methods_are_refused(method):
    request = RawRequest(method, "/hooks/whatsapp/verde", SHAKE, {"x-hub-signature-256": GOOD}, BODY)
    with pytest.raises(NotAuthentic):
        hook(app_secret="test_app_secret", verify_token="un token de prueba").verify(request)


def test_the_refusal_tells_a_forger_nothing():
    ours, texts = hook(app_secret="test_app_secret", verify_token="un token de prueba"), set()
    for request in (post(BODY, None), post(BODY, "sha256=" + "0" * 64), get(""), get(SHAKE.replace("prueba", "x"))):
        with pytest.raises(NotAuthentic) as refusal:
            ours.verify(request)
        texts.add(f"{refusal.value} {refusal.value.facts} {refusal.value.__cause__}")
    assert len(texts) == 1
    assert "secret" not in repr(ours)


def test_a_delivery_is_answered_with_an_empty_200():
    answer = hook(app_secret="test_app_secret").answer(post(BODY, GOOD))
    assert (answer.status, answer.body) == (200, b"")


def test_the_web_process_loads_no_http_client():
    code = (
        "import sys; from connector import whatsapp; from connector.ports import Account;"
        "whatsapp.webhook(Account(id='a', kind='whatsapp', name='n')).parse(b'{}', {});"
        "print([m for m in ('httpx', 'phonenumbers', 'sqlalchemy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
