"""Rows of a CSV file that may be broken: every good row comes out, every bad one with its line and the reason.

Lines are read as bytes and decoded one by one, so that a stretch that is not UTF-8 costs only its own lines. A quote
that is never closed would swallow the rest of the file; here it costs the line it stands in, and reading resumes at the
next.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import IO

from apps.sessions.ingest.results import Refusal

LINE_BYTES = 64 * 1024
RECORD_LINES = 100  # how far a quoted cell may reach before its quote counts as unclosed
_BOM = b"\xef\xbb\xbf"


class UnreadableFileError(ValueError):
    """Nothing of the file can be read; the message names the cause and the fix."""


class CsvRows:
    """Iterates ``(line, {column: cell} | Refusal)``; ``line`` is the first physical line of the record, from 1."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._pushed_back: deque[bytes] = deque()
        self._line = 0
        self.columns = self._header()

    def __iter__(self) -> Iterator[tuple[int, dict[str, str] | Refusal]]:
        columns, width = self.columns, len(self.columns)
        while raw := self._next():
            line = self._line
            if not raw.endswith(b"\n") and len(raw) > LINE_BYTES:
                self._skip_rest()
                yield line, _refuse(line, raw[:1000], "too_long", f"A line has at most {LINE_BYTES} bytes.")
                continue
            try:
                text = raw.decode()
            except UnicodeDecodeError as error:
                yield line, _refuse(line, raw, "not_utf8", f"Byte {error.start + 1} is not UTF-8.")
                continue
            text = text.rstrip("\r\n")
            if not text:
                continue
            cells = text.split(",") if '"' not in text else self._quoted(text)
            if cells is None:
                yield line, _refuse(line, raw, "broken_quoting", "A quote is not closed, or text follows it.")
            elif len(cells) != width:
                message = f"{len(cells)} cells, but the header has {width} columns."
                yield line, _refuse(line, raw, "columns", message)
            else:
                yield line, dict(zip(columns, cells, strict=True))

    def _quoted(self, first: str) -> list[str] | None:
        """The record that begins with ``first``, or None after giving back every line it had swallowed."""
        taken: list[bytes] = []

        def lines() -> Iterator[str]:
            yield first + "\n"
            while len(taken) < RECORD_LINES and (raw := self._next()):
                taken.append(raw)
                yield raw.decode()

        try:
            cells = next(csv.reader(lines(), strict=True))
        except (csv.Error, UnicodeDecodeError):
            cells = None
        if taken and (cells is None or len(cells) != len(self.columns)):
            self._pushed_back.extendleft(reversed(taken))
            self._line -= len(taken)
            return None
        return cells

    def _header(self) -> list[str]:
        raw = self._next().removeprefix(_BOM)
        try:
            text = raw.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise UnreadableFileError("The header is not UTF-8. Save the file as UTF-8 CSV.") from None
        if not text.strip() or "\0" in text:
            raise UnreadableFileError("There is no header row. The first line must name the columns.")
        columns = [name.strip() for name in next(csv.reader([text]))]
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise UnreadableFileError(f"The header names {', '.join(twice)} more than once.")
        return columns

    def _next(self) -> bytes:
        raw = self._pushed_back.popleft() if self._pushed_back else self._stream.readline(LINE_BYTES + 1)
        self._line += bool(raw)
        return raw

    def _skip_rest(self) -> None:
        while (more := self._stream.readline(LINE_BYTES)) and not more.endswith(b"\n"):
            pass


def _refuse(line: int, raw: bytes, code: str, message: str) -> Refusal:
    return Refusal(line, raw.decode("utf-8", "backslashreplace").rstrip("\r\n"), code, "", message)
