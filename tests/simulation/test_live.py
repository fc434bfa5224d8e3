"""Rows that become known over time add up to the export, and mails change what they touch and nothing else."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from tests.simulation.conftest import Export
from tests.simulation.test_export import KEYS
from tutorscore.simulation import World, generate, rows_between
from tutorscore.simulation.resolution import NONE
from tutorscore.simulation.rows import session_ids

Tables = dict[str, pd.DataFrame]


def collected(world: World, start: datetime | None, end: datetime, treated: object = frozenset()) -> Tables:
    """Rows of all batches, each in its newest state."""
    rows = defaultdict(list)
    for kind, batch in rows_between(world, start, end, treated):  # type: ignore[arg-type]
        rows[kind] += batch
    return {kind: newest(pd.DataFrame(found), kind) for kind, found in rows.items()}


def newest(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    ordered = table.sort_values("recorded_at", kind="stable").drop_duplicates(KEYS[kind], keep="last")
    return ordered.sort_values(KEYS[kind]).reset_index(drop=True)


def moment(world: World, days: float = 0) -> datetime:
    return datetime.fromtimestamp(world.now, tz=UTC) + timedelta(days=days)


@pytest.fixture(scope="module")
def small() -> World:
    return generate(3_000, seed=8)


@pytest.mark.parametrize("kind", KEYS)
def test_rows_up_to_now_are_the_export(world: World, export: Export, kind: str) -> None:
    live = collected(world, None, moment(world))[kind]
    pd.testing.assert_frame_equal(live, newest(export.tables[kind], kind), check_like=True)


def test_windows_add_up(small: World) -> None:
    whole = [row for _, rows in rows_between(small, None, moment(small, 20)) for row in rows]
    cuts = [None, moment(small, -100), moment(small, -0.3), moment(small), moment(small, 0.01), moment(small, 20)]
    parts = [
        row for start, end in itertools.pairwise(cuts) for _, rows in rows_between(small, start, end) for row in rows
    ]
    assert sorted(tuple(row.values()) for row in whole) == sorted(tuple(row.values()) for row in parts)


def test_rows_come_in_order_and_inside_the_window(small: World) -> None:
    start, end = moment(small, -3), moment(small, 3)
    last: dict[str, str] = {}
    for kind, rows in rows_between(small, start, end):
        known = [row["recorded_at"] for row in rows]
        assert known == sorted(known)
        assert known[0] >= last.get(kind, "")
        last[kind] = known[-1]
        assert f"{start:%Y-%m-%dT%H:%M:%SZ}" < known[0] <= known[-1] <= f"{end:%Y-%m-%dT%H:%M:%SZ}"
    assert set(last) >= {"sessions", "feedback", "tutor_events", "reschedules"}


def test_a_session_is_booked_before_it_ends(small: World) -> None:
    states = defaultdict(list)
    for kind, rows in rows_between(small, None, moment(small, 30)):
        if kind == "sessions":
            for row in rows:
                states[row["external_id"]].append(row["status"])
    assert {found[0] for found in states.values()} == {"scheduled"}
    assert {len(found) for found in states.values()} == {1, 2}
    assert {found[1] for found in states.values() if len(found) == 2} == {
        "completed", "rescheduled", "cancelled", "no_show_tutor", "no_show_student",
    }  # fmt: skip


def test_mails_change_only_what_they_touch(world: World) -> None:
    end = moment(world, 30)
    changing = np.flatnonzero(world.sessions["rating_mailed"] != world.sessions["rating"])
    mailed = set(session_ids(changing[::2]))
    plain, treated = collected(world, None, end), collected(world, None, end, mailed)
    for kind in ("tutors", "students", "tutor_events"):
        pd.testing.assert_frame_equal(plain[kind], treated[kind])
    before = plain["feedback"][plain["feedback"]["author"] == "student"].set_index("session_id")
    after = treated["feedback"][treated["feedback"]["author"] == "student"].set_index("session_id")
    both = before.index.intersection(after.index)
    differs = both[(before.loc[both] != after.loc[both]).any(axis=1)]
    assert set(differs) <= mailed
    assert len(differs) > 10
    assert (after.loc[differs, "rating"] >= "3").all()
    assert (before.loc[differs, "rating"] < "3").all()
    extra = set(treated["sessions"]["external_id"]) - set(plain["sessions"]["external_id"])
    roots = world.sessions["root"][[int(one.removeprefix("ses-")) for one in extra]]
    assert set(session_ids(roots)) <= mailed
    assert extra
    assert set(plain["sessions"]["external_id"]) <= set(treated["sessions"]["external_id"])


def test_nothing_changes_for_mails_to_other_sessions(small: World) -> None:
    unchanged = small.sessions["rating_mailed"] == small.sessions["rating"]
    others = set(session_ids(np.flatnonzero(unchanged)))
    plain, treated = (collected(small, None, moment(small), treated=chosen) for chosen in (set(), others))
    for kind in KEYS:
        pd.testing.assert_frame_equal(plain[kind], treated[kind])


def test_who_was_mailed_is_asked_only_about_sessions_a_mail_would_change(small: World) -> None:
    asked: list[str] = []

    def treated(ids: Sequence[str]) -> set[str]:
        asked.extend(ids)
        return set(ids)

    everywhere = collected(small, None, moment(small), treated)
    rows = [int(one.removeprefix("ses-")) for one in asked]
    assert (small.sessions["held_before"][rows] == 0).all()
    assert (small.sessions["rating"][rows] < 3).all()
    assert len(set(asked)) == len(asked) > 3
    everybody = collected(small, None, moment(small), set(session_ids(np.arange(len(small.sessions["pair"])))))
    for kind in KEYS:
        pd.testing.assert_frame_equal(everywhere[kind], everybody[kind])


def test_pairs_kept_by_a_mail_live_on(world: World) -> None:
    sessions = world.sessions
    kept = sessions["root"] != NONE
    roots = sessions["root"][kept]
    assert kept.any()
    assert (sessions["pair"][kept] == sessions["pair"][roots]).all()
    assert (sessions["churned"][roots] & ~sessions["churned_mailed"][roots]).all()
    assert (sessions["held_before"][kept] > 0).all()
