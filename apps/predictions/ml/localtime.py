"""Wall-clock time where people live."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from apps.predictions.ml.asof import Ints
from apps.predictions.ml.frames import DAY, HOUR

_QUARTER = 15 * HOUR // 60


def wall_clock(moment: Ints, zones: NDArray[np.object_]) -> Ints:
    """Local time of each UTC moment as microseconds since 1970-01-01 on that zone's own clock; "" means UTC."""
    return moment + offset(moment, zones)


def offset(moment: Ints, zones: NDArray[np.object_]) -> Ints:
    """Microseconds each zone is ahead of UTC at each moment; "" means UTC."""
    names, code = np.unique(np.asarray(zones, dtype=str), return_inverse=True)
    ahead = np.zeros(len(moment), dtype=np.int64)
    for number, name in enumerate(names):
        if name in ("", "UTC"):
            continue
        rows = np.flatnonzero(code == number)
        slots, back = np.unique(moment[rows] // _QUARTER, return_inverse=True)
        ahead[rows] = _offsets(str(name), slots)[back]
    return ahead


def weekday(local: Ints) -> Ints:
    """0 for Monday to 6 for Sunday."""
    return (local // DAY + 3) % 7


def hour_of_day(local: Ints) -> NDArray[np.float64]:
    """Hours since local midnight, with fractions."""
    return (local % DAY) / HOUR


def _offsets(zone: str, slots: Ints) -> Ints:
    utc = pd.DatetimeIndex((slots * _QUARTER).astype("datetime64[us]"), tz="UTC")
    local = utc.tz_convert(_zone(zone)).tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    return np.asarray(local - slots * _QUARTER, dtype=np.int64)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
