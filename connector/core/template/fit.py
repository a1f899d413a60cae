"""Does what a document gives fit what a template takes? Every rule Graph would answer 132000, 132012 or 132018 to."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from connector.core.template.misfit import Misfit
from connector.core.template.model import Template
from connector.core.template.slots import Need, Slots, needs, quick_replies, slots


def misfits(template: Template, keys: Collection[str], buttons: int) -> list[Misfit]:
    """What is wrong with these keys of `with:` and this number of `buttons:` for the template; [] when they fit."""
    found = slots(template)
    wanted = needs(found)
    return [
        *(_unsupported(kind) for kind in _strange(found)),
        *(_missing(need) for need in wanted if need.required and need.key not in keys and need.alias not in keys),
        *(_twice(need) for need in wanted if need.alias and need.key in keys and need.alias in keys),
        *_extra(found, wanted, keys),
        *_buttons(found, buttons),
    ]


def _strange(found: Slots) -> Iterable[str]:
    return dict.fromkeys([*found.unsupported, *(kind for card in found.cards for kind in _strange(card))])


def _unsupported(kind: str) -> Misfit:
    text = f"The template has a part of the kind `{kind}`, which this connector cannot fill."
    return Misfit("unsupported", kind, text, "Choose a template without it.")


def _missing(need: Need) -> Misfit:
    key = need.alias or need.key
    text = f"The template needs `{key}`, and the document gives no value for it."
    return Misfit("missing", key, text, f"Add `{key}:` under `with:`.")


def _twice(need: Need) -> Misfit:
    text = f"`{need.alias}` and `{need.key}` are the same place, and the document gives both."
    return Misfit("twice", need.key, text, f"Leave out `{need.key}`.")


def _extra(found: Slots, wanted: Iterable[Need], keys: Iterable[str]) -> Iterable[Misfit]:
    known = [name for need in wanted for name in (need.alias, need.key) if name]
    for key in keys:
        if key not in known:
            yield Misfit("extra", key, f"The template has no place for `{key}`.", _instead(found, key, known))


def _instead(found: Slots, key: str, known: list[str]) -> str:
    if key.startswith("button.") and any(one.kind == "otp" for one in found.buttons):
        return "The button copies the code of the text by itself: leave it out."
    close = get_close_matches(key, known, n=1)
    if close:
        return f"Did you mean `{close[0]}`?"
    return f"It takes {', '.join(f'`{name}`' for name in known)}." if known else "It takes no values."


def _buttons(found: Slots, given: int) -> Iterable[Misfit]:
    count = len(quick_replies(found))
    if given in (0, count):
        return
    has = "no quick replies" if not count else "1 quick reply" if count == 1 else f"{count} quick replies"
    yield Misfit(
        "buttons",
        "buttons",
        f"The template has {has}, and the document names {given} under `buttons:`.",
        "Give one id for each quick reply, in the template's order." if count else "Leave out `buttons:`.",
    )


# ---- languages ---------------------------------------------------------------------------------------------------
def compatible(templates: Collection[Template]) -> list[Misfit]:
    """How the languages of one template differ in what they take: one document must fill each of them."""
    out: list[Misfit] = []
    first: dict[str, Template] = {}
    for template in templates:
        pattern = first.setdefault(template.name, template)
        out.extend(Misfit("language", template.language, text, _HINT) for text in _differences(pattern, template))
    return out


_HINT = "Change one of them in WhatsApp Manager, so that the same values fit every language."


def _differences(one: Template, other: Template) -> Iterable[str]:
    mine, theirs = slots(one), slots(other)
    both = (set(needs(mine)), set(needs(theirs)))
    for need in sorted(both[0] ^ both[1], key=lambda need: need.key):
        has, lacks = (one, other) if need in both[0] else (other, one)
        yield f"`{one.name}` takes `{need.key}` in {has.language}, and not in {lacks.language}."
    counts = [len(quick_replies(found)) for found in (mine, theirs)]
    if counts[0] != counts[1]:
        yield (f"`{one.name}` has {counts[0]} quick replies in {one.language}, and {counts[1]} in {other.language}.")
