"""Changing the future: every row known at or after a moment becomes something else, or goes, or is joined by more."""

from __future__ import annotations

import numpy as np
import pandas as pd

from apps.predictions.ml.frames import DAY, HOUR, NEVER, Frames

_KNOWN = {"sessions": "known_at"}


def changed_from(frames: Frames, moment: int, seed: int = 0) -> Frames:
    """``frames`` with every row known at or after ``moment`` altered; what was known before is untouched.

    Rows known before but corrected later keep their content, while the moment of the correction moves.
    """
    rng = np.random.default_rng(seed)
    tables = {name: _changed(name, getattr(frames, name), moment, rng) for name in Frames.__dataclass_fields__}
    return Frames(**tables)


def known_before(frames: Frames, moment: int) -> Frames:
    """``frames`` as a load just before ``moment`` would have given them."""
    tables = {}
    for name in Frames.__dataclass_fields__:
        table = getattr(frames, name)
        if name != "exposures":
            table = table[table[_KNOWN.get(name, "known_from")] < moment].reset_index(drop=True)
        if "known_to" in table.columns:
            table = table.assign(known_to=np.where(table.known_to < moment, table.known_to, NEVER))
        tables[name] = table
    return Frames(**tables)


def _changed(name: str, table: pd.DataFrame, moment: int, rng: np.random.Generator) -> pd.DataFrame:
    if name == "exposures":
        return table
    table = table.copy()
    column = _KNOWN.get(name, "known_from")
    late = (table[column] >= moment).to_numpy()
    if "known_to" in table.columns:
        corrected = (table["known_to"] >= moment).to_numpy()
        table.loc[corrected, "known_to"] = moment + rng.integers(0, 90 * DAY, int(corrected.sum()))
        table.loc[late, "known_to"] = NEVER
    late_rows = _other(name, table[late], rng)
    kept = late_rows[rng.random(len(late_rows)) < 0.7]
    return pd.concat([table[~late], kept, _doubled(name, kept)], ignore_index=True)


def _other(name: str, rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows, size = rows.copy(), len(rows)
    known = rows[_KNOWN.get(name, "known_from")].to_numpy()
    earlier = known - rng.integers(0, 60 * DAY, size)
    replacements: dict[str, object] = {
        "status": rng.integers(2, 7, size).astype("int8"),
        "initiator": rng.integers(0, 4, size).astype("int8"),
        "rating": rng.integers(1, 6, size).astype(float),
        "late_seconds": rng.uniform(0, 5_000, size),
        "early_end_seconds": rng.uniform(0, 5_000, size),
        "objectives_met": rng.integers(0, 2, size).astype(float),
        "engagement": rng.uniform(0, 100, size),
        "requested_at": earlier,
        "submitted_at": earlier,
        "occurred_at": earlier,
        "value": rng.uniform(0, 900, size),
        "timezone": np.full(size, "Pacific/Auckland", dtype=object),
        "experience_years": rng.uniform(0, 40, size),
        "preferred_pace": rng.integers(1, 6, size).astype(float),
        "birth_year": rng.integers(1940, 2020, size).astype(float),
    }
    for column, values in replacements.items():
        if column in rows.columns:
            rows[column] = values
    if name == "sessions":
        rows["start"] += 3 * HOUR
        rows["end"] += 9 * HOUR
        rows["subject_id"] = rng.integers(1, 6, size)
    return rows


def _doubled(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """A second copy of late facts; a session or a profile exists once."""
    return rows.iloc[:0] if name in {"sessions", "tutors", "students"} else rows.iloc[::2]
