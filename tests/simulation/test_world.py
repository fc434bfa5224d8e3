"""Worlds are made from a seed, have the promised base rates, and survive being saved."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.simulation.conftest import Export
from tutorscore.simulation import DEFAULT_NOW, World, generate, write_export
from tutorscore.simulation.clock import DAY
from tutorscore.simulation.resolution import HELD, NONE


def test_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_export(generate(600, seed=5), tmp_path / name)
    write_export(generate(600, seed=6), tmp_path / "other")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    assert (tmp_path / "one" / "sessions.csv").read_bytes() != (tmp_path / "other" / "sessions.csv").read_bytes()


def test_saved_world_writes_the_same_export(tmp_path: Path) -> None:
    world = generate(600, seed=5, preset="hard", drift="policy_step", mail_effect=0.5)
    world.save(tmp_path / "world")
    loaded = World.load(tmp_path / "world")
    write_export(world, tmp_path / "one")
    write_export(loaded, tmp_path / "two")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    assert loaded.setting.mail_effect == 0.5


def test_world_of_another_format_is_refused(tmp_path: Path) -> None:
    generate(600, seed=5).save(tmp_path)
    facts = (tmp_path / "world.json").read_text().replace('"format": 1', '"format": 0')
    (tmp_path / "world.json").write_text(facts)
    with pytest.raises(ValueError, match="simulate it again"):
        World.load(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [{"preset": "sunny"}, {"drift": "sideways"}, {"sessions": 99}, {"mail_effect": 1.5}, {"now": datetime(2026, 1, 1)}],
)
def test_impossible_worlds_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"preset|world needs|offset"):
        generate(**{"sessions": 600, "seed": 1, **arguments})  # type: ignore[arg-type]


def test_size_is_about_what_was_asked(world: World, export: Export) -> None:
    assert len(export.sessions) == pytest.approx(world.requested_sessions, rel=0.1)
    assert len(export.tables["tutors"]["external_id"].unique()) == world.requested_sessions / 100


def test_worlds_live_sixty_days_beyond_now(world: World) -> None:
    starts = world.sessions["start"]
    assert starts.max() > world.now + 60 * DAY
    weekly = np.bincount((starts - world.setting.calendar.begin) // (7 * DAY))
    assert weekly[55] > 0.7 * weekly[50]


def test_now_can_be_chosen() -> None:
    now = datetime(2026, 11, 21, 17, 45, tzinfo=UTC)
    assert generate(600, seed=1, now=now).now == int(now.timestamp())
    assert generate(600, seed=1).now == int(DEFAULT_NOW.timestamp())


@pytest.mark.parametrize("preset", ["realistic", "easy", "hard"])
def test_base_rates(preset: str) -> None:
    found = base_rates(generate(30_000, seed=21, preset=preset))
    assert found["moved"] == pytest.approx(0.156, abs=0.02)
    assert found["moved by tutor"] == pytest.approx(0.982, abs=0.008)
    assert found["no-show tutor"] == pytest.approx(0.011, abs=0.003)
    assert found["no-show student"] == pytest.approx(0.019, abs=0.004)
    assert found["poor among rated first"] == pytest.approx(0.13, abs=0.025)
    assert 0.60 < found["response"] < 0.70
    assert found["churn"] == pytest.approx(0.22, abs=0.03)
    assert found["churn after poor"] == pytest.approx(0.65, abs=0.1)
    assert found["first"] == pytest.approx(0.105, abs=0.02)
    assert found["more than 24 h notice"] == pytest.approx(0.6, abs=0.04)


def base_rates(world: World) -> dict[str, float]:
    sessions = world.sessions
    known = (sessions["root"] == NONE) & (sessions["outcome_known_at"] <= world.now)
    rows = {name: values[known] for name, values in sessions.items()}
    moved, held = rows["requested_at"] != NONE, rows["end"] == HELD
    first = rows["held_before"] == 0
    opened = held & first & (rows["start"] < world.now - 40 * DAY)
    notice = (rows["start"] - rows["requested_at"])[moved]
    return {
        "moved": moved.mean(),
        "moved by tutor": (rows["end"][moved] == 0).mean(),
        "no-show tutor": (rows["end"] == 3).mean(),
        "no-show student": (rows["end"] == 2).mean(),
        "poor among rated first": (rows["rating"][held & first & rows["answered"]] < 3).mean(),
        "response": rows["answered"][held].mean(),
        "churn": rows["churned"][opened].mean(),
        "churn after poor": rows["churned"][opened & (rows["rating"] < 3)].mean(),
        "first": first.mean(),
        "more than 24 h notice": (notice > DAY).mean(),
    }


def test_ratings_answer_not_at_random(world: World) -> None:
    sessions = world.sessions
    held = sessions["end"] == HELD
    share = [sessions["answered"][held & (sessions["rating"] == rating)].mean() for rating in (1, 3, 5)]
    assert share[0] > share[2] + 0.05 > share[1] + 0.1


def test_policy_step_lowers_moves_from_its_day_on() -> None:
    stepped, steady = (generate(20_000, seed=4, drift=drift) for drift in ("policy_step", "none"))
    step_at = stepped.setting.policy_step_at
    assert stepped.setting.calendar.begin < step_at < stepped.now
    assert _moves(stepped, 0, step_at) == pytest.approx(_moves(steady, 0, step_at), abs=0.005)
    assert _moves(stepped, step_at, stepped.now) < _moves(steady, step_at, steady.now) - 0.04


def test_gradual_mix_shifts_who_books() -> None:
    def late_minus_early(drift: str) -> float:
        pairs = generate(20_000, seed=4, drift=drift).setting.pairs
        gap = pairs["zone_gap_hours"]
        return float(gap[-len(gap) // 4 :].mean() - gap[: len(gap) // 4].mean())

    assert late_minus_early("gradual_mix") > late_minus_early("none") + 1.0


def _moves(world: World, since: int, until: int) -> float:
    start = world.sessions["start"]
    return float((world.sessions["requested_at"][(start >= since) & (start < until)] != NONE).mean())
