"""What a row names: tutors, students and subjects come into being as stubs, sessions must be known."""

from __future__ import annotations

from typing import Any

from django.db.backends.utils import CursorWrapper

from apps.sessions.ingest.tables import SUBJECTS, TABLES, FactTable
from apps.sessions.models import Entity

_TUTORS = TABLES[Entity.TUTOR].name
_STUDENTS = TABLES[Entity.STUDENT].name
_SESSIONS = TABLES[Entity.SESSION].name

# Columns of a profile that no row has filled in yet; the database knows no defaults for them.
_BLANK_TUTOR = {
    "name": "''", "email": "''", "timezone": "'UTC'", "locale": "''", "subjects": "'{}'", "certified_subjects": "'{}'",
    "teaching_style": "''", "preferred_student_level": "''",
}  # fmt: skip
_BLANK_STUDENT = {
    "name": "''", "timezone": "'UTC'", "locale": "''", "preferred_teaching_style": "''", "learning_goals": "''",
    "contact_email": "''", "guardian_email": "''",
}  # fmt: skip


def resolve(cursor: CursorWrapper, table: FactTable, scope: dict[str, Any], rows: int) -> None:
    """Fills in the keys behind a staged row's references; rows that name something unknown get their outcome here."""
    stage = table.stage.name
    match table.spec.entity:
        case Entity.TUTOR:
            _add_subjects(cursor, f"SELECT unnest(s.subjects || s.certified_subjects) FROM {stage} s", scope)
        case Entity.SESSION:
            cursor.execute(_link_session(stage), scope)
            if cursor.rowcount < rows:
                _add_stubs(cursor, _TUTORS, _BLANK_TUTOR, f"SELECT tutor_ref FROM {stage}", scope)
                _add_stubs(cursor, _STUDENTS, _BLANK_STUDENT, f"SELECT student_ref FROM {stage}", scope)
                _add_subjects(cursor, f"SELECT subject_ref FROM {stage} WHERE subject_ref <> ''", scope)
                cursor.execute(_link_session(stage), scope)
        case Entity.RESCHEDULE:
            by_start = "f.scheduled_start = s.original_start DESC NULLS LAST,"
            cursor.execute(_link_occurrence(stage, "s.requested_at", by_start), scope)
            cursor.execute(_refuse_unlinked(stage, "session"))
        case Entity.FEEDBACK:
            cursor.execute(_link_occurrence(stage, "s.submitted_at", ""), scope)
            cursor.execute(_refuse_unlinked(stage, "session"))
        case Entity.TUTOR_EVENT:
            cursor.execute(
                f"UPDATE {stage} s SET tutor_id = t.id FROM {_TUTORS} t "
                "WHERE t.partner_id = %(partner)s AND t.external_id = s.tutor_ref",
                scope,
            )
            cursor.execute(_refuse_unlinked(stage, "tutor"))


def _add_stubs(cursor: CursorWrapper, table: str, blanks: dict[str, str], named: str, scope: dict[str, Any]) -> None:
    values = {"partner_id": "%(partner)s", "external_id": "named.id", "is_stub": "true"} | blanks
    cursor.execute(
        f"""
        INSERT INTO {table} ({", ".join(values)}, created_at, updated_at)
        SELECT {", ".join(values.values())}, %(now)s, %(now)s
        FROM (SELECT DISTINCT id FROM ({named}) AS rows(id)) AS named
        WHERE NOT EXISTS (SELECT FROM {table} t WHERE t.partner_id = %(partner)s AND t.external_id = named.id)
        ORDER BY named.id ON CONFLICT DO NOTHING""",
        scope,
    )


def _add_subjects(cursor: CursorWrapper, named: str, scope: dict[str, Any]) -> None:
    cursor.execute(
        f"""
        INSERT INTO {SUBJECTS} (partner_id, name)
        SELECT %(partner)s, named.name FROM (SELECT DISTINCT name FROM ({named}) AS rows(name)) AS named
        WHERE NOT EXISTS (SELECT FROM {SUBJECTS} t WHERE t.partner_id = %(partner)s AND t.name = named.name)
        ORDER BY named.name ON CONFLICT DO NOTHING""",
        scope,
    )


def _link_session(stage: str) -> str:
    return f"""
        UPDATE {stage} s SET tutor_id = found.tutor_id, student_id = found.student_id, subject_id = found.subject_id
        FROM (
            SELECT r.line, t.id AS tutor_id, p.id AS student_id, j.id AS subject_id FROM {stage} r
            JOIN {_TUTORS} t ON t.partner_id = %(partner)s AND t.external_id = r.tutor_ref
            JOIN {_STUDENTS} p ON p.partner_id = %(partner)s AND p.external_id = r.student_ref
            LEFT JOIN {SUBJECTS} j ON j.partner_id = %(partner)s AND j.name = r.subject_ref
            WHERE j.id IS NOT NULL OR r.subject_ref = ''
        ) AS found WHERE found.line = s.line AND s.tutor_id IS NULL"""


def _link_occurrence(stage: str, moment: str, preferred: str) -> str:
    """The occurrence that stood at ``moment``: a further one stands after the move that booked it. DISTINCT ON takes
    the highest such occurrence, or the first one for a moment before all of them."""
    return f"""
        UPDATE {stage} s SET session_id = found.id, tutor_id = found.tutor_id
        FROM (
            SELECT DISTINCT ON (s.line) s.line, f.id, f.tutor_id FROM {stage} s
            JOIN {_SESSIONS} f ON f.partner_id = %(partner)s AND f.external_id = s.session_ref
            ORDER BY s.line, {preferred} (f.occurrence = 0 OR f.booked_at < {moment}) DESC, f.occurrence DESC
        ) AS found WHERE found.line = s.line"""


def _refuse_unlinked(stage: str, what: str) -> str:
    return f"UPDATE {stage} SET outcome = 'rejected', code = 'unknown_{what}' WHERE {what}_id IS NULL"
