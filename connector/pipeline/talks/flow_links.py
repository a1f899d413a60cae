"""A link, and its picture, that opens WhatsApp with a flow's starting word already typed."""

from io import BytesIO
from typing import Any
from urllib.parse import quote

from connector.core.documents import FlowDocument
from connector.errors import GiveUp
from connector.store import numbers


def link(conn: Any, document: FlowDocument, *, word: str = "", number: str = "") -> dict[str, str]:
    """{url, text, number}: https://wa.me/<number>?text=<word>. `word`: the flow's first; `number`: an account's name.

    Raises GiveUp where the flow has no starting word, or no number is known."""
    words = [said for start in document.starts for said in start.says]
    if word and word not in words:
        raise GiveUp(
            f"{word!r} does not start {document.name}.", hint=f"Its words: {', '.join(words) or 'none'}.", code="word"
        )
    if not words:
        hint = "Add for example start: [{says: [demo]}]"
        raise GiveUp(f"{document.name} has no starting word.", hint=hint, code="word")
    known = numbers.displays(conn)
    if number and number not in known:
        hint = f"There are: {', '.join(known) or 'none'}."
        raise GiveUp(f"There is no number of an account {number!r}.", hint=hint, code="number")
    digits = known[number] if number else next(iter(known.values()), "")
    if not digits:
        hint = "Connect WhatsApp, then run: connector accounts check"
        raise GiveUp("No WhatsApp number is known yet.", hint=hint, code="number")
    text = word or words[0]
    return {"url": f"https://wa.me/{digits}?text={quote(text, safe='')}", "text": text, "number": digits}


def qr_data(url: str) -> str:
    """The QR code as an address that an <img> shows by itself."""
    import segno

    return segno.make(url, error="m", micro=False).svg_data_uri(scale=5, border=4)


def qr_svg(url: str) -> str:
    """The QR code as a whole SVG file; it is still read when up to 15 % of it is covered."""
    import segno  # only who draws one pays for it

    out = BytesIO()
    segno.make(url, error="m", micro=False).save(out, kind="svg", scale=8, border=4, xmldecl=True)
    return out.getvalue().decode()
