"""Rows into tables by COPY in its text format: for many rows several times faster than INSERT.

The format is that of the PostgreSQL documentation, COPY, "Text Format": one line per row, tabs between columns,
backslash escapes, ``\\N`` for NULL.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Field, JSONField, Model

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def _text(value: str) -> str:
    return value.translate(_ESCAPES) if _SPECIAL.search(value) else value


def _array(values: list[str]) -> str:
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return _text("{" + ",".join(quoted) + "}")


CELL: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: r"\N",
    str: _text,
    bool: lambda value: "t" if value else "f",
    int: str,
    float: repr,
    datetime: datetime.isoformat,
    list: _array,
}
"""How a value of each type is written; a list is an array of texts."""


def insert_copied(rows: Sequence[Model]) -> None:
    """Insert new instances of one model, all or none; like ``bulk_create``, but their keys stay unknown."""
    if not rows:
        return
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    copied = "".join("\t".join(_cell(field, row) for field in fields) + "\n" for row in rows)
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(model._meta.db_table)
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO(copied))


def _cell(field: Field[Any, Any], row: Model) -> str:
    value = field.pre_save(row, add=True)
    if isinstance(field, JSONField):
        return _text(json.dumps(value, allow_nan=False))
    return CELL[type(value)](value)
