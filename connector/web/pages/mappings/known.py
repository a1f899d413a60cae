"""What the mappings' pages know of CRMs, templates and live documents, as last read; nothing here asks a CRM."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, abort, current_app, make_response, render_template

from connector.core.documents import Document
from connector.core.template import Template
from connector.pipeline.again import trying_send
from connector.pipeline.documents import publish, schema
from connector.pipeline.documents.library import Library
from connector.ports import Account, Field
from connector.store import document_texts, documents, templates
from connector.store.document_texts import Overview
from connector.store.engine import Store
from connector.web.frame import given, house_of
from connector.web.house import House

MOST = 256 * 1024  # characters of a document; the reader refuses more


@dataclass(slots=True)
class Known:
    """Fields are kept until something is published or read anew: a lint at every pause in typing asks for them."""

    store: Store
    library: Library
    _generation: int = -1
    _fields: dict[str, Mapping[str, list[Field]] | None] = field(default_factory=dict)

    def fields(self, document: Document) -> Mapping[str, list[Field]] | None:
        """The fields of a document's CRM account, by object; None where they were never read."""
        with self.store.read() as conn:
            generation = documents.generation(conn)
        if generation != self._generation:
            self._fields, self._generation = {}, generation
        if document.crm not in self._fields:
            self._fields[document.crm] = schema.look(self.store)(document)
        return self._fields[document.crm]

    def of_crm(self, name: str) -> Mapping[str, list[Field]]:
        """The same by the account's name."""
        return self.fields(_Named(name)) or {}  # type: ignore[arg-type]

    def templates(self, document: Document) -> Sequence[Template] | None:
        """The templates of the account a document sends from."""
        return trying_send.templates_of(self.store)(document)

    def approved(self) -> list[Template]:
        """Every template that can be sent."""
        with self.store.read() as conn:
            found = templates.known(conn, "")
        return [one for one in found if one.status == "APPROVED"]


@dataclass(frozen=True, slots=True)
class _Named:
    crm: str


def known() -> Known:
    """This process's."""
    made = current_app.extensions.get("mappings")
    if made is None:
        store = house_of(current_app).store
        made = current_app.extensions["mappings"] = Known(store, Library(store))
    found: Known = made
    return found


def house() -> House:
    """This application's."""
    return house_of(current_app)


def crms() -> list[Account]:
    """The CRM accounts, by name."""
    given = house()
    found = [a for a in given.accounts() if a.kind in given.manifests and given.manifests[a.kind].crm]
    return sorted(found, key=lambda account: account.name)


def crm_account(name: str) -> Account:
    """The CRM account of this name, or 404."""
    return next((a for a in crms() if a.name == name), None) or abort(404)


def document(name: str) -> Overview:
    """A document's versions at a glance, or 404."""
    with house().store.read() as conn:
        found = document_texts.overviews(conn, name[:100])
    return found[0] if found else abort(404)


def options_of(fields: Mapping[str, list[Field]], name: str) -> Any:
    """The field of this name, of whichever object has it; the contact's own first."""
    word, _, plain = name.rpartition(".")
    order = list(fields) if not word else sorted(fields, key=lambda o: not o.casefold().startswith(word[:5].casefold()))
    return next((f for object_ in order for f in fields[object_] if f.name in (plain, name)), None)


def live_digest(found: Overview) -> str:
    """What the page remembers of the live text: publishing over another one is refused."""
    return publish.digest(found.live.text) if found.live is not None else ""


def number(values: Mapping[str, str], name: str) -> int:
    """A version's number; 0 where none stands there."""
    text = given(values, name, 9)
    return int(text) if text.isascii() and text.isdecimal() else 0


def refused(why: str, hint: str = "") -> Response:
    """Said in passing; the page stays as it is."""
    answer = make_response(render_template("parts/failure.html", code=422, text=why, hint=hint), 422)
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#toasts", "beforeend"
    return answer
