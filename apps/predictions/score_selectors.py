"""What pages read about tutors and their scores. Scores are facts' conclusions, so tutors know nothing of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.core.cache import cache
from django.db import connection
from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet

from apps.predictions.models import ScoreChange, TutorLevel, TutorScore
from apps.tutors.models import Tutor
from tutorscore.accounts.models import Partner, User

MIDDLE_KEPT_SECONDS = 15 * 60


def tutors_with_scores(partner: Partner) -> QuerySet[Tutor]:
    """Every tutor of a partner who has not left, with score and owner; those never scored come with none."""
    return Tutor.objects.filter(partner=partner, left_at__isnull=True).select_related("score", "owner")


def tutor_count(partner: Partner) -> int:
    return Tutor.objects.filter(partner=partner, left_at__isnull=True).count()


def tutor_with_score(partner: Partner, tutor_id: int) -> Tutor:
    """One tutor, also one who has left. Raises Tutor.DoesNotExist for another partner's."""
    return Tutor.objects.select_related("score__prior", "owner", "partner").get(partner=partner, pk=tutor_id)


def view_counts(partner: Partner, reader: User) -> dict[str, int]:
    """How many tutors stand behind each view of the list, in one query."""
    in_doubt = Q(score__isnull=True) | Q(score__level=TutorLevel.NOT_ENOUGH_DATA)
    return tutors_with_scores(partner).aggregate(
        all=Count("pk"),
        at_risk=Count("pk", filter=Q(score__level=TutorLevel.AT_RISK)),
        needs_attention=Count("pk", filter=Q(score__level=TutorLevel.NEEDS_ATTENTION)),
        moves=Count("pk", filter=Q(score__over_reschedule_limit=True)),
        not_enough_data=Count("pk", filter=in_doubt),
        mine=Count("pk", filter=Q(owner=reader)),
    )


def score_histories(tutor_ids: Iterable[int], since: datetime, until: datetime) -> dict[int, list[ScoreChange]]:
    """Per tutor the score changes in (since, until], oldest first, led by the one that held at ``since``."""
    ids = list(tutor_ids)
    fields = ("pk", "tutor_id", "as_of", "score", "score_low", "score_high", "level")
    held = (
        ScoreChange.objects.filter(tutor_id__in=ids, as_of__lte=since)
        .order_by("tutor_id", "-as_of", "-pk")
        .distinct("tutor_id")
        .only(*fields)
    )
    inside = (
        ScoreChange.objects.filter(tutor_id__in=ids, as_of__gt=since, as_of__lte=until)
        .order_by("tutor_id", "as_of", "pk")
        .only(*fields)
    )
    histories: dict[int, list[ScoreChange]] = {tutor_id: [] for tutor_id in ids}
    for change in (*held, *inside):
        histories[change.tutor_id].append(change)
    return histories


def score_changes(tutor: Tutor, since: datetime, until: datetime) -> list[ScoreChange]:
    """One tutor's changes with drivers and causes in (since, until], led by the one that held at ``since``."""
    changes = ScoreChange.objects.filter(tutor=tutor, as_of__lte=until)
    held = changes.filter(as_of__lte=since).order_by("-as_of", "-pk")[:1]
    inside = changes.filter(as_of__gt=since).order_by("as_of", "pk")
    return [*held, *inside]


def share_below(partner: Partner, score: float) -> float | None:
    """The share of the partner's scored tutors with a lower score, in [0, 1]; none without other tutors."""
    scored = TutorScore.objects.filter(
        tutor__partner=partner, tutor__left_at__isnull=True, score__isnull=False
    ).aggregate(n=Count("pk"), below=Count("pk", filter=Q(score__lt=score)))
    return scored["below"] / (scored["n"] - 1) if scored["n"] > 1 else None


def middle_drivers(partner: Partner) -> dict[str, float]:
    """Points the middle tutor has in each part of the score; kept for a quarter of an hour, medians move slowly."""
    sql = """
        SELECT driver ->> 'key', percentile_cont(0.5) WITHIN GROUP (ORDER BY (driver ->> 'points')::float8)
        FROM predictions_tutorscore AS score
        JOIN tutors_tutor AS tutor ON tutor.id = score.tutor_id,
             jsonb_array_elements(score.drivers) AS driver
        WHERE tutor.partner_id = %s AND tutor.left_at IS NULL AND score.score IS NOT NULL
        GROUP BY 1
    """
    return _kept(f"middle_drivers:{partner.pk}", sql, partner)


def middle_metrics(partner: Partner) -> dict[str, float]:
    """The middle tutor's value of each metric over 90 days, among tutors with enough data; kept as above."""
    sql = """
        SELECT metric.key, percentile_cont(0.5) WITHIN GROUP (ORDER BY (metric.value -> '90d' ->> 'value')::float8)
        FROM predictions_tutorscore AS score
        JOIN tutors_tutor AS tutor ON tutor.id = score.tutor_id,
             jsonb_each(score.metrics) AS metric
        WHERE tutor.partner_id = %s AND tutor.left_at IS NULL AND score.score IS NOT NULL
              AND metric.value -> '90d' ->> 'value' IS NOT NULL
        GROUP BY 1
    """
    return _kept(f"middle_metrics:{partner.pk}", sql, partner)


def _kept(key: str, sql: str, partner: Partner) -> dict[str, float]:
    found: dict[str, float] | None = cache.get(key)
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(sql, [partner.pk])
            found = dict(cursor.fetchall())
        cache.set(key, found, MIDDLE_KEPT_SECONDS)
    return found


def most_changed_tutor(partner: Partner) -> Tutor | None:
    """The tutor in need whose score changed most often: the page that has most to say. None without scores."""
    in_need = (TutorLevel.NEEDS_ATTENTION, TutorLevel.AT_RISK)
    return (
        tutors_with_scores(partner)
        .annotate(
            n_changes=Count("score_changes"), is_in_need=ExpressionWrapper(Q(score__level__in=in_need), BooleanField())
        )
        .order_by("-is_in_need", "-n_changes", "pk")
        .first()
    )
