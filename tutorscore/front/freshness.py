"""The line that says how old the figures on a page are, and whether newer ones came in since it was opened.

The line is asked for again every 30 seconds. It answers "nothing changed" until it would read differently, and it never
touches the rows of the page: whoever reads decides when to see newer ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from apps.alerts.actions.hour import JOB as RISKS_JOB
from apps.predictions.actions.scores import DRAIN_JOB as SCORES_JOB
from tutorscore.front.formats import stamp
from tutorscore.lib.selectors import last_beats

# Missing two beats in a row is no longer chance.
SCORES_STALE_AFTER = timedelta(minutes=5)
RISKS_STALE_AFTER = timedelta(hours=2, minutes=15)


@dataclass(frozen=True)
class Freshness:
    """``opened`` is the state of the figures when the page was rendered, ``state`` the present one."""

    scores_at: datetime | None
    risks_at: datetime | None
    now: datetime
    opened: str
    page: str

    @property
    def state(self) -> str:
        """Changes when newer risks came in."""
        return f"{self.risks_at:%Y%m%d%H%M%S}" if self.risks_at else "none"

    @property
    def has_news(self) -> bool:
        return self.opened != self.state

    @property
    def is_stale(self) -> bool:
        return _is_old(self.scores_at, SCORES_STALE_AFTER, self.now) or _is_old(
            self.risks_at, RISKS_STALE_AFTER, self.now
        )

    @property
    def words(self) -> str:
        scores = f"Scores as of {stamp(self.scores_at, self.now)}" if self.scores_at else "Not scored yet"
        risks = f"risks of {stamp(self.risks_at, self.now)}" if self.risks_at else "no risks yet"
        ending = ". Newer facts are not in them yet" if self.is_stale else ""
        return f"{scores}, {risks}{ending}".replace("Today ", "")

    @property
    def seen(self) -> str:
        """What the reader was last shown; the line is sent again only when it would read differently."""
        return f"{self.words}|{self.has_news}"

    @property
    def href(self) -> str:
        query = {"opened": self.opened, "seen": self.seen, "page": self.page}
        return f"{reverse('fresh')}?{urlencode(query)}"


def freshness(request: HttpRequest, *, opened: str | None = None, page: str | None = None) -> Freshness:
    """Without ``opened`` the page is being rendered now."""
    beats = last_beats((SCORES_JOB, RISKS_JOB))
    found = Freshness(
        scores_at=beats.get(SCORES_JOB),
        risks_at=beats.get(RISKS_JOB),
        now=timezone.now(),
        opened=opened or "",
        page=page or request.get_full_path(),
    )
    return found if opened else Freshness(found.scores_at, found.risks_at, found.now, found.state, found.page)


def _is_old(at: datetime | None, limit: timedelta, now: datetime) -> bool:
    return at is not None and now - at > limit
