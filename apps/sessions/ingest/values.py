"""Parsers of single values: what a cell of a file or a JSON value must look like. Strict, and silent about nothing.

Every parser takes a value that is neither missing nor empty and answers the Python value, or raises ``BadValueError``
with a code and a sentence that names the fix. Files give strings; JSON may give numbers and booleans too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

Parser = Callable[[Any], Any]

ID_LENGTH = 64
TEXT_LENGTH = 5_000
FIRST_YEAR, LAST_YEAR = 1990, 2100

# Control characters, and halves of surrogate pairs, which no database text can hold.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNPRINTABLE_IN_PROSE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_GOOD_ID = re.compile(f"[^\x00-\x1f\x7f-\x9f\ud800-\udfff/]{{1,{ID_LENGTH}}}")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?")
_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


class BadValueError(ValueError):
    """A value that cannot be accepted: ``code`` for machines, ``message`` for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def identifier(value: Any) -> str:
    """A partner's own id: 1 to 64 characters, no ``/``, no control characters."""
    if isinstance(value, str) and _GOOD_ID.fullmatch(value):
        return value
    text = _string(value)
    if len(text) > ID_LENGTH:
        raise BadValueError("too_long", f"An id has at most {ID_LENGTH} characters; this one has {len(text)}.")
    if "/" in text:
        raise BadValueError("bad_id", "An id must not contain a slash.")
    raise BadValueError("control_character", "An id must not contain control characters.")


def text(length: int) -> Parser:
    """One line of text."""

    def parse(value: Any) -> str:
        return _printable(_string(value), length, _UNPRINTABLE)

    return parse


def prose(value: Any) -> str:
    """Free text; line breaks and tabs are welcome."""
    return _printable(_string(value), TEXT_LENGTH, _UNPRINTABLE_IN_PROSE)


def names(value: Any) -> list[str]:
    """Names separated by ``;``, or a JSON list of names; without repeats, in the order given."""
    parts = value if isinstance(value, list) else _string(value).split(";")
    cleaned = (_printable(_string(part).strip(), ID_LENGTH, _UNPRINTABLE) for part in parts)
    return list(dict.fromkeys(name for name in cleaned if name))


def moment(value: Any) -> datetime:
    """An ISO 8601 time with an offset."""
    stated = _string(value)
    try:
        parsed = datetime.fromisoformat(stated)
    except ValueError:
        raise BadValueError("bad_time", "Not an ISO 8601 time such as 2026-03-02T12:00:00Z.") from None
    if parsed.tzinfo is None:
        raise BadValueError(
            "naive_time", "A time needs an offset such as Z or +01:00; without one it would be a guess."
        )
    if not FIRST_YEAR <= parsed.year <= LAST_YEAR:
        raise BadValueError("out_of_range", f"A time must lie between the years {FIRST_YEAR} and {LAST_YEAR}.")
    return parsed


def whole(low: int, high: int) -> Parser:
    """A whole number from ``low`` to ``high``."""

    def parse(value: Any) -> int:
        number = _number(value, _WHOLE, "whole number")
        if not number.is_integer():
            raise BadValueError("not_a_number", "Not a whole number.")
        return int(_in_range(number, low, high))

    return parse


def decimal(low: float, high: float) -> Parser:
    """A finite number from ``low`` to ``high``."""

    def parse(value: Any) -> float:
        return _in_range(_number(value, _DECIMAL, "number"), low, high)

    return parse


def boolean(value: Any) -> bool:
    """True or false; in files also 1, 0, yes, no."""
    if isinstance(value, bool):
        return value
    known = _BOOLEANS.get(_string(value).lower())
    if known is None:
        raise BadValueError("not_a_boolean", "Not true or false.")
    return known


def one_of(vocabulary: Iterable[str]) -> Parser:
    """A word of a vocabulary, spelt as in the contract."""
    words = {str(word): str(word) for word in vocabulary}

    def parse(value: Any) -> str:
        known = words.get(value) if isinstance(value, str) else None
        if known is None:
            raise BadValueError("unknown_value", f"Not one of {', '.join(words)}.")
        return known

    return parse


def timezone_name(value: Any) -> str:
    """An IANA time zone."""
    name = _string(value)
    if name not in _ZONES:
        raise BadValueError("unknown_value", "Not an IANA time zone such as Europe/London.")
    return name


def locale(value: Any) -> str:
    tag = _string(value)
    if len(tag) > 16 or not _LOCALE.fullmatch(tag):
        raise BadValueError("unknown_value", "Not a locale such as en-GB.")
    return tag


def email(value: Any) -> str:
    address = _printable(_string(value), 254, _UNPRINTABLE)
    try:
        validate_email(address)
    except ValidationError:
        raise BadValueError("bad_email", "Not an e-mail address.") from None
    return address


_ZONES = frozenset(available_timezones())


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise BadValueError("not_text", f"Must be a string, not {type(value).__name__}.")


def _printable(value: str, length: int, unprintable: re.Pattern[str]) -> str:
    if len(value) > length:
        raise BadValueError("too_long", f"At most {length} characters; this has {len(value)}.")
    if unprintable.search(value):
        raise BadValueError("control_character", "Must not contain NUL or other control characters.")
    return value


def _number(value: Any, pattern: re.Pattern[str], words: str) -> float:
    """A finite float from a JSON number or its plain decimal spelling; booleans are not numbers."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if not plain and not (isinstance(value, str) and pattern.fullmatch(value)):
        raise BadValueError("not_a_number", f"Not a {words}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadValueError("not_a_number", "Must be a finite number.")
    return number


def _in_range(number: float, low: float, high: float) -> float:
    if not low <= number <= high:
        raise BadValueError("out_of_range", f"Must lie between {low:g} and {high:g}.")
    return number
