"""Why a send waits, was refused or failed on our side: one plain sentence per code, and who can mend it.

Meta's own codes have their words in whatsapp/errors.py. A part of a sentence in [ ] is said only when its facts are
known: `reason("at_most", limit="1 per 7 days")`.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

YOU, META, CRM, CUSTOMER = "you", "Meta", "CRM", "customer"


class Words(NamedTuple):
    """What an admin reads, and who can mend it: you, Meta, CRM, customer, or "" where there is nothing to mend."""

    text: str
    who: str


REASONS: Mapping[str, Words] = {
    # ---- the document and the CRM's values (core/sending.py, Prepared)
    "document": Words("The document[ `{document}`] is not live any more.", YOU),
    "only_if": Words("The record does not meet `only_if`[: {condition}].", ""),
    "consent": Words("The person has not agreed to[ {category}] messages, or has opted out.", CUSTOMER),
    "opted_out": Words("The person has opted out of[ {category}] messages. An opt-out is never overruled.", CUSTOMER),
    "not_opted_in": Words(
        "The person has never agreed to[ {category}] messages, and this document asks for it.", CUSTOMER
    ),
    "no_contact": Words("The record has no contact[: `{field}` is empty].", CRM),
    "several_contacts": Words("The record has several contacts and none is the primary one.", CRM),
    "no_phone": Words("There is no phone number[ in {fields}].", CRM),
    "bad_phone": Words("The phone number is not one that can be dialled from abroad[ (field {field})].", CRM),
    "no_country": Words("The phone number has no country code, and the account has no default country.", YOU),
    "template": Words("The template[ `{template}`] does not exist or is not approved[ in {language}].", YOU),
    "template_paused": Words("Meta has paused the template[ `{template}`] for low quality[, until {until}].", META),
    "template_disabled": Words("Meta has disabled the template[ `{template}`].", YOU),
    "parameter": Words("A value does not fit the template[: {text}]", CRM),
    "language": Words("The template[ `{template}`] has no language[ {language}].", YOU),
    "give_up": Words("It was too late to send it[: it waited longer than {limit}].", ""),
    "cancelled": Words("The document's `cancel_if` came true before it was sent[: {condition}].", ""),
    "at_most": Words("The person has had this message often enough[: at most {limit}].", ""),
    "quiet_hours": Words("It is outside the hours in which messages may arrive[; it goes out at {until}].", ""),
    "never_allowed": Words(
        "The allowed hours never come at the same moment in all time zones of the phone's country.", YOU
    ),
    # ---- the gates of the sender
    "window": Words("More than 24 hours since the person last wrote: only a template may be sent.", CUSTOMER),
    "parked": Words("Meta asked us to wait[ with this {scope}][ until {until}].", META),
    "parked_account": Words("The WhatsApp account rests[ until {until}][: {text}]", META),
    "parked_number": Words("The number rests[ until {until}][: {text}]", META),
    "parked_template": Words("The template rests[ until {until}][: {text}]", META),
    "parked_contact": Words("Messages to this person rest[ until {until}][: {text}]", META),
    "pace": Words("It waits its turn[: the number sends at most {limit} messages a second].", ""),
    "pair": Words("This person has just had several messages; the next goes out[ at {until}].", ""),
    "paused": Words("The account[ `{account}`] is paused until a person mends it[: {text}]", YOU),
    "number_missing": Words("There is no number[ `{number}`] to send from.", YOU),
    "number_several": Words("There are several numbers, and the document does not say which one sends.", YOU),
    "number_not_registered": Words(
        "The number[ `{number}`] is not registered for Cloud API. Register it with its PIN.", YOU
    ),
    "clock": Words("This computer's clock is wrong[ by {seconds} seconds], so nothing is sent.", YOU),
    "messaging_limit": Words("The number may start no more conversations today[: {limit} in 24 hours].", META),
    "crm_down": Words("The CRM does not answer, so its values cannot be read.", CRM),
    "record_gone": Words("The record no longer exists in the CRM.", CRM),
    "merged": Words("The contact was merged into another, which has had this message.", ""),
    "stopped": Words("A person stopped it.", ""),
    # ---- after the request
    "not_sent": Words("WhatsApp could not be reached; nothing was sent, and it is tried again.", META),
    "unknown": Words("WhatsApp did not say whether the message went out. A later status settles it.", META),
    "unknown_marketing": Words(
        "WhatsApp did not say whether it went out. Marketing is not sent twice: you decide.", YOU
    ),
    "resent_after_unknown": Words(
        "WhatsApp never said whether the first try went out, so it was sent once more.", META
    ),
    "expired": Words("It was not sent in time, and it is of no use any more.", ""),
    "held": Words("Meta holds the message back while it judges the template's quality.", META),
    "too_many_tries": Words("It was tried[ {tries}] times without success.", META),
}

_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_FACT = re.compile(r"\{(\w+)\}")


def reason(code: str, **facts: object) -> Words:
    """The sentence for a code with what is known about it; an unknown code is said as it is."""
    words = REASONS.get(code) or Words(f"It stopped with the code {code}.", YOU)
    said = {name: _say(fact) for name, fact in facts.items() if fact is not None and fact != ""}
    text = _OPTIONAL.sub(lambda part: _optional(part[1], said), words.text)
    return words._replace(text=text if text.endswith((".", "!", "?")) else text + ".")


def _optional(part: str, said: Mapping[str, str]) -> str:
    if not all(name in said for name in _FACT.findall(part)):
        return ""
    return _FACT.sub(lambda fact: said[fact[1]], part)


def _say(fact: object) -> str:
    if isinstance(fact, datetime):
        moment = fact if fact.tzinfo is None else fact.astimezone(UTC)
        return f"{moment:%Y-%m-%d %H:%M}" + (" UTC" if fact.tzinfo else "")
    if isinstance(fact, list | tuple):
        return ", ".join(str(one) for one in fact)
    return str(fact)
