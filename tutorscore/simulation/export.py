"""Writes what a partner system would export at a moment, and beside it the truth for evaluation."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from tutorscore.simulation import truth
from tutorscore.simulation.clock import Array, epoch_seconds, iso_text
from tutorscore.simulation.knowledge import BEFORE_EVERYTHING, KINDS, Versions, render, versions
from tutorscore.simulation.resolution import NONE
from tutorscore.simulation.rows import Text, session_ids, tutor_ids
from tutorscore.simulation.world import World

DUPLICATE_SHARE: Final = 0.003  # rows sent twice, word for word
CHUNK: Final = 50_000  # rows of text in memory at a time
STALE_SHARE: Final = 0.002  # sessions whose booked state is sent again after their outcome


def write_export(world: World, out: Path, until: datetime | None = None) -> dict[str, int]:
    """Write the CSV files of the import format, truth.csv and truth_tutors.csv into ``out``; rows written per file.

    Only rows with ``recorded_at`` <= ``until`` (the world's now by default) appear, each session in its last known
    state, in order of ``recorded_at``; a few rows come twice and a few sessions once more in their older state.
    """
    moment = world.now if until is None else epoch_seconds(until)
    out.mkdir(parents=True, exist_ok=True)
    unmailed = np.zeros(len(world.sessions["pair"]), dtype=bool)
    rng = np.random.default_rng([world.seed, moment])
    written = {}
    for kind in KINDS:
        known = versions(world, kind, unmailed).between(BEFORE_EVERYTHING, moment)
        planted = _with_repeats(rng, known, kind)
        chunks = (
            render(world, kind, planted.part(at, at + CHUNK), unmailed)
            for at in range(0, max(len(planted.row), 1), CHUNK)
        )
        written[f"{kind}.csv"] = _write(out / f"{kind}.csv", chunks)
    written["truth.csv"] = _write(out / "truth.csv", iter([session_truth(world, moment)]))
    written["truth_tutors.csv"] = _write(out / "truth_tutors.csv", iter([tutor_truth(world, moment)]))
    return written


def session_truth(world: World, until: int) -> Text:
    """True probabilities of every session known by ``until``; those of first sessions where none was held before."""
    sessions = world.sessions
    rows = np.flatnonzero((sessions["root"] == NONE) & (sessions["booked_at"] <= until))
    first = sessions["held_before"][rows] == 0
    columns: Text = {"session_id": session_ids(rows)}
    for name, hours in truth.HORIZON_HOURS.items():
        columns[name] = _digits(truth.reschedule_probability(world, rows, truth.decision_time(world, rows, hours)))
    student, tutor = truth.absence_probabilities(world, rows)
    columns["p_no_show_tutor"] = _digits(tutor)
    columns["p_no_show_student"] = _digits(student)
    columns["p_poor_first_session"] = np.where(first, _digits(truth.poor_probability(world, rows)), "")
    columns["p_pair_churn"] = np.where(first, _digits(truth.churn_probability(world, rows)), "")
    return columns


def tutor_truth(world: World, until: int) -> Text:
    """Weekly probabilities of departure of the tutors who were there at ``week_start``."""
    parts: list[Text] = []
    tutors = world.setting.tutors
    for week, moment in truth.week_starts(world, until):
        there = np.flatnonzero((tutors["onboarded_at"] <= moment) & (moment < tutors["departed_at"]))
        leave = truth.leave_probabilities(world, week)
        part: Text = {"tutor_id": tutor_ids(there), "week_start": iso_text(np.full(len(there), moment))}
        parts.append(part | {f"p_leave_{days}d": _digits(leave[days][there]) for days in truth.LEAVE_DAYS})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _with_repeats(rng: np.random.Generator, known: Versions, kind: str) -> Versions:
    """The newest state of every row, then repeats put at random places."""
    newest = known if kind == "feedback" else known.newest()
    repeats = np.flatnonzero(rng.random(len(newest.row)) < DUPLICATE_SHARE)
    row, later = newest.row[repeats], newest.later[repeats]
    if kind == "sessions":
        stale = newest.row[newest.later & (rng.random(len(newest.row)) < STALE_SHARE)]
        row = np.concatenate([row, stale])
        later = np.concatenate([later, np.zeros(len(stale), dtype=bool)])
    places = rng.integers(0, len(newest.row) + 1, len(row))
    known_at = np.zeros(len(row), dtype=np.int64)
    return Versions(
        np.insert(newest.row, places, row),
        np.insert(newest.later, places, later),
        np.insert(newest.known_at, places, known_at),
    )


def _write(path: Path, chunks: Iterator[Text]) -> int:
    """Write chunks of columns as one CSV with a header; the number of rows. One chunk of text is in memory."""
    rows = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for columns in chunks:
            if file.tell() == 0:
                writer.writerow(columns)
            values = [column.tolist() for column in columns.values()]
            writer.writerows(zip(*values, strict=True))
            rows += len(values[0])
    return rows


def _digits(probabilities: Array) -> Array:
    return np.char.mod("%.6f", probabilities)
