"""Filters over tutors and coming sessions that pages, the API and exports share."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy

from apps.predictions.models import RiskLevel, TutorLevel
from apps.predictions.risk_selectors import SEVERITY
from apps.sessions.models import TutoringSession
from apps.tutors.models import Subject, Tutor
from tutorscore.accounts.models import Partner, User

BADGES = (("moves", "Over 15 % moved"),)

# What a list can be sorted by. Tutors without the value come last in both directions.
SORTS: dict[str, str] = {
    "name": "name",
    "score": "score__score",
    "moved": "score__reschedule_rate_90d",
    "rating": "score__rating_90d",
    "sessions": "score__sessions_90d",
}


class TutorFilter(django_filters.FilterSet):
    """``q`` looks into name, external id and subjects; ``sort`` is a key of SORTS, with a minus for descending."""

    q = django_filters.CharFilter(method="search", widget=forms.TextInput)
    level = django_filters.ChoiceFilter(choices=TutorLevel.choices, method="at_level")
    badge = django_filters.ChoiceFilter(choices=BADGES, method="with_badge")
    subject = django_filters.ChoiceFilter(choices=(), method="teaching")
    owner = django_filters.ChoiceFilter(choices=(), method="owned_by")
    sort = django_filters.ChoiceFilter(
        choices=[(sign + name, sign + name) for name in SORTS for sign in ("", "-")], method="sorted_by"
    )

    class Meta:
        model = Tutor
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, partner: Partner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Subject.objects.filter(partner=partner).values_list("name", flat=True)
        self.filters["subject"].extra["choices"] = [(name, name.capitalize()) for name in names]
        self.filters["owner"].extra["choices"] = owner_choices()

    def filter_queryset(self, queryset: QuerySet[Tutor]) -> QuerySet[Tutor]:
        found: QuerySet[Tutor] = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("sort") else found.order_by(*_order("score"))

    def search(self, queryset: QuerySet[Tutor], name: str, value: str) -> QuerySet[Tutor]:
        return queryset.filter(
            Q(name__icontains=value) | Q(external_id__iexact=value) | Q(subjects__contains=[value.lower()])
        )

    def at_level(self, queryset: QuerySet[Tutor], name: str, value: str) -> QuerySet[Tutor]:
        unscored = Q(score__isnull=True) if value == TutorLevel.NOT_ENOUGH_DATA else Q()
        return queryset.filter(Q(score__level=value) | unscored if unscored else Q(score__level=value))

    def with_badge(self, queryset: QuerySet[Tutor], name: str, value: str) -> QuerySet[Tutor]:
        return queryset.filter(score__over_reschedule_limit=True)

    def teaching(self, queryset: QuerySet[Tutor], name: str, value: str) -> QuerySet[Tutor]:
        return queryset.filter(subjects__contains=[value])

    def owned_by(self, queryset: QuerySet[Tutor], name: str, value: str) -> QuerySet[Tutor]:
        return queryset.filter(owner__isnull=True) if value == "none" else queryset.filter(owner_id=int(value))

    def sorted_by(self, queryset: QuerySet[Tutor], name: str, value: str) -> QuerySet[Tutor]:
        return queryset.order_by(*_order(value))


ANY, RISKY, UNASKED = "any", "risky", "none"
LEVELS = (
    (RISKY, "Critical and high"),
    *((level.lower(), words) for level, words in reversed(RiskLevel.choices)),
    (UNASKED, "Not asked yet"),
    (ANY, "Every level"),
)


class UpcomingFilter(django_filters.FilterSet):
    """Coming sessions that carry ``severity`` and ``is_first``. Unasked for, it shows what is critical or high."""

    q = django_filters.CharFilter(method="search")
    level = django_filters.ChoiceFilter(choices=LEVELS, method="at_level")
    first = django_filters.ChoiceFilter(choices=(("on", "First sessions only"),), method="first_only")
    owner = django_filters.ChoiceFilter(choices=(), method="owned_by")

    class Meta:
        model = TutoringSession
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["owner"].extra["choices"] = owner_choices()

    def search(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(
            Q(tutor__name__icontains=value)
            | Q(student__name__icontains=value)
            | Q(subject__name__icontains=value)
            | Q(external_id__iexact=value)
        )

    def at_level(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == ANY:
            return queryset
        if value == UNASKED:
            return queryset.filter(severity__isnull=True)
        if value == RISKY:
            return queryset.filter(severity__gte=SEVERITY[RiskLevel.HIGH])
        return queryset.filter(severity=SEVERITY[RiskLevel(value.upper())])

    def first_only(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(is_first=True)

    def owned_by(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return (
            queryset.filter(tutor__owner__isnull=True)
            if value == "none"
            else queryset.filter(tutor__owner_id=int(value))
        )


def owner_choices() -> list[tuple[str, str]]:
    """Everyone a tutor may belong to, and nobody."""
    staff = User.objects.filter(is_active=True).order_by("first_name", "username")
    return [("none", "No owner"), *((str(user.pk), user.get_full_name() or user.username) for user in staff)]


def _order(sort: str) -> list[OrderBy | str]:
    column = F(SORTS[sort.removeprefix("-")])
    first = column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)
    return [first, "name", "pk"]
