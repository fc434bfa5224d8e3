"""A small marketplace around the present: tutors with scores and history, sessions at risk, alerts, mails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.alerts.models import Alert, Delivery
from apps.tutors.models import Tutor
from tests.factories import (
    DecisionFactory,
    DeliveryFactory,
    FeedbackFactory,
    ModelVersionFactory,
    PartnerFactory,
    SessionFactory,
    SubjectFactory,
    TutorFactory,
)
from tests.front.factories import AlertFactory, ScoreChangeFactory, TutorScoreFactory, drivers
from tutorscore.accounts.models import Partner
from tutorscore.front.freshness import RISKS_JOB, SCORES_JOB
from tutorscore.lib.slots import beat

NAMES = ("Dario Quint", "Leila Marchetti", "Jonas Reimers", "Hana Kova")
LEVELS = (("CRITICAL", 0.74), ("HIGH", 0.58), ("MEDIUM", 0.35), ("LOW", 0.12))


@dataclass
class World:
    partner: Partner
    tutor: Tutor
    alerts: list[Alert]
    sent: Delivery


def make_world(now: datetime) -> World:
    partner = PartnerFactory(slug="demo", name="Demo marketplace")
    SubjectFactory(partner=partner)
    model = ModelVersionFactory()
    tutors, alerts, mails = [], [], []
    for place, (name, (level, probability)) in enumerate(zip(NAMES, LEVELS, strict=True)):
        tutor = TutorFactory(partner=partner, name=name, subjects=["mathematics"])
        tutors.append(tutor)
        _score(tutor, now, points=place)
        held = SessionFactory(tutor=tutor, status="completed", scheduled_start=now - timedelta(days=place + 1))
        FeedbackFactory(session=held, rating=4)
        ahead = SessionFactory(
            tutor=tutor, scheduled_start=now + timedelta(hours=5 + place), booked_at=now - timedelta(days=2)
        )
        decision = DecisionFactory(
            session=ahead, level=level, probability=probability, model_version=model, as_of=now - timedelta(hours=1)
        )
        mails.append(_mail(ahead, decision, now, is_sent=place == 0))
        if level in ("CRITICAL", "HIGH"):
            alerts.append(_alert(ahead, level, probability, now))
    TutorScoreFactory(
        tutor=TutorFactory(partner=partner, name="Wanjiru Odera"), score=None, level="not_enough_data", drivers=[]
    )
    for job in (SCORES_JOB, RISKS_JOB):
        beat(job, {}, now=now)
    return World(partner, tutors[0], alerts, mails[0])


def _score(tutor: Tutor, now: datetime, points: int) -> None:
    parts = drivers(14 + points, 12, 8 + points, 9, 5)
    score = sum(part["points"] for part in parts)
    around = {"score": score, "score_low": score - 5, "score_high": score + 5}
    TutorScoreFactory(tutor=tutor, as_of=now, drivers=parts, **around)
    for weeks in range(12, 1, -1):
        ScoreChangeFactory(
            tutor=tutor,
            as_of=now - timedelta(weeks=weeks),
            score=score + weeks,
            score_low=score + weeks - 5,
            score_high=score + weeks + 5,
            cause="weights" if weeks == 6 else "facts",
        )
    ScoreChangeFactory(tutor=tutor, as_of=now - timedelta(days=1), drivers=parts, **around)


def _mail(session, decision, now, *, is_sent):
    sent = {
        "state": "sent",
        "sent_at": now - timedelta(hours=2),
        "subject": "Elif’s first session with you",
        "text_body": "Hello",
        "html_body": "<!doctype html><html lang='en'><title>Mail</title><body><h1>Hello</h1></body></html>",
    }
    return DeliveryFactory(
        session=session,
        prediction=decision,
        not_before=now,
        decided_at=now - timedelta(hours=3),
        **(sent if is_sent else {}),
    )


def _alert(session, level, probability, now):
    return AlertFactory(
        tutor=session.tutor,
        session=session,
        rule="first_session_at_risk",
        condition=f"first_session_at_risk:{session.pk}",
        urgency=level.lower(),
        title=f"First session of {session.tutor} with {session.student}",
        reason=f"{round(100 * probability)} of 100 first sessions like this one end rated below 3 of 5.",
        next_step="Call the tutor and agree how the hour begins.",
        evidence={"probability": probability, "level": level},
        opened_at=now - timedelta(hours=2),
        due_at=session.scheduled_start - timedelta(hours=2),
    )
