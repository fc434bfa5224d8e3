"""How each entity lies in the database: the table, how a staged row finds its fact, what an insert and update fill in.

In every statement ``s`` is a staged row, ``f`` the fact's row, and ``%(partner)s`` and ``%(now)s`` are parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.sessions.ingest.entities import (
    ENTITIES,
    FEEDBACK,
    RESCHEDULE,
    SESSION,
    STUDENT,
    TUTOR,
    TUTOR_EVENT,
    EntitySpec,
)
from apps.sessions.ingest.stage import Stage
from apps.sessions.models import OPEN_STATUSES, Entity, FactRevision
from apps.tutors.models import StaleTutor, Subject

OPEN = "({})".format(", ".join(f"'{status}'" for status in OPEN_STATUSES))
REVISIONS = FactRevision._meta.db_table
MARKS = StaleTutor._meta.db_table
SUBJECTS = Subject._meta.db_table


@dataclass(frozen=True)
class FactTable:
    """``match`` joins f to s; ``conflict`` is the unique index behind it; ``order`` the order in which rows are locked.

    ``merged`` overrides what a given column becomes in an update; ``consistent`` must hold for the merged row, with
    ``{column}`` for each merged value. ``tutor`` names the tutor whose score depends on the row.
    """

    spec: EntitySpec
    stage: Stage
    match: str
    conflict: str
    order: str
    inserted: dict[str, str]
    updated: dict[str, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    consistent: str = "true"
    is_new: str = "false"  # the row stands, but nothing was known of it: a stub
    tutor: str = ""

    @property
    def name(self) -> str:
        return self.spec.model._meta.db_table

    @property
    def has_clock(self) -> bool:
        return self.spec.entity not in (Entity.TUTOR, Entity.STUDENT)

    @property
    def content(self) -> tuple[str, ...]:
        """The columns that make up what a row says; neither key nor clock."""
        names = dict.fromkeys(item.fills for item in self.spec.fields)
        return tuple(name for name in names if name not in self.fixed)

    @property
    def fixed(self) -> frozenset[str]:
        """What never changes in an update, and the clock, which has rules of its own."""
        start = {"scheduled_start"} if self.spec is SESSION else set()
        referenced = {item.fills for item in self.spec.fields if item.column in self.spec.key}
        return frozenset(referenced | start | {"recorded_at"})


def _table(spec: EntitySpec, **more: object) -> FactTable:
    return FactTable(spec, Stage(spec), **more)  # type: ignore[arg-type]


_ARRIVED = {"ingested_at": "%(now)s", "updated_at": "%(now)s"}
_PROFILE_MATCH = "f.partner_id = %(partner)s AND f.external_id = s.external_id"
_PROFILE_INSERTED = {
    "partner_id": "%(partner)s",
    "is_stub": "false",
    "created_at": "%(now)s",
    "updated_at": "%(now)s",
}
_PROFILE_UPDATED = {"is_stub": "false", "updated_at": "%(now)s"}

TABLES: dict[Entity, FactTable] = {
    Entity.TUTOR: _table(
        TUTOR,
        match=_PROFILE_MATCH,
        conflict="(partner_id, external_id)",
        order="s.external_id",
        inserted=_PROFILE_INSERTED,
        updated=_PROFILE_UPDATED,
        consistent="({left_at} IS NULL OR {onboarded_at} IS NULL OR {left_at} >= {onboarded_at})",
        is_new="f.is_stub",
        tutor="s.fact_id",
    ),
    Entity.STUDENT: _table(
        STUDENT,
        match=_PROFILE_MATCH,
        conflict="(partner_id, external_id)",
        order="s.external_id",
        inserted=_PROFILE_INSERTED,
        updated=_PROFILE_UPDATED,
        is_new="f.is_stub",
    ),
    Entity.SESSION: _table(
        SESSION,
        match=f"{_PROFILE_MATCH} AND f.is_latest",
        conflict="(partner_id, external_id) WHERE is_latest",
        order="s.external_id",
        inserted=_ARRIVED
        | {
            "partner_id": "%(partner)s",
            "occurrence": "0",
            "is_latest": "true",
            "first_known_at": "coalesce(s.booked_at, s.recorded_at)",
        },
        updated={
            "updated_at": "%(now)s",
            "first_known_at": "CASE WHEN f.occurrence = 0 THEN coalesce(excluded.booked_at, f.first_known_at) "
            "ELSE f.first_known_at END",
        },
        # A further occurrence was booked by the move that made it, whenever the partner booked the first one.
        merged={
            "booked_at": "CASE WHEN f.occurrence > 0 THEN greatest({given}, f.booked_at) ELSE {given} END",
        },
        consistent="({actual_end} IS NULL OR {actual_start} IS NULL OR {actual_end} >= {actual_start})",
        tutor="s.tutor_id",
    ),
    Entity.RESCHEDULE: _table(
        RESCHEDULE,
        match="f.session_id = s.session_id AND f.requested_at = s.requested_at",
        conflict="(session_id, requested_at)",
        order="s.session_id, s.requested_at",
        inserted=_ARRIVED | {"is_derived": "false"},
        updated={"updated_at": "%(now)s", "is_derived": "false"},
        tutor="s.tutor_id",
    ),
    Entity.FEEDBACK: _table(
        FEEDBACK,
        match="f.session_id = s.session_id AND f.author = s.author",
        conflict="(session_id, author)",
        order="s.session_id, s.author",
        inserted=_ARRIVED,
        updated={"updated_at": "%(now)s"},
        tutor="s.tutor_id",
    ),
    Entity.TUTOR_EVENT: _table(
        TUTOR_EVENT,
        match="f.tutor_id = s.tutor_id AND f.kind = s.kind AND f.occurred_at = s.occurred_at",
        conflict="(tutor_id, kind, occurred_at)",
        order="s.tutor_id, s.kind, s.occurred_at",
        inserted=_ARRIVED,
        updated={"updated_at": "%(now)s"},
        tutor="s.tutor_id",
    ),
}

assert set(TABLES) == set(ENTITIES)
