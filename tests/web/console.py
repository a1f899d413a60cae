"""The console in one process over a real store: `console` signs in whoever a test needs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

from connector.base import hook_path, kinds
from connector.config import key_file
from connector.store import accounts, users
from connector.store.engine import Store
from connector.store.secrets import Keyring
from connector.web.house import House
from connector.web.pages import flask_app


class Compiled(BytecodeCache):
    """Templates that one console compiled serve the next: half of a page's test was that."""

    def __init__(self) -> None:
        self._code: dict[str, Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get(f"{bucket.key} {bucket.checksum}")

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[f"{bucket.key} {bucket.checksum}"] = bucket.code


def share_rules() -> None:
    """The same for what werkzeug makes of a route's text, which depends on nothing else for routes like ours."""
    real = Rule._compile_builder

    @cache
    def build(text: str, strict: bool, leaf: bool, defaults: str, unknown: bool, rule: "Same") -> Any:
        return real(rule.rule, unknown)

    def compile_builder(rule: Rule, append_unknown: bool = True) -> Any:
        told = repr(sorted((rule.defaults or {}).items()))
        return build(rule.rule, bool(rule.strict_slashes), rule.is_leaf, told, append_unknown, Same(rule))

    Rule._compile_builder = compile_builder  # type: ignore[method-assign]

    whole, kept = Rule.compile, dict[Any, Any]()

    def compile_(rule: Rule) -> None:
        key = rule.rule, rule.subdomain, rule.merge_slashes, rule.strict_slashes, rule.is_leaf, repr(rule.defaults)
        if key not in kept:
            whole(rule)
            kept[key] = (rule._parts, rule._trace, rule._converters, rule.arguments)
        else:
            rule._parts, rule._trace, rule._converters, rule.arguments = kept[key]
            rule._build, rule._build_unknown = (
                compile_builder(rule, unknown).__get__(rule, None) for unknown in (False, True)
            )

    Rule.compile = compile_  # type: ignore[method-assign]


@dataclass(frozen=True)
class Same:
    """A rule that is no part of a cache's key."""

    rule: Rule = field(compare=False)


COMPILED = Compiled()
share_rules()
PASSWORD = "correct horse battery"


class FixedClock:
    """The hour a test says."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


class Console:
    """The console's application; `console("editor")` is a browser in which an editor has signed in."""

    def __init__(self, app: Flask, house: House, rung: list[str]) -> None:
        self.app, self.house, self.rung = app, house, rung

    def __call__(self, role: str = "admin", email: str = "") -> "Browser":
        address = email or f"{role}@example.com"
        with self.house.store.write() as conn:
            found = users.get(conn, address)
            user = (
                found.id if found is not None else users.add(conn, address, role.title(), role, self.house.clock.now())
            )
            token = users.sign_in(conn, user, self.house.clock.now())
            row = users.session(conn, token, self.house.clock.now())
        client = self.app.test_client()
        client.set_cookie("connector", token)
        return Browser(client, row.csrf)

    @property
    def stranger(self) -> FlaskClient:
        return self.app.test_client()


class Browser:
    """A client with a session; what it posts carries the session's token."""

    def __init__(self, client: FlaskClient, csrf: str) -> None:
        self.client, self.csrf = client, csrf

    def get(self, path: str, *, part: bool = False, **more):
        return self.client.get(path, headers={"HX-Request": "true"} if part else {}, **more)

    def post(self, path: str, data: dict | None = None, *, part: bool = False, **more):
        headers = {"X-Csrf": self.csrf} | ({"HX-Request": "true"} if part else {})
        return self.client.post(path, data=data or {}, headers=headers, **more)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def make_console(clock: FixedClock, tmp_path: Path) -> Callable[..., Console]:
    """A console over a given store."""

    def make(store: Store, public_url: str = "http://127.0.0.1:8000", sandbox: str = "") -> Console:
        keyring, rung = Keyring(key_file(tmp_path / "keys")), list[str]()

        def everyone():
            with store.read() as conn:
                return accounts.all_accounts(conn, keyring)

        house = House(
            store=store, keyring=keyring, clock=clock, ring=lambda *names: rung.extend(names), accounts=everyone,
            hook=hook_path, manifests=kinds(), public_url=public_url, sandbox=sandbox,
        )  # fmt: skip
        app = flask_app(house)
        app.jinja_env.bytecode_cache = COMPILED
        app.testing = False  # errors become pages, as for everybody
        return Console(app, house, rung)

    return make


@pytest.fixture
def console(store: Store, make_console: Callable[..., Console]) -> Iterator[Console]:
    """The console, once on each database."""
    return make_console(store)
