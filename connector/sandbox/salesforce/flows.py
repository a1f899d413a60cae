"""A Flow's HTTP callout: one POST of JSON with the credential's header, once; what it hears goes back to the flow."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

from connector.sandbox.http import Record
from connector.sandbox.world import LOOPBACK

TIMEOUT = urllib3.Timeout(connect=3, read=120)  # a flow waits two minutes at most


def call(given: Any) -> Record:
    """`{hook, token or secret, body}`: {status, body} of the answer. ValueError for what cannot be called."""
    if not isinstance(given, Mapping) or not isinstance(given.get("hook"), str):
        raise ValueError("a callout is {hook, token or secret, body}")
    parts = urlsplit(given["hook"])
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        raise ValueError(f"{given['hook']!r} is not an address of this machine (http://127.0.0.1:8000/...)")
    body = json.dumps(given.get("body"), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", **_proof(given, body)}
    try:
        said = urllib3.request("POST", given["hook"], body=body, headers=headers, timeout=TIMEOUT, retries=False)
    except urllib3.exceptions.HTTPError as failure:
        return {"status": 0, "body": type(failure).__name__}
    return {"status": said.status, "body": said.data.decode("utf-8", "replace")}


def _proof(given: Mapping[str, Any], body: bytes) -> Mapping[str, str]:
    """The header of the named credential: a bearer token, or a signature as Standard Webhooks write it."""
    if given.get("token"):
        return {"Authorization": f"Bearer {given['token']}"}
    if not given.get("secret"):
        return {}
    name, at = str(given.get("id") or f"msg_{uuid.uuid4().hex}"), str(int(time.time()))
    signed = f"{name}.{at}.".encode() + body
    digest = hmac.new(_key(str(given["secret"])), signed, hashlib.sha256).digest()
    proof = base64.b64encode(digest).decode()
    return {"webhook-id": name, "webhook-timestamp": at, "webhook-signature": f"v1,{proof}"}


def _key(secret: str) -> bytes:
    """A secret that says `whsec_` is base64, any other is its own bytes."""
    return base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
