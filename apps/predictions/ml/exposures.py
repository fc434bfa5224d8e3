"""Who was reached: a mail, a call or an intervention changes what happens next, so such rows teach nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from apps.predictions.ml.asof import Mask, Timeline
from apps.predictions.ml.frames import DAY, Frames

UNTREATED_DAYS = 30


def untreated(frames: Frames, questions: pd.DataFrame) -> Mask:
    """True where nothing reached the tutor from 30 days before ``as_of`` until the session ended."""
    reached = frames.exposures
    tutor = reached["tutor_id"].to_numpy(dtype="int64")
    at = reached["reached_at"].to_numpy(dtype="int64")
    line = Timeline(tutor, at)
    asked = questions["tutor_id"].to_numpy()
    until = line.count(asked, questions["end"].to_numpy())
    before = line.count(asked, questions["as_of"].to_numpy() - UNTREATED_DAYS * DAY - 1)
    return np.asarray(until == before)
