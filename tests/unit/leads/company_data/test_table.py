"""Files as spreadsheets write them: any encoding and separator, and any bytes at all."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.leads.company_data.table import MAX_BYTES, MAX_COLUMNS, MAX_LINES, Table, read_table
from firmly.model import InvalidInputError

TEXT = "Domain;Branche\nm\u00fcller.example;K\u00e4se\n"
READ = Table(("Domain", "Branche"), ((2, ("m\u00fcller.example", "K\u00e4se")),))

ENCODED = {
    "utf-8": TEXT.encode(),
    "utf-8 with a mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "utf-16-le with a mark": b"\xff\xfe" + TEXT.encode("utf-16-le"),
    "utf-16-be with a mark": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "utf-16-le": TEXT.encode("utf-16-le"),
    "utf-16-be": TEXT.encode("utf-16-be"),
    "windows-1252": TEXT.encode("cp1252"),
    "commas": TEXT.replace(";", ",").encode(),
    "tabs": TEXT.replace(";", "\t").encode(),
    "windows line ends": TEXT.replace("\n", "\r\n").encode(),
    "old line ends": TEXT.replace("\n", "\r").encode(),
    "quoted": b'"Domain";"Branche"\n"m\xc3\xbcller.example";"K\xc3\xa4se"',
    "blanks": TEXT.replace(";", " ;  ").encode(),
}


@pytest.mark.parametrize("content", ENCODED.values(), ids=ENCODED)
def test_file_is_read_however_it_was_written(content: bytes) -> None:
    assert read_table(content) == READ


def test_lines_are_counted_as_an_editor_does() -> None:
    content = b'sep=;\n\nname;domain\n\n"two\nlines, here";a.example\n;\nlast;b.example'
    assert read_table(content) == Table(
        ("name", "domain"), ((5, ("two\nlines, here", "a.example")), (8, ("last", "b.example")))
    )


REFUSED = [
    (b"", "a first line with the names of the columns, and companies below"),
    (b"\n ;; \n", "a first line with the names of the columns, and companies below"),
    (b"x" * (MAX_BYTES + 1), "a file of at most 5 MB"),
    (b"a\n" + b"b\n" * (MAX_LINES + 1), "at most 50,000 lines; divide the file"),
    (b"," * MAX_COLUMNS + b"a", "at most 200 columns"),
    (b'a,b\nc,d\n"e,f\ng,h\n', "cells whose quotation marks are closed, and doubled inside"),
    (b'a\n"b"c\n', "cells whose quotation marks are closed, and doubled inside"),
    (b'a\n"' + b"x" * 200_000 + b'"', "cells whose quotation marks are closed, and doubled inside"),
]


@pytest.mark.parametrize(("content", "expected"), REFUSED, ids=[row[1] + str(len(row[0])) for row in REFUSED])
def test_file_that_is_none_is_refused(content: bytes, expected: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        read_table(content)
    assert [problem.expected for problem in error.value.problems] == [expected]


def test_quotation_mark_that_is_not_closed_is_named_by_its_line() -> None:
    with pytest.raises(InvalidInputError) as error:
        read_table(b'a,b\nc,d\n"e,f\ng,h\n')
    assert error.value.problems[0].value == "line 3"


def test_most_lines_that_a_file_may_have_are_read() -> None:
    assert len(read_table(b"a\n" + b"b\n" * MAX_LINES).rows) == MAX_LINES


@given(st.binary(max_size=300) | st.text(alphabet='a,;\t"\n\r\x00\ufeff=', max_size=60).map(str.encode))
def test_any_bytes_are_a_table_or_refused(content: bytes) -> None:
    try:
        table = read_table(content)
    except InvalidInputError:
        return
    assert table.heads
    lines = [line for line, _ in table.rows]
    assert lines == sorted(set(lines))
    assert all(any(cells) for _, cells in table.rows)


cells = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]) | st.sampled_from(' ,;"=+-@'), max_size=8
)


@given(
    st.lists(st.tuples(cells, cells), min_size=1, max_size=6),
    st.sampled_from(",;\t"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_spreadsheet_writes_comes_back(
    rows: list[tuple[str, str]], separator: str, encoding: str, end: str
) -> None:
    """Also what looks like a formula: it stays the text that it is."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("domain", "other"), *rows])
    heads = written.getvalue().partition(end)[0].replace('"', "")
    table = read_table(written.getvalue().replace(f'"domain"{separator}"other"', heads, 1).encode(encoding))
    expected = [tuple(cell.strip() for cell in row) for row in rows]
    assert table.heads == ("domain", "other")
    assert [row for _, row in table.rows] == [row for row in expected if any(row)]
