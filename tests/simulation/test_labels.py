"""Labels derived from nothing but the export equal what the world drew, and the stated probabilities fit them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.simulation.conftest import Export
from tutorscore.simulation import World
from tutorscore.simulation.clock import DAY
from tutorscore.simulation.oracles import session_rows_of
from tutorscore.simulation.resolution import HELD, MOVED_BY_TUTOR, STUDENT_ABSENT, TUTOR_ABSENT
from tutorscore.simulation.rows import tutor_ids

HOURS = {"p_reschedule_24h": 24, "p_reschedule_72h": 72, "p_reschedule_7d": 168}


def resolved(world: World, export: Export) -> tuple[pd.DataFrame, np.ndarray]:
    """Sessions of the export whose outcome it knows, and their rows in the world."""
    sessions = export.sessions
    sessions = sessions[sessions["status"] != "scheduled"]
    return sessions, session_rows_of(sessions.index)


def assert_fits(label: np.ndarray, probability: np.ndarray) -> None:
    """The count of positives lies within four standard deviations of what the probabilities say."""
    assert not np.isnan(probability).any()
    spread = np.sqrt((probability * (1 - probability)).sum())
    assert label.sum() > 20
    assert abs(label.sum() - probability.sum()) < 4 * spread


@pytest.mark.parametrize("name", HOURS)
def test_reschedule(world: World, export: Export, name: str) -> None:
    sessions, rows = resolved(world, export)
    asked_for = export.newest("reschedules", ["session_id"]).reindex(sessions.index)
    requested = pd.to_datetime(asked_for["requested_at"], utc=True)
    as_of = np.maximum(sessions["booked_at"], sessions["scheduled_start"] - pd.Timedelta(hours=HOURS[name]))
    still_scheduled = ~(requested <= as_of)
    by_tutor = asked_for["initiator"] == "tutor"
    label = (by_tutor & (requested > as_of) & (requested < sessions["scheduled_start"]))[still_scheduled].to_numpy()
    drawn = (world.sessions["end"][rows] == MOVED_BY_TUTOR)[still_scheduled]
    assert (label == drawn).all()
    past = (sessions["scheduled_start"] < pd.Timestamp(world.now - 11 * DAY, unit="s", tz="UTC"))[still_scheduled]
    assert_fits(label[past], export.truth[name].reindex(sessions.index)[still_scheduled][past].to_numpy())


@pytest.mark.parametrize(("target", "end"), [("no_show_student", STUDENT_ABSENT), ("no_show_tutor", TUTOR_ABSENT)])
def test_no_shows(world: World, export: Export, target: str, end: int) -> None:
    sessions, rows = resolved(world, export)
    reached = ~sessions["status"].isin(["rescheduled", "cancelled"]).to_numpy()
    label = (sessions["status"] == target).to_numpy()[reached]
    assert (label == (world.sessions["end"][rows] == end)[reached]).all()
    assert_fits(label, export.truth[f"p_{target}"].reindex(sessions.index).to_numpy()[reached])


def test_poor_first_sessions(world: World, export: Export) -> None:
    sessions, _ = resolved(world, export)
    first = _first_held(sessions)
    feedback = export.newest("feedback", ["session_id", "author"]).xs("student", level="author")
    rating = feedback["rating"].reindex(first.index).dropna().astype(int)
    drawn = world.sessions["rating"][session_rows_of(rating.index)]
    assert (rating.to_numpy() == drawn).all()
    assert_fits((rating < 3).to_numpy(), export.truth["p_poor_first_session"].reindex(rating.index).to_numpy())


def test_first_sessions_are_those_with_truth(world: World, export: Export) -> None:
    sessions, rows = resolved(world, export)
    first = _first_held(sessions)
    held_rows = rows[sessions["status"] == "completed"]
    assert set(first.index) == set(
        sessions.index[sessions["status"] == "completed"][world.sessions["held_before"][held_rows] == 0]
    )
    stated = export.truth["p_poor_first_session"].notna()
    assert (stated == export.truth["p_pair_churn"].notna()).all()
    assert stated[first.index].all()


def test_pair_churn(world: World, export: Export) -> None:
    sessions, _ = resolved(world, export)
    held = sessions[sessions["status"] == "completed"].sort_values("scheduled_start")
    first = _first_held(sessions)
    first = first[first["scheduled_start"] < pd.Timestamp(world.now - 42 * DAY, unit="s", tz="UTC")]
    pair = ["tutor_id", "student_id"]
    later = held[~held.index.isin(first.index)].merge(
        first.reset_index()[[*pair, "external_id", "scheduled_start"]], on=pair, suffixes=("", "_first")
    )
    soon = later["scheduled_start"] <= later["scheduled_start_first"] + pd.Timedelta(days=30)
    label = ~first.index.isin(later[soon]["external_id"])
    assert (label == world.sessions["churned"][session_rows_of(first.index)]).all()
    assert_fits(label, export.truth["p_pair_churn"].reindex(first.index).to_numpy())
    assert not ((later["external_id"].isin(first.index[label])).any())


def test_departures_end_the_sessions_of_a_tutor(world: World, export: Export) -> None:
    tutors = export.newest("tutors", ["external_id"])
    departed = world.setting.tutors["departed_at"]
    drawn = tutor_ids(np.flatnonzero(departed <= world.now))
    left = tutors[tutors["left_at"] != ""]
    assert set(left.index) == set(drawn) & set(tutors.index)
    last = export.sessions.groupby("tutor_id")["scheduled_start"].max().reindex(left.index).dropna()
    assert (last < pd.to_datetime(left["left_at"], utc=True).reindex(last.index)).all()
    assert len(left) > 10


def test_departures_fit_their_probabilities(world: World, export: Export) -> None:
    stated = pd.read_csv(export.folder / "truth_tutors.csv", dtype={"tutor_id": str})
    week_start = pd.to_datetime(stated["week_start"], utc=True).astype("datetime64[s, UTC]").astype("int64").to_numpy()
    departed = world.setting.tutors["departed_at"][stated["tutor_id"].str.removeprefix("tut-").astype(int)]
    for days in (7, 30, 90):
        label = departed < week_start + days * DAY
        alone = np.arange(len(label)) % (days // 7 + 1) >= 0
        weekly = stated[f"p_leave_{days}d"].to_numpy()[alone]
        assert label[alone].mean() == pytest.approx(weekly.mean(), rel=0.35)
        assert weekly.max() < 1


def test_mails_prevent_the_stated_share(world: World) -> None:
    sessions = world.sessions
    poor = (sessions["end"] == HELD) & (sessions["held_before"] == 0) & (sessions["rating"] < 3)
    prevented = sessions["rating_mailed"][poor] >= 3
    assert prevented.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / poor.sum()))
    assert (sessions["rating_mailed"] == sessions["rating"])[~poor].all()


def _first_held(sessions: pd.DataFrame) -> pd.DataFrame:
    held = sessions[sessions["status"] == "completed"].sort_values(["scheduled_start"])
    return held[~held.duplicated(["tutor_id", "student_id"])]
