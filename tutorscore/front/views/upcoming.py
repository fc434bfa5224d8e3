"""Coming sessions: which are at risk, and what has been done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from apps.predictions.filters import ANY, RISKY, UpcomingFilter
from apps.predictions.ml.targets import TARGETS
from apps.predictions.risk_selectors import champions, sessions_at_risk, severity_counts
from apps.sessions.models import TutoringSession
from apps.sessions.timetable_selectors import session_with_facts
from tutorscore.accounts.models import Partner
from tutorscore.front.paging import page_of
from tutorscore.front.partners import StaffRequest, partner_page
from tutorscore.front.ready_views import ReadyView, ready_views
from tutorscore.front.session_page import session_page
from tutorscore.front.upcoming_rows import by_part_of_day, questions, upcoming_rows

DAYS = (1, 3, 7, 14, 30)


class SpanForm(forms.Form):
    """How far ahead, and which risk decides the level; anything unknown falls back to one day and the worst risk."""

    days = forms.TypedChoiceField(choices=[(str(days), str(days)) for days in DAYS], coerce=int, required=False)
    risk = forms.ChoiceField(
        choices=[("", "Any risk"), *((target.name, target.words) for target in TARGETS.values())], required=False
    )


@partner_page
def upcoming(request: StaffRequest, partner: Partner) -> HttpResponse:
    now = timezone.now()
    span = SpanForm(request.GET)
    asked = span.cleaned_data if span.is_valid() else {}
    days = asked.get("days") or DAYS[0]
    until = now + timedelta(days=days)
    sessions = sessions_at_risk(partner, now, until, asked.get("risk", ""))
    filters = request.GET.copy()
    filters.setdefault("level", RISKY)
    found = UpcomingFilter(filters, sessions)
    counts = severity_counts(sessions, request.user)
    page = page_of(request, found.qs.order_by("scheduled_start", "pk"))
    return render(
        request,
        "upcoming.html",
        {
            "filter": found,
            "span": span,
            "page": page,
            "days": days,
            "all_days": DAYS,
            "until": until,
            "counts": counts,
            "views": _views(request, counts),
            **_rows(list(page.object_list), now),
        },
    )


@partner_page
def session(request: StaffRequest, partner: Partner, pk: int) -> HttpResponse:
    try:
        found = session_with_facts(partner, pk)
    except TutoringSession.DoesNotExist:
        raise Http404 from None
    return render(request, "session.html", session_page(found, timezone.now()))


def _rows(sessions: list[TutoringSession], now: datetime) -> dict[str, Any]:
    standing = champions()
    targets = [name for name in TARGETS if name in standing]
    rows = upcoming_rows(sessions, targets, now)
    asked = questions(standing, [risk for row in rows for risk in row.risks])
    return {"parts": by_part_of_day(rows, now), "questions": asked, "width": 6 + len(asked)}


def _views(request: StaffRequest, counts: dict[str, int]) -> list[ReadyView]:
    """All of them keep the days and the risk that are chosen."""
    views: tuple[tuple[str, dict[str, str], int], ...] = (
        ("Risky", {}, counts["HIGH"] + counts["CRITICAL"]),
        ("First sessions", {"first": "on", "level": ANY}, counts["first"]),
        ("My tutors", {"owner": str(request.user.pk), "level": ANY}, counts["mine"]),
        ("All", {"level": ANY}, counts["all"]),
    )
    return ready_views(request, views, keep=("days", "risk"))
