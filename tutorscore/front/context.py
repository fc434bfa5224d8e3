"""What the shell around every page shows: where one is, what waits, how fresh the figures are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.alerts.session_selectors import troubled_count, waiting_count
from apps.predictions.score_selectors import tutor_count
from tutorscore.accounts.models import Partner
from tutorscore.front.freshness import Freshness, freshness
from tutorscore.front.partners import chosen_partner, visible_partners
from tutorscore.front.queue import CAPACITY

THEME_COOKIE = "theme"
THEMES = (("", "System"), ("light", "Light"), ("dark", "Dark"))


def shell(request: HttpRequest) -> dict[str, Any]:
    """Costs nothing until a template asks, so that mails and the admin pay nothing for it."""
    return {"shell": Shell(request)}


@dataclass(frozen=True)
class Entry:
    words: str
    route: str
    below: tuple[str, ...]
    count: int | None
    here: str

    @property
    def href(self) -> str:
        return reverse(self.route)

    @property
    def is_page(self) -> bool:
        return self.here == self.route

    @property
    def is_here(self) -> bool:
        return self.is_page or self.here in self.below


class Group(NamedTuple):
    title: str
    entries: Sequence[Entry]


class Shell:
    themes = THEMES

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def theme(self) -> str:
        chosen = self._request.COOKIES.get(THEME_COOKIE, "")
        return chosen if chosen in dict(THEMES) else ""

    @cached_property
    def partners(self) -> list[Partner]:
        return visible_partners(self._request)

    @cached_property
    def partner(self) -> Partner | None:
        return chosen_partner(self._request)

    @cached_property
    def fresh(self) -> Freshness:
        return freshness(self._request)

    @cached_property
    def navigation(self) -> list[Group]:
        match = self._request.resolver_match
        here = match.view_name if match else ""
        waiting, tutors, troubled = self._counts()
        groups = [
            Group("Work", [Entry("Today", "today", ("alert",), waiting, here)]),
            Group(
                "People",
                [
                    Entry("Tutors", "tutors", ("tutor",), tutors, here),
                    Entry("Upcoming sessions", "upcoming", ("session",), None, here),
                ],
            ),
            Group("Plumbing", [Entry("Outbox", "outbox", ("delivery",), troubled, here)]),
        ]
        if self._request.user.may_manage:  # type: ignore[union-attr]
            groups.append(Group("House", [Entry("Admin", "admin:index", (), None, here)]))
        return groups

    def _counts(self) -> tuple[int | None, int | None, int | None]:
        """What waits today, how many tutors there are, which mails need a person; nothing to say is left out."""
        partner, user = self.partner, self._request.user
        if partner is None or not user.is_authenticated:
            return None, None, None
        waiting = waiting_count(partner, user, timezone.now())
        return min(waiting, CAPACITY) or None, tutor_count(partner), troubled_count(partner) or None
