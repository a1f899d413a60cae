"""Lists of people as spreadsheets write them: every encoding, every separator, every odd row with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core import sheet
from connector.core.sheet import Columns, Row, Unreadable


def read(data: bytes, size: int = 7, phone_column: str = "") -> tuple[Columns, list[Row]]:
    """In parts of a few bytes, as a worst case of how they come."""
    parts = [data[n : n + size] for n in range(0, len(data), size)]
    columns, *rows = sheet.rows(sheet.lines_of(parts, sheet.encoding_of(parts)), phone_column)
    assert isinstance(columns, Columns)
    return columns, [row for row in rows if isinstance(row, Row)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_ends_of_lines(encoding: str, sep: str, end: str) -> None:
    lines = [f"Nombre{sep}Teléfono", f"Iñaki{sep}573001112222", "", f"{sep}", f"Zoé{sep}573001112223"]
    bom = "\ufeff" if encoding == "utf-16-be" else ""
    _, rows = read((bom + end.join(lines)).encode(encoding))
    found = [(row.line, row.name, row.phone) for row in rows]
    assert found == [(2, "Iñaki", "573001112222"), (5, "Zoé", "573001112223")]


@pytest.mark.parametrize(
    ("header", "phone"),
    [
        ("name,phone", "phone"),
        ("Nombre,Número de teléfono", "Número de teléfono"),
        ("Nome,Celular,Telefone", "Celular"),
        ("phone,mobilephone", "mobilephone"),
        ("WhatsApp ID,phone", "WhatsApp ID"),
        ('"Teléfono\nmóvil",x', "Teléfono móvil"),
        ("sep=,\nname,phone", "phone"),
    ],
)
def test_the_phones_column_is_known_by_its_name(header: str, phone: str) -> None:
    columns, _ = read(f"{header}\n1,2\n".encode())
    assert columns.names[columns.phone] == phone


@pytest.mark.parametrize(
    ("cell", "phone", "code"),
    [
        ("573001112222", "573001112222", ""),
        ("'573001112222", "573001112222", ""),
        ('"=""573001112222"""', "573001112222", ""),
        ("573001112222.0", "573001112222", ""),
        ("5.73001112222E+11", "573001112222", ""),
        ('"5,73001112222E+11"', "573001112222", ""),
        ("5.73E+11", "5.73E+11", "scientific"),
        ("5.73001E+11", "5.73001E+11", "scientific"),
        ("+57 (300) 111-2222", "+57 (300) 111-2222", ""),
        ("tel:+573001112222", "+573001112222", ""),
        ("3001112222 / 3003334444", "3001112222 / 3003334444", "several_phones"),
        ("3001112222 o 3003334444", "3001112222 o 3003334444", "several_phones"),
        ("n/a", "n/a", "bad_phone"),
        ("", "", "no_phone"),
        ("\uff15\uff17\uff13001112222", "573001112222", ""),
    ],
)
def test_a_cell_of_phones(cell: str, phone: str, code: str) -> None:
    (row,) = read(f"phone,name\n{cell},x\n".encode())[1]
    assert (row.phone, row.code, bool(row.problem)) == (phone, code, bool(code))


def test_rows_that_cannot_be_read_are_told_with_their_lines() -> None:
    data = b'phone,name\n573001112222,a,b\n573001112223,"a"x\n573001112224,ok\n573001112225,"open\n573001112226,b\n'
    rows = read(data)[1]
    assert [(row.line, row.code) for row in rows] == [
        (2, "row_cells"), (3, "row_unreadable"), (4, ""), (5, "row_unreadable"),
    ]  # fmt: skip
    assert "never closed" in rows[-1].problem


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"), (b"\xef\xbb\xbf\n\n", "empty"), (b"a,b\n1,2\n", "No column is the phone number: 'a', 'b'"),
        (b"573001112222,Ana\n", "not a header"), (b"phone," + b"x" * 200_000, "characters"),
        (b"phone" + b",c" * 400 + b"\n", "columns"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_of_people(data: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read(data, 100_000)


def test_a_named_column_is_the_phone_and_a_missing_one_is_said() -> None:
    columns, rows = read(b"Casa,Otro\n573001112222,x\n", phone_column="casa")
    assert (columns.phone, rows[0].phone) == (0, "573001112222")
    with pytest.raises(Unreadable, match="no column 'X'"):
        read(b"Casa,Otro\n1,2\n", phone_column="X")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_told(data: bytes) -> None:
    try:
        _, rows = read(b"phone,name\n" + data, 13)
    except Unreadable:
        return
    assert all(row.line > 1 for row in rows)
    assert [row.line for row in rows] == sorted({row.line for row in rows})


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20), max_size=8))
def test_a_cell_comes_back_as_it_was_written(names: list[str]) -> None:
    lines = ["phone;name"] + ['573001112222;"{}"'.format(name.replace('"', '""')) for name in names]
    rows = read("\n".join(lines).encode())[1]
    assert [row.values["name"] for row in rows] == [sheet._cell(name) for name in names]
