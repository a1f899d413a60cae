"""The gates of a send that look at the recipient and the template: each answers None, or what stops it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.core import phone as phones
from connector.core.contact import Contact, Setting
from connector.core.documents.comparing import empty, shown
from connector.core.documents.document import SendDocument
from connector.core.documents.findings import listed
from connector.core.documents.send_words import scope_of
from connector.core.documents.words import Scope
from connector.core.sending import Case
from connector.core.template import Template

PAUSE = timedelta(hours=1)  # a paused template is looked at again then


@dataclass(frozen=True, slots=True)
class Stop:
    """Why it does not go now. `state`: refused waiting expired cancelled."""

    code: str
    reason: str
    state: str = "refused"
    until: datetime | None = None


# ---- consent -------------------------------------------------------------------------------------------------------
def consent(document: SendDocument, contact: Contact | None, category: str) -> Stop | None:
    """An opt-out always wins; `all` is what a STOP word sets, and a START after it is no leave for marketing."""
    said = contact.consents if contact is not None else {}
    for name, what in (("all", "all messages"), (category, f"{category} messages")):
        if said.get(name) == "opted_out":
            return Stop("consent", f"The person opted out of {what}. An opt-out is never overruled.")
    needed = document.consent or ("opted_in" if category == "marketing" else "not_opted_out")
    if needed == "not_opted_out" or said.get(category or "marketing") == "opted_in":
        return None
    hint = "Record the opt-in first" + ("." if document.consent else ", or use a utility template.")
    return Stop("consent", f"The person has not opted in to {category or 'marketing'} messages. {hint}")


# ---- phone ---------------------------------------------------------------------------------------------------------
def recipient(document: SendDocument, scope: Scope) -> tuple[str, Stop | None]:
    """The number to write to, in WhatsApp's own spelling where we know it; "" for a person known by user id alone."""
    found = [shown(value).strip() for e in document.phone if not empty(value := e.run(scope))]
    contact = scope.contact
    for text in found:
        number = phones.e164(text[:64], scope.setting.country)
        if number:
            return _known(number, contact), None
    if found:
        return "", Stop(
            "bad_phone", f'"{found[0][:40]}" is no phone number that can be reached. {_mend(scope.setting)}'
        )
    if contact is not None and contact.user_id and document.phone[0].text == "contact.phone":
        return "", None
    where = listed([e.text for e in document.phone])
    return "", Stop("no_phone", f"There is no phone number in {where}. Fill it in the CRM.")


def phone_of(document: SendDocument, case: Case, now: datetime) -> tuple[str, str]:
    """The number this would go to, or "" and why not: to find our contact before anything is planned."""
    to, stop = recipient(document, scope_of(document, case, now))
    return to, stop.reason if stop is not None else ""


def _known(number: str, contact: Contact | None) -> str:
    own = contact.wa_id if contact is not None else None
    return f"+{own}" if own and phones.same(number, own) else number


def _mend(setting: Setting) -> str:
    if setting.country:
        return "Correct it in the CRM."
    return "Write it with + and its country in the CRM, or set the account's country."


# ---- template --------------------------------------------------------------------------------------------------------
def language_of(document: SendDocument, scope: Scope) -> str:
    """The language the document asks for, "" when it leaves that open."""
    return shown(document.language.run(scope)).strip() if document.language is not None else ""


def choose(
    document: SendDocument, scope: Scope, templates: Sequence[Template], now: datetime
) -> tuple[Template | None, Stop | None]:
    """The template in the language meant: the exact one, else one of the same base language."""
    named = [t for t in templates if t.name == document.template]
    if not named:
        hint = "Create it, wait for its approval, or name another one."
        return None, Stop("template", f"There is no template '{document.template}' on this WhatsApp account. {hint}")
    wish = language_of(document, scope)
    fits = fitting(named, wish)
    if not fits:
        said = f"in '{wish[:20]}'" if wish else "for nobody's language in particular"
        there = listed(sorted({t.language for t in named}))
        return None, Stop("language", f"The template {document.template} is not there {said}, only in {there}.")
    best = fits[0]
    return best, usable(best, now)


def fitting(named: Sequence[Template], wish: str) -> list[Template]:
    """The languages of a template that would do. Best first: usable before not, exact before same base."""
    want, base = _key(wish), _key(wish).partition("_")[0]
    if not want:
        only = {_key(t.language) for t in named}
        fits = list(named) if len(only) == 1 else [t for t in named if t.status == "APPROVED"]
        return fits if len({_key(t.language) for t in fits}) == 1 else []
    fits = [t for t in named if _key(t.language).partition("_")[0] == base]
    return sorted(fits, key=lambda t: _rank(t, want, base))


def _rank(template: Template, want: str, base: str) -> tuple[bool, bool, bool, bool, str]:
    key, status = _key(template.language), template.status
    return status not in ("APPROVED", "PAUSED"), key != want, status != "APPROVED", key != base, template.language


def _key(language: str) -> str:
    """`es-MX` and `es_MX` are one."""
    return language.strip().replace("-", "_").casefold()


def usable(template: Template, now: datetime) -> Stop | None:
    """Approved; a paused one comes back by itself."""
    if template.status == "APPROVED":
        return None
    name = f"{template.name} ({template.language})"
    if template.status == "PAUSED":
        said = f"Meta paused the template {name} for its quality; it is tried again in an hour."
        return Stop("template", said, "waiting", now + PAUSE)
    said = f"The template {name} is {template.status.lower().replace('_', ' ')}, not approved."
    return Stop("template", f"{said} {template.reason}".strip() + " See WhatsApp Manager.")
