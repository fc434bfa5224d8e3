"""Rows by binary COPY into numpy arrays: numbers and moments only, no NULLs, several times faster than CSV or the ORM.

The binary format of PostgreSQL (documentation, COPY, "Binary Format") is a header of 19 bytes, then per row a 16-bit
count of fields and per field a 32-bit length and its bytes, then a 16-bit -1. Where every column has a fixed width and
is never NULL, all rows have the same size, so the whole answer is one numpy structured array.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADER_BYTES = 19
_TRAILER_BYTES = 2
_POSTGRES_EPOCH = np.int64(946_684_800_000_000)  # 2000-01-01 in microseconds after 1970-01-01
_POSTGRES_INFINITY = np.iinfo(np.int64).max


class Kind(Enum):
    """What a column holds: its SQL type, its bytes, and what stands in for NULL."""

    ID = ("int8", ">i8", "0")
    CODE = ("int2", ">i2", "0")
    NUMBER = ("float8", ">f8", "'NaN'")
    MOMENT = ("timestamptz", ">i8", "'infinity'")

    @property
    def sql_type(self) -> str:
        return self.value[0]

    @property
    def bytes_type(self) -> str:
        return self.value[1]

    def expression(self, sql: str) -> str:
        """``sql`` cast to the type of this kind and never NULL."""
        return f"coalesce(({sql})::{self.sql_type}, {self.value[2]}::{self.sql_type})"


def copy_columns(
    cursor: Any,
    columns: Mapping[str, tuple[Kind, str]],
    source: str,
    parameters: Mapping[str, object],
    never: int,
) -> dict[str, NDArray[Any]]:
    """Read ``SELECT columns source`` into one array a column, in the order the server sends the rows.

    ``columns`` maps a name to its kind and SQL expression; ``source`` starts with FROM and binds ``%(name)s``
    parameters. NULL becomes 0 (ID, CODE), NaN (NUMBER) or ``never`` (MOMENT); moments are int64 microseconds since
    1970-01-01 UTC.
    """
    selected = ", ".join(kind.expression(sql) for kind, sql in columns.values())
    query = cursor.mogrify(f"COPY (SELECT {selected} {source}) TO STDOUT (FORMAT BINARY)", parameters)
    answer = io.BytesIO()
    cursor.copy_expert(query, answer, 1 << 20)
    rows = _decode(answer.getbuffer(), [kind.bytes_type for kind, _ in columns.values()])
    return {
        name: _native(rows[f"value{position}"], kind, never)
        for position, (name, (kind, _)) in enumerate(columns.items())
    }


def _decode(answer: memoryview, bytes_types: list[str]) -> NDArray[Any]:
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for position, bytes_type in enumerate(bytes_types):
        layout += [(f"length{position}", ">i4"), (f"value{position}", bytes_type)]
    row = np.dtype(layout)
    body = answer[_HEADER_BYTES : len(answer) - _TRAILER_BYTES]
    if len(body) % row.itemsize:
        raise ValueError("COPY answered with rows of varying size: a column is NULL or of another type")
    rows = np.frombuffer(body, dtype=row)
    for position, bytes_type in enumerate(bytes_types):
        if not (rows[f"length{position}"] == np.dtype(bytes_type).itemsize).all():
            raise ValueError(f"column {position} of a COPY answer is NULL or of another type than declared")
    return rows


def _native(values: NDArray[Any], kind: Kind, never: int) -> NDArray[Any]:
    if kind is Kind.NUMBER:
        return values.astype(np.float64)
    if kind is Kind.CODE:
        return values.astype(np.int8)
    numbers = values.astype(np.int64)
    if kind is Kind.ID:
        return numbers
    endless = numbers == _POSTGRES_INFINITY
    return np.where(endless, np.int64(never), np.where(endless, 0, numbers) + _POSTGRES_EPOCH)
