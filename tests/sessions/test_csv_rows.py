"""Broken CSV costs the lines that are broken, and no others."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.sessions.ingest.csv_rows import LINE_BYTES, CsvRows, UnreadableFileError
from apps.sessions.ingest.results import Refusal


def read(*lines: bytes, end=b"\n"):
    return list(CsvRows(io.BytesIO(end.join([b"id,name", *lines]) + end)))


def shown(rows):
    return [(line, row.code if isinstance(row, Refusal) else row["id"]) for line, row in rows]


def test_bom_crlf_and_blank_lines_are_no_trouble():
    data = b"\xef\xbb\xbfid,name\r\n1,a\r\n\r\n2,b"
    assert list(CsvRows(io.BytesIO(data))) == [(2, {"id": "1", "name": "a"}), (4, {"id": "2", "name": "b"})]


def test_quoted_cells_hold_commas_quotes_and_line_breaks():
    rows = read(b'1,"a,b"', b'2,"say ""hi"""', b'3,"two', b'lines"', b"4,x")
    assert [row["name"] for _, row in rows] == ["a,b", 'say "hi"', "two\nlines", "x"]
    assert [line for line, _ in rows] == [2, 3, 4, 6]


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (b'1,"never closed', "broken_quoting"),
        (b'1,"closed"too early', "broken_quoting"),
        (b"1,a,b", "columns"),
        (b"1", "columns"),
        (b"1,\xff\xfe", "not_utf8"),
        (b"1," + b"x" * (LINE_BYTES + 10), "too_long"),
        (b"1," + b"x" * (3 * LINE_BYTES), "too_long"),
    ],
)
def test_one_broken_line_costs_itself_alone(broken, code):
    assert shown(read(b"0,a", broken, b"2,b", b'3,"c"')) == [(2, "0"), (3, code), (4, "2"), (5, "3")]


def test_two_broken_quotes_do_not_swallow_what_lies_between():
    assert shown(read(b'1,"a', b"2,b", b'3,"c', b"4,d")) == [
        (2, "broken_quoting"),
        (3, "2"),
        (4, "broken_quoting"),
        (5, "4"),
    ]


def test_quote_that_is_never_closed_in_a_long_file_costs_one_line():
    rows = read(b'1,"a', *(f"{number},b".encode() for number in range(2, 400)))
    assert shown(rows)[0] == (2, "broken_quoting")
    assert shown(rows)[1:] == [(number + 1, str(number)) for number in range(2, 400)]


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "no header"), (b"\n1,2\n", "no header"), (b"\xff\xfei\0d\0", "not UTF-8"), (b"id,id\n", "more than once")],
)
def test_file_without_a_usable_header_says_why(data, words):
    with pytest.raises(UnreadableFileError, match=words):
        CsvRows(io.BytesIO(data))


LINES = st.lists(st.binary(max_size=30).filter(lambda raw: b"\n" not in raw), max_size=20)


@given(LINES)
@settings(max_examples=200, deadline=None)
def test_whatever_the_bytes_the_line_after_them_is_read(lines):
    rows = read(*lines, b"good,row")
    assert rows[-1] == (len(lines) + 2, {"id": "good", "name": "row"})
    numbers = [line for line, _ in rows]
    assert numbers == sorted(set(numbers))


@given(LINES)
@settings(max_examples=100, deadline=None)
def test_every_line_without_quotes_is_one_row(lines):
    plain = [raw.replace(b'"', b"") for raw in lines]
    filled = [number for number, raw in enumerate(plain, start=2) if raw.rstrip(b"\r")]
    assert [line for line, _ in read(*plain)] == filled
