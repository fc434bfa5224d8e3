"""The list of tutors and the page of one."""

from __future__ import annotations

from typing import NamedTuple

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from apps.predictions.filters import TutorFilter
from apps.predictions.models import TutorLevel
from apps.predictions.score_selectors import tutor_with_score, tutors_with_scores, view_counts
from apps.tutors.models import Tutor
from tutorscore.accounts.models import Partner
from tutorscore.front.paging import page_of
from tutorscore.front.partners import StaffRequest, partner_page
from tutorscore.front.ready_views import ReadyView, ready_views
from tutorscore.front.tutor_page import tutor_page
from tutorscore.front.tutor_rows import last_monday, tutor_rows


@partner_page
def tutors(request: StaffRequest, partner: Partner) -> HttpResponse:
    found = TutorFilter(request.GET, tutors_with_scores(partner), partner=partner)
    page = page_of(request, found.qs)
    now = timezone.now()
    return render(
        request,
        "tutors.html",
        {
            "filter": found,
            "page": page,
            "rows": tutor_rows(list(page.object_list), now),
            "views": _views(request, partner),
            "since": last_monday(now),
            "columns": COLUMNS,
            "sort": found.form.cleaned_data.get("sort") or "score",
        },
    )


@partner_page
def tutor(request: StaffRequest, partner: Partner, pk: int) -> HttpResponse:
    try:
        found = tutor_with_score(partner, pk)
    except Tutor.DoesNotExist:
        raise Http404 from None
    return render(request, "tutor.html", tutor_page(found, timezone.now()))


class Column(NamedTuple):
    """A heading; ``sort`` names what it sorts by, with a minus where the largest should come first."""

    words: str
    below: str = ""
    sort: str = ""
    is_number: bool = False


COLUMNS = (
    Column("Tutor", sort="name"),
    Column("Level"),
    Column("Score", sort="score", is_number=True),
    Column("Likely range", "20 to 100"),
    Column("Change", "since Monday", is_number=True),
    Column("12 weeks"),
    Column("Moved", "90 days", "-moved", is_number=True),
    Column("No-shows", "90 days", is_number=True),
    Column("Rating", "90 days", "rating", is_number=True),
    Column("Good first", "90 days", is_number=True),
    Column("Next session", "owner"),
)


def _views(request: StaffRequest, partner: Partner) -> list[ReadyView]:
    counts = view_counts(partner, request.user)
    views: tuple[tuple[str, dict[str, str], int], ...] = (
        ("All", {}, counts["all"]),
        ("At risk", {"level": TutorLevel.AT_RISK.value}, counts["at_risk"]),
        ("Needs attention", {"level": TutorLevel.NEEDS_ATTENTION.value}, counts["needs_attention"]),
        ("Over 15 % moved", {"badge": "moves", "sort": "-moved"}, counts["moves"]),
        ("Not enough data", {"level": TutorLevel.NOT_ENOUGH_DATA.value}, counts["not_enough_data"]),
        ("My tutors", {"owner": str(request.user.pk)}, counts["mine"]),
    )
    return ready_views(request, views)
