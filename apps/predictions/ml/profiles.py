"""Profiles as they were known: the form with the latest ``known_from`` at or before a moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from apps.predictions.ml.asof import Floats, Ints, Mask, Timeline


class Profiles:
    """One kind of profile (tutors or students), searchable by person and moment."""

    def __init__(self, table: pd.DataFrame, key: str) -> None:
        self.table = table
        self._line = Timeline(table[key].to_numpy(dtype=np.int64), table["known_from"].to_numpy(dtype=np.int64))

    def at(self, person: Ints, moment: Ints) -> Known:
        """The profile of each person at each moment."""
        every = np.arange(len(self.table), dtype=np.int64)
        return Known(self.table, self._line.latest(every, person, moment, -1))


@dataclass(frozen=True)
class Known:
    """Rows of a profile table, -1 where nothing was known."""

    table: pd.DataFrame
    row: Ints

    def numbers(self, name: str) -> Floats:
        """A numeric column, NaN where unknown."""
        column = np.append(self.table[name].to_numpy(dtype=np.float64), np.nan)
        return column[self.row]

    def times(self, name: str, unknown: int) -> Ints:
        """A column of microseconds, ``unknown`` where nothing was known."""
        return np.append(self.table[name].to_numpy(dtype=np.int64), np.int64(unknown))[self.row]

    def texts(self, name: str) -> NDArray[np.object_]:
        """A text column, "" where unknown."""
        column = np.append(self.table[name].to_numpy(dtype=object), "")
        return column[self.row]

    def contains(self, name: str, wanted: Ints) -> Floats:
        """1 where the tuple column holds the wanted id, 0 where it does not, NaN where no profile was known."""
        held = [(row, item) for row, items in enumerate(self.table[name]) for item in items]
        keys = np.array(held, dtype=np.int64).reshape(-1, 2)
        codes = np.sort(keys[:, 0] * 2**31 + keys[:, 1])
        found = _among(self.row * 2**31 + wanted, codes)
        return np.where(self.row < 0, np.nan, found.astype(np.float64))


def _among(values: Ints, sorted_codes: Ints) -> Mask:
    if not len(sorted_codes):
        return np.zeros(len(values), dtype=bool)
    place = np.minimum(np.searchsorted(sorted_codes, values), len(sorted_codes) - 1)
    return np.asarray(sorted_codes[place] == values)
