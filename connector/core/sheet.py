"""A CSV of people, as spreadsheets write it: any of their encodings and separators, row by row, each accounted for.

Rows come one at a time however large the file is. What a spreadsheet did to a phone number is undone where nothing is
lost (`5.73001112222E+11`), and told where digits are gone (`5.73E+11`); nothing is guessed.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from unicodedata import normalize

from connector.core.text import clean

CELL = 4096  # characters of a value; the limit of a template parameter is far below
COLUMNS = 300
HEADER = 50  # lines of a header
LINE = 128 * 1024  # characters of one row: more is a quote that nobody closed
DELIMITERS = ",;\t|"
# Headers that name the phone, without accents, case and signs; the first that is there is taken.
PHONE = (
    "whatsapp", "whatsappid", "whatsappphone", "whatsappnumber", "waid", "celular", "telefonocelular", "movil",
    "telefonomovil", "telefonecelular", "telemovel", "mobile", "mobilephone", "mobilephonenumber", "cell", "cellphone",
    "phone", "phonenumber", "telefono", "telefone", "tel", "fone", "numerodetelefono", "numerodetelefone", "numero",
    "number", "contactphone",
)  # fmt: skip
NAME = ("name", "fullname", "nombre", "nombrecompleto", "nome", "nomecompleto", "firstname", "primernombre")
RECORD = (
    "recordid", "recordidcontact", "hsobjectid", "contactid", "leadid", "idderegistro", "idderegistrocontacto",
    "iddoregistro", "iddoregistrocontato", "casesafeid",
)  # fmt: skip
WHATSAPP_ID = ("whatsappid", "waid")
_SCIENTIFIC = re.compile(r"([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})")
_WHOLE = re.compile(r"([0-9]{7,15})[.,]0+")
_SEVERAL = re.compile(r"[/;|,\n]| (?:y|e|o|ou|or|and) ")
_PLAIN = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of people. `problem`: (code, what is wrong in plain words), "" = nothing."""

    line: int  # of the file, the first is 1
    phone: str = ""
    name: str = ""
    record: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    problem: str = ""


class Unreadable(ValueError):
    """The file as a whole is no list of people; the text says what to do."""


# ---- bytes -> text ---------------------------------------------------------------------------------------------------
def encoding_of(parts: Iterable[bytes]) -> str:
    """UTF-8, UTF-16 with or without its mark, else what Windows writes. Looks at every byte, keeps none."""
    utf8 = codecs.getincrementaldecoder("utf-8")()
    first, sure = b"", True
    for part in parts:
        if len(first) < 4:
            first += part[: 4 - len(first)]
            if first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                return "utf-16"
            if len(first) >= 4 and (half := _half(first)):
                return half
        if sure:
            try:
                utf8.decode(part)
            except UnicodeDecodeError:
                sure = False
    if sure:
        try:
            utf8.decode(b"", final=True)
            return "utf-8-sig"
        except UnicodeDecodeError:
            pass
    return "cp1252"


def _half(first: bytes) -> str:
    """A file without a mark whose every second byte is nought is UTF-16: no list of people begins with such signs."""
    if first[1] == first[3] == 0 and first[0] and first[2]:
        return "utf-16-le"
    return "utf-16-be" if first[0] == first[2] == 0 and first[1] and first[3] else ""


class _Parts(io.RawIOBase):
    """Parts of bytes as a file."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts, self._rest = iter(parts), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = bytes(part)
        n = min(len(buffer), len(self._rest))
        buffer[:n], self._rest = self._rest[:n], self._rest[n:]
        return n


def lines_of(parts: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Lines with their ends; what the encoding does not know becomes a mark. Raises Unreadable for an endless one."""
    raw = io.BufferedReader(_Parts(parts), 64 * 1024)
    text = io.TextIOWrapper(raw, encoding, errors="replace", newline="")
    while line := text.readline(LINE + 1):
        if len(line) > LINE:
            raise Unreadable(f"A line has over {LINE:,} characters: this is no list of people.")
        yield line


# ---- rows ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Columns:
    """What the header names, as it is written, and which of them are the phone, the name and the CRM's record."""

    names: tuple[str, ...]
    phone: int
    name: int | None
    record: int | None
    delimiter: str

    @property
    def is_whatsapp_id(self) -> bool:
        return plain(self.names[self.phone]) in WHATSAPP_ID


def plain(text: str) -> str:
    """A header without accents, case and signs: `Teléfono móvil` -> telefonomovil."""
    return _PLAIN.sub("", normalize("NFKD", text).encode("ascii", "ignore").decode().lower())


def rows(lines: Iterable[str], phone_column: str = "") -> Iterator[Columns | Row]:
    """The columns first, then every row that is not empty. Raises Unreadable where the file is none of people."""
    numbered = _Numbered(iter(lines))
    header = next((line for line in numbered if line.strip("\ufeff\r\n\t ,;|\x00")), "")
    if header.lower().startswith("sep=") and len(header.strip()) == 5:  # Excel's own word for the separator
        delimiter = header.strip()[4]
        header = next((line for line in numbered if line.strip()), "")
    else:
        delimiter = max(DELIMITERS, key=header.count)
    for _ in range(HEADER):  # a column's name may have several lines, in quotes
        if header.count('"') % 2 == 0:
            break
        header += next(numbered, "")
    columns = _columns(header, delimiter, phone_column)
    yield columns
    yield from _rows(numbered, columns)


class _Numbered:
    """Lines, counted."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self.n = lines, 0

    def __iter__(self) -> "_Numbered":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.n += 1
        return line


def _columns(header: str, delimiter: str, phone_column: str) -> Columns:
    if not header.strip():
        raise Unreadable("The file is empty.")
    cells = next(csv.reader(header.splitlines(keepends=True), delimiter=delimiter))
    names = tuple(clean(" ".join(name.split()).strip("'\ufeff"), 200) for name in cells)
    if len(names) > COLUMNS:
        raise Unreadable(f"It has {len(names)} columns; {COLUMNS} at most.")
    keys = [plain(name) for name in names]
    if phone_column:
        if plain(phone_column) not in keys:
            raise Unreadable(f"There is no column '{phone_column[:80]}'. There are: {_listed(names)}.")
        return Columns(names, keys.index(plain(phone_column)), *_others(keys), delimiter)
    if sum(len(re.sub(r"[^0-9]", "", name)) >= 7 for name in names) and not set(keys) & set(PHONE):
        raise Unreadable("The first line is a row of people, not a header. Write the columns' names above it.")
    found = next((keys.index(name) for name in PHONE if name in keys), None)
    if found is None:
        hint = "Call one of them phone, or say which it is."
        raise Unreadable(f"No column is the phone number: {_listed(names)}. {hint}")
    return Columns(names, found, *_others(keys), delimiter)


def _others(keys: list[str]) -> tuple[int | None, int | None]:
    name = next((keys.index(n) for n in NAME if n in keys), None)
    return name, next((keys.index(n) for n in RECORD if n in keys), None)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name[:40]}'" for name in list(names)[:12])


def _rows(numbered: _Numbered, columns: Columns) -> Iterator[Row]:
    reader = csv.reader(numbered, delimiter=columns.delimiter, strict=True)
    while True:
        line = numbered.n + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field larger" in str(error) or "end of data" in str(error):
                words = f"A quote is opened in line {line} and never closed: nothing after it can be read."
                yield Row(line, code="row_unreadable", problem=words)
                return
            yield Row(line, code="row_unreadable", problem=f"The row cannot be read: {error}.")
            continue
        if any(cell.strip() for cell in cells):
            yield _row(line, cells, columns)


def _row(line: int, cells: list[str], columns: Columns) -> Row:
    if len(cells) > len(columns.names) and any(cell.strip() for cell in cells[len(columns.names) :]):
        words = (
            f"It has {len(cells)} values and the header {len(columns.names)}: a value with a "
            f"'{columns.delimiter}' needs quotes."
        )
        return Row(line, code="row_cells", problem=words)
    cells += [""] * (len(columns.names) - len(cells))
    values = {name: clean(_cell(cell), CELL) for name, cell in zip(columns.names, cells, strict=False) if name}
    name = values.get(columns.names[columns.name], "") if columns.name is not None else ""
    record = values.get(columns.names[columns.record], "") if columns.record is not None else ""
    phone, code, problem = phone_of(cells[columns.phone], columns.is_whatsapp_id)
    return Row(line, phone, name[:200], record[:40], values, code, problem)


def _cell(text: str) -> str:
    """A value as it was meant: Excel keeps a text with ' before it, or as =\"...\"."""
    text = text.strip()
    if text.startswith('="') and text.endswith('"'):
        return text[2:-1]
    return text[1:] if text.startswith("'") else text


# ---- phones ----------------------------------------------------------------------------------------------------------
def phone_of(cell: str, is_whatsapp_id: bool = False) -> tuple[str, str, str]:
    """(phone, "", "") of a cell, or (as it stands, code, what is wrong)."""
    text = clean(normalize("NFKC", _cell(cell)).strip().removeprefix("'").removeprefix("tel:").strip(), 200)
    if not any(c.isdigit() for c in text):
        said = f"'{text[:40]}' is no phone number." if text else "There is no phone number."
        return text, "no_phone" if not text else "bad_phone", said
    if (found := _SCIENTIFIC.fullmatch(text)) is not None:
        whole = _from_scientific(found)
        if not whole:
            return text, "scientific", (
                f"A spreadsheet has cut the number to {text}: its digits are lost. Format the column as text in the "
                "spreadsheet, bring the numbers in again, and save it anew."
            )  # fmt: skip
        text = whole
    elif (found := _WHOLE.fullmatch(text)) is not None:
        text = found[1]
    parts = [part for part in _SEVERAL.split(text) if sum(c.isdigit() for c in part) >= 7]
    if len(parts) > 1:
        return text, "several_phones", f"There are {len(parts)} numbers in one cell: '{text[:60]}'. Keep one."
    if is_whatsapp_id and text.isascii() and text.isdigit() and len(text) >= 8:
        text = "+" + text
    return text, "", ""


def _from_scientific(found: re.Match[str]) -> str:
    """`5.73001112222E+11` with all its digits; "" when some are gone."""
    digits, power = found[1] + (found[2] or ""), int(found[3])
    if len(digits) < power + 1:
        return ""
    try:
        value = Decimal(f"{found[1]}.{found[2] or '0'}e{power}")
    except InvalidOperation:
        return ""
    return f"{value:.0f}" if value == value.to_integral_value() and 7 <= power + 1 <= 15 else ""
