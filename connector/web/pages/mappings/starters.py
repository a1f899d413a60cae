"""The text a new document begins with: a commented example that fits the account and the template as they are."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from connector.core.documents.editing import scalar
from connector.core.template import Template, labels, slots
from connector.core.template.slots import needs
from connector.ports import Account, Field, Starter

Fields = Mapping[str, list[Field]]


def start(
    kind: str, name: str, account: Account, starter: Starter, templates: Sequence[Template], fields: Fields
) -> str:
    """A document that passes its own tests; `starter`: what the account's CRM calls things."""
    return {"mapping": _mapping, "send": _send, "flow": _flow}[kind](name, account.name, starter, templates, fields)


def ids_of(templates: Sequence[Template]) -> list[tuple[str, str]]:
    """(b1, Yes), ...: what Meta's answer means where no document set the ids of the quick replies."""
    return [(f"b{n}", label) for n, label in enumerate(labels(templates[0]) if templates else (), 1)]


def _mapping(name: str, crm: str, starter: Starter, templates: Sequence[Template], fields: Fields) -> str:
    target, buttons = _field(fields, starter), ids_of(templates)
    template = templates[0].name if templates else "anything"
    about = f"What people answer to {template}." if templates else "What people write to us."
    first = buttons[0] if buttons else ("", "")
    given = f"{{answer.id: {first[0]}, answer.title: {scalar(first[1])}}}" if buttons else "{answer.text: Yes please}"
    shown = "\n".join(f"# The template's buttons: {i} = {label}" for i, label in buttons)
    answer = "answer.title | default(answer.text)" if buttons else "answer.text"
    lines = [
        f"mapping: {name}",
        f"about: {scalar(about)}",
        f"crm: {crm}",
        shown,
        "when:",
        _line(f"  answer_to: {template}", "the template they answer; `anything` for every message"),
        _line(f"  type: {'[button, text]' if buttons else 'text'}", "tapped, or typed"),
        _line("  within: 3 days", "how long after our message an answer still counts"),
        "contact:",
        _line("  find_by: [whatsapp, phone]", "how the person is found in the CRM"),
        _line("  if_missing: review", "nobody found: create, review (a person decides) or skip"),
        _line("  if_several: review", "several found: review or newest"),
        "set:",
        _line(f'  {target}: "{{{{ {answer} | shorten(200) }}}}"', "the answer in words"),
        _line("log: message", "one entry on the contact's timeline; note or none"),
        "tests:",
        "  - name: the answer is kept",
        f"    given: {given}",
        f"    expect: {{{target}: {scalar(first[1]) if buttons else 'Yes please'}}}",
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _flow(name: str, crm: str, starter: Starter, templates: Sequence[Template], fields: Fields) -> str:
    target, first = _field(fields, starter), starter.first_name
    opener = next((one for one in templates if labels(one)), None)
    hello = f"Hello {{{{ contact.{first} | default('there') }}}}, what can we do for you?"
    lines = [
        f"flow: {name}",
        "about: Asks what somebody needs, and brings in a person.",
        f"crm: {crm}",
        "start:",
        _line("  - says: [hello, info]", "one of these words begins it"),
        f"  - {{answer_to: {opener.name}}}" if opener is not None else "",
        _line("expires: 20 hours", "inside the 24 hours in which we may write freely"),
        "steps:",
        "  need:",
        f"    ask: {scalar(hello)}",
        _line("    buttons: {buy: I want to buy, help: I need help}", "id: label, at most 3"),
        _line("    remember: need", "kept in this conversation, as flow.need"),
        _line("    go: {buy: details, help: human}", "which button leads where"),
        "  details:",
        "    ask: Tell us in a few words what you are looking for.",
        _line(f"    save: {target}", "written to the CRM"),
        "    go: thanks",
        "  thanks: {say: Thank you. You will hear from us today., end: asked}",
        "  human:",
        "    say: I am bringing in a colleague.",
        _line("    handoff: A customer needs help", "a task for a person; automation is silent then"),
        "    end: handed_over",
        "always:",
        "  no_answer: {after: 2 hours, ask_again: yes, then: {end: silent}}",
        "  not_understood: {times: 2, go: human}",
        _line("  words: {agent: human}", "from anywhere; STOP words always work"),
        "tests:",
        "  - {name: who buys is asked for more, say: [hello, buy], expect: {step: details}}",
        "  - {name: who needs help reaches a person, say: [hello, help], expect: {end: handed_over}}",
        "  - {name: stop always works, say: [hello, STOP], expect: {end: opted_out}}",
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _send(name: str, crm: str, starter: Starter, templates: Sequence[Template], fields: Fields) -> str:
    word, field, value = starter.record, starter.field, starter.value
    template, first = templates[0], starter.first_name
    buttons, wanted = labels(template), [need for need in needs(slots(template)) if need.required]
    several = len({one.language for one in templates}) > 1
    phones = [f"contact.{one.name}" for one in _all(fields) if one.name in starter.phones] or ["contact.phone"]
    lines = [
        f"send: {name}",
        f"about: {scalar(f'{template.name}, when the {word} gets there.')}",
        f"crm: {crm}",
        "when:",
        _line(f"  {word}.{field}: {{becomes: {scalar(value)}}}", 'the move, not "is": what was there gets nothing'),
        "to:",
        _line(f"  contact: {word}.contact", "its primary or only contact; .contacts = each"),
        _line(f"  phone: [{', '.join(dict.fromkeys(phones))}]", "the first that is not empty"),
        f"template: {template.name}",
        f"language: {template.language}" if several else "",
        "with:" if wanted else "",
        *(f"  {need.key}: {_value(need.kind, first)}" for need in wanted),
        _line(f"buttons: [{', '.join(_ids(buttons))}]", "ids of its quick replies, for mappings") if buttons else "",
        "guard:",
        _line("  give_up_after: 48 hours", "if it cannot go out by then"),
        _line("  at_most: 1 per 7 days", "per person"),
        "tests:",
        "  - name: it goes out",
        '    given: {consent: opted_in, contact.phone: "+573001112222"}',
        "    expect: {outcome: sends}",
        "  - name: an opt-out is never overruled",
        "    given: {consent: opted_out}",
        "    expect: {outcome: refused, because: consent}",
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _line(text: str, remark: str) -> str:
    return f"{text:<44} # {remark}"


def _value(kind: str, first: str) -> str:
    made = {"media": "https://example.com/file.pdf", "url": "a-page", "copy_code": "CODE10"}
    made |= {"latitude": "4.711", "longitude": "-74.0721", "moment": "2030-01-01T00:00:00Z"}
    return scalar(made.get(kind) or f"{{{{ contact.{first} | default('there') }}}}")


def _ids(labels_: Sequence[str]) -> list[str]:
    """A short id of each label: `Me interesa` -> me_interesa."""
    plain = (unicodedata.normalize("NFKD", one).encode("ascii", "ignore").decode().lower() for one in labels_)
    made = [re.sub(r"[^a-z0-9]+", "_", one).strip("_")[:40] or f"b{n}" for n, one in enumerate(plain, 1)]
    return [one if made.index(one) == n else f"{one}_{n + 1}" for n, one in enumerate(made)]


def _all(fields: Fields) -> list[Field]:
    return next(iter(fields.values()), [])


def _field(fields: Fields, starter: Starter) -> str:
    texts = {one.name for one in _all(fields) if one.writable and one.type == "text"}
    return next((name for name in starter.answers if name in texts), next(iter(sorted(texts)), starter.first_name))
