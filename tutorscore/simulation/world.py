"""A simulated world: made from a seed, saved to a folder, loaded again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from tutorscore.simulation.balance import balanced
from tutorscore.simulation.clock import Array, Calendar, epoch_seconds
from tutorscore.simulation.events import draw_events
from tutorscore.simulation.lives import Progress, live
from tutorscore.simulation.pairs import churn_logits, draw_pairs, mismatches, place_students
from tutorscore.simulation.people import Columns, draw_departures, draw_students, draw_tutors, draw_weeks
from tutorscore.simulation.presets import DRIFTS, PRESETS, Preset
from tutorscore.simulation.setting import Setting
from tutorscore.simulation.traces import draw_traces

DEFAULT_NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)  # fixed, so that a seed alone names a world
DEFAULT_MAIL_EFFECT: Final = 0.3
SESSIONS_PER_TUTOR: Final = 100
SESSIONS_PER_PAIR: Final = 10.8  # rows known at now per pair of the whole span
FORMAT: Final = 1
_TABLES: Final = ("tutors", "students", "pairs", "weekly", "sessions", "events")


@dataclass(frozen=True, slots=True)
class World:
    """All that ever happens in a world, with and without mails. Rows of ``sessions`` are in order of booking."""

    requested_sessions: int
    seed: int
    preset: str
    setting: Setting
    sessions: Columns
    events: Columns

    @property
    def now(self) -> int:
        """The present the world was made for, UTC epoch seconds."""
        return self.setting.calendar.now

    def save(self, folder: Path) -> None:
        """Write world.json and one .npz per table; no pickle, so a folder from elsewhere cannot run code."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _TABLES:
            np.savez(folder / f"{name}.npz", allow_pickle=False, **self._table(name))
        facts: dict[str, Any] = {
            "format": FORMAT,
            "requested_sessions": self.requested_sessions,
            "seed": self.seed,
            "preset": self.preset,
            "drift": self.setting.drift,
            "mail_effect": self.setting.mail_effect,
            "weights": asdict(self.setting.preset),
            "now": self.now,
        }
        (folder / "world.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> World:
        """Read what ``save`` wrote. Raises ValueError for another format."""
        facts = json.loads((folder / "world.json").read_text(encoding="utf-8"))
        if facts["format"] != FORMAT:
            raise ValueError(f"{folder} holds world format {facts['format']}, this is {FORMAT}: simulate it again")
        tables = {name: _read_table(folder / f"{name}.npz") for name in _TABLES}
        setting = Setting(
            preset=Preset(**facts["weights"]),
            drift=facts["drift"],
            mail_effect=facts["mail_effect"],
            calendar=Calendar.around(facts["now"]),
            **{name: tables[name] for name in ("tutors", "students", "pairs", "weekly")},
        )
        return cls(
            facts["requested_sessions"], facts["seed"], facts["preset"], setting, tables["sessions"], tables["events"]
        )

    def _table(self, name: str) -> Columns:
        table: Columns = getattr(self if name in ("sessions", "events") else self.setting, name)
        return table


def generate(
    sessions: int,
    seed: int,
    preset: str = "realistic",
    now: datetime | None = None,
    drift: str = "none",
    progress: Progress | None = None,
    mail_effect: float = DEFAULT_MAIL_EFFECT,
) -> World:
    """A world with about ``sessions`` session rows known at ``now``, a year behind it and nine weeks ahead of it.

    The same arguments give the same world. ``mail_effect`` is the share of poor first sessions that a preparation mail
    would prevent; ``progress`` is called with (weeks done, weeks in all).
    """
    if preset not in PRESETS or drift not in DRIFTS:
        raise ValueError(f"preset is one of {', '.join(PRESETS)} and drift one of {', '.join(DRIFTS)}")
    if sessions < SESSIONS_PER_TUTOR or not 0 <= mail_effect <= 1:
        raise ValueError(f"a world needs at least {SESSIONS_PER_TUTOR} sessions and a mail effect in [0, 1]")
    rng = np.random.default_rng(seed)
    calendar = Calendar.around(epoch_seconds(now or DEFAULT_NOW))
    tutors = draw_tutors(rng, round(sessions / SESSIONS_PER_TUTOR), calendar)
    weekly = draw_weeks(rng, tutors, calendar)
    tutors["departed_at"] = draw_departures(rng, weekly, calendar)
    pairs = draw_pairs(rng, round(sessions / SESSIONS_PER_PAIR), tutors, calendar, drift)
    students = draw_students(rng, int(pairs["student"].max()) + 1)
    place_students(pairs, students)
    pairs.update(mismatches(pairs, tutors, students))
    pairs["churn_logit"] = churn_logits(PRESETS[preset], pairs, tutors, students)
    setting = balanced(Setting(PRESETS[preset], drift, mail_effect, calendar, tutors, students, pairs, weekly), seed)
    rows = live(rng, setting, progress)
    rows.update(draw_traces(rng, setting, rows))
    return World(sessions, seed, preset, setting, rows, draw_events(rng, setting, rows))


def _read_table(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
