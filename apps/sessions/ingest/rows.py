"""From a raw row (cells of a file, a JSON object) to a valid one: values in database types, two clocks, a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apps.sessions.ingest.entities import EntitySpec, Field, Values
from apps.sessions.ingest.results import Refusal
from apps.sessions.ingest.values import BadValueError
from apps.sessions.models import Clock

CLOCK_TOLERANCE = timedelta(minutes=5)  # DATA_FORMAT: how far ahead of now a recorded_at may lie


@dataclass(slots=True)  # not frozen: that would double the time a row takes to make
class ValidRow:
    """``shape`` numbers the set of fields the row gives; absent ones stay as they are in an update."""

    line: int
    raw: Any
    values: Values
    shape: int

    @property
    def recorded_at(self) -> datetime:
        moment: datetime = self.values["recorded_at"]
        return moment


@dataclass(frozen=True, slots=True)
class _Plan:
    shape: int
    fields: tuple[Field, ...]
    missing: str


class RowValidator:
    """Validates rows of one entity at one moment; remembers the shapes it has seen."""

    def __init__(self, spec: EntitySpec, *, now: datetime, assume_event_clock: bool = False) -> None:
        self.spec = spec
        self._now = now
        self._latest = now + CLOCK_TOLERANCE
        self._assume_event_clock = assume_event_clock
        self._defaults: Values = {field.column: field.default for field in spec.fields}
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._shapes: dict[frozenset[str], int] = {}

    @property
    def shapes(self) -> dict[int, frozenset[str]]:
        """Per shape the columns of the fact that its rows fill."""
        return {shape: filled for filled, shape in self._shapes.items()}

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the staged row that may differ from their defaults in the rows seen so far."""
        given = {name for plan in self._plans.values() for field in plan.fields for name in (field.column, field.fills)}
        return frozenset(given | {"recorded_at"})

    def check(self, line: int, raw: Any) -> ValidRow | Refusal:
        """The row in database types, or why it cannot be accepted."""
        if not isinstance(raw, Mapping):
            return Refusal(line, raw, "not_an_object", "", "A row is an object of named values.")
        plan = self._plan(tuple(raw))
        if plan.missing:
            return Refusal(line, raw, "required", plan.missing, f"{plan.missing} is missing.")
        values = self._defaults.copy()
        name = ""
        try:
            for field in plan.fields:
                cell = raw[field.name]
                if cell is not None and cell != "":
                    name = field.name
                    values[field.column] = field.parse(cell)
                elif field.required:
                    return Refusal(line, raw, "required", field.name, f"{field.name} is empty.")
            name = "recorded_at"
            self._set_clock(values)
            name = ""
            if self.spec.check:
                self.spec.check(values, self._now)
        except BadValueError as bad:
            return Refusal(line, raw, bad.code, name, bad.message)
        return ValidRow(line, raw, values, plan.shape)

    def _set_clock(self, values: Values) -> None:
        """``recorded_at`` and where it comes from; without one the row counts as known from now."""
        if values["recorded_at"] is not None:
            if values["recorded_at"] > self._latest:
                raise BadValueError("future", "recorded_at lies more than 5 minutes ahead of now.")
            values["clock"] = Clock.PARTNER.value
            return
        happened = self.spec.event_time(values) if self._assume_event_clock else None
        values["recorded_at"] = self._now if happened is None else min(happened, self._now)
        values["clock"] = Clock.ARRIVAL.value if happened is None else Clock.EVENT.value

    def _plan(self, names: tuple[str, ...]) -> _Plan:
        plan = self._plans.get(names)
        if plan is None:
            fields = tuple(field for field in self.spec.fields if field.name in names)
            filled = frozenset(field.fills for field in fields)
            missing = next((name for name in self.spec.required if name not in names), "")
            shape = self._shapes.setdefault(filled, len(self._shapes))
            plan = self._plans[names] = _Plan(shape, fields, missing)
        return plan
