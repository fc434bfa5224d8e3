"""Arms of the preparation experiment: drawn once per tutor, noted for both arms."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from apps.alerts.experiments import CONTROL, DEFAULT_CONTROL_SHARE, draw
from apps.alerts.models import Assignment, Experiment
from apps.predictions.actions.exposures import record_draw
from apps.sessions.models import TutoringSession
from tutorscore.accounts.models import Partner

PREPARATION = "preparation"


def start_experiment(
    *,
    partner: Partner,
    now: datetime,
    control_share: float = DEFAULT_CONTROL_SHARE,
    name: str = PREPARATION,
    salt: str = "",
) -> Experiment:
    """The partner's experiment of that name; made with a salt of its own if it does not exist yet.

    The share of an existing experiment is left as it is: changing it in the middle would bias the read-out.
    """
    experiment, _ = Experiment.objects.get_or_create(
        partner=partner,
        name=name,
        defaults={"salt": salt or secrets.token_hex(8), "control_share": control_share, "started_at": now},
    )
    return experiment


@transaction.atomic
def stop_experiment(*, experiment: Experiment, now: datetime) -> None:
    """End an experiment: from now on everyone eligible is mailed. Arms and draws stay for the read-out."""
    Experiment.objects.filter(pk=experiment.pk, stopped_at=None).update(stopped_at=now)


def assign(*, experiment: Experiment, sessions: Sequence[TutoringSession], now: datetime) -> Mapping[int, str]:
    """The arm of every tutor of these eligible sessions, by tutor id; draws and notes what is missing.

    ``sessions`` come in order of their start: the first one of a tutor becomes the session of the primary read-out.
    Call it in the transaction that opens the deliveries.
    """
    first = {session.tutor_id: session for session in reversed(sessions)}
    known = dict(Assignment.objects.filter(experiment=experiment, tutor_id__in=first).values_list("tutor_id", "arm"))
    new = []
    for tutor_id in first.keys() - known.keys():
        arm, propensity = draw(
            experiment.name, experiment.salt, first[tutor_id].tutor.external_id, experiment.control_share
        )
        new.append(
            Assignment(
                experiment=experiment,
                tutor_id=tutor_id,
                arm=arm,
                propensity=propensity,
                first_session=first[tutor_id],
                eligible_at=now,
            )
        )
    Assignment.objects.bulk_create(sorted(new, key=lambda drawn: drawn.first_session_id))
    if experiment.control_share > 0:
        for session in sessions:
            record_draw(
                tutor_id=session.tutor_id,
                session_id=session.pk,
                experiment=f"{PREPARATION}:{experiment.pk}",
                drawn_at=now,
                untreated_propensity=experiment.control_share,
            )
    return known | {drawn.tutor_id: drawn.arm for drawn in new}


def is_withheld(arm: str | None) -> bool:
    return arm == CONTROL
