"""Objects for tests: valid rows with as few words as possible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import factory

from apps.alerts.models import Delivery
from apps.predictions.models import ModelVersion, Prediction
from apps.sessions.models import Feedback, Reschedule, Student, TutoringSession
from apps.tutors.models import Subject, Tutor
from tutorscore.accounts.models import Partner, Role, User

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday


class PartnerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Partner

    slug = factory.Sequence(lambda n: f"partner-{n}")
    name = factory.LazyAttribute(lambda partner: partner.slug.title())


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@tutorscore.example")
    role = Role.SUPPORT_STAFF


class SubjectFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Subject
        django_get_or_create = ("partner", "name")

    partner = factory.SubFactory(PartnerFactory)
    name = "mathematics"


class TutorFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Tutor

    partner = factory.SubFactory(PartnerFactory)
    external_id = factory.Sequence(lambda n: f"t{n}")
    name = factory.Sequence(lambda n: f"Tutor {n}")
    email = factory.LazyAttribute(lambda tutor: f"{tutor.external_id}@tutors.example")
    timezone = "Europe/Berlin"
    onboarded_at = NOON - timedelta(days=400)
    recorded_at = NOON - timedelta(days=400)


class StudentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Student

    partner = factory.SubFactory(PartnerFactory)
    external_id = factory.Sequence(lambda n: f"s{n}")
    name = "Elif"
    recorded_at = NOON - timedelta(days=400)


class SessionFactory(factory.django.DjangoModelFactory):
    """A session booked a week ahead; pass ``status`` and ``recorded_at`` for one that has ended."""

    class Meta:
        model = TutoringSession

    tutor = factory.SubFactory(TutorFactory)
    partner = factory.SelfAttribute("tutor.partner")
    student = factory.SubFactory(StudentFactory, partner=factory.SelfAttribute("..tutor.partner"))
    subject = factory.SubFactory(SubjectFactory, partner=factory.SelfAttribute("..tutor.partner"))
    external_id = factory.Sequence(lambda n: f"x{n}")
    scheduled_start = NOON
    duration_minutes = 60
    status = "scheduled"
    booked_at = factory.LazyAttribute(lambda session: session.scheduled_start - timedelta(days=7))
    first_known_at = factory.LazyAttribute(lambda session: session.booked_at or session.recorded_at)
    recorded_at = factory.LazyAttribute(
        lambda session: (
            session.booked_at
            if session.status == "scheduled"
            else session.scheduled_start + timedelta(minutes=session.duration_minutes + 60)
        )
    )


class RescheduleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Reschedule

    session = factory.SubFactory(SessionFactory, status="rescheduled")
    initiator = "tutor"
    requested_at = factory.LazyAttribute(lambda move: move.session.scheduled_start - timedelta(hours=30))
    recorded_at = factory.LazyAttribute(lambda move: move.requested_at)


class FeedbackFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Feedback

    session = factory.SubFactory(SessionFactory, status="completed")
    author = "student"
    rating = 5
    submitted_at = factory.LazyAttribute(lambda said: said.session.scheduled_start + timedelta(hours=3))
    recorded_at = factory.LazyAttribute(lambda said: said.submitted_at)


class ModelVersionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ModelVersion

    target = "first_session_poor"
    version = factory.Sequence(lambda n: n + 1)
    standing = "champion"
    basis = "model"
    folder = factory.LazyAttribute(lambda model: f"{model.target}/{model.version}")
    manifest_sha256 = "0" * 64
    trained_until = NOON - timedelta(days=14)
    policy = factory.LazyFunction(lambda: {"kind": "top_share", "share": 0.15, "threshold": 0.3})


class PredictionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Prediction

    session = factory.SubFactory(SessionFactory)
    tutor = factory.SelfAttribute("session.tutor")
    target = "first_session_poor"
    as_of = factory.LazyAttribute(lambda said: said.session.scheduled_start - timedelta(hours=24))
    hours_ahead = 24.0
    probability = 0.42
    level = "MEDIUM"
    basis = "model"
    model_version = factory.SubFactory(ModelVersionFactory, target=factory.SelfAttribute("..target"))


class DecisionFactory(PredictionFactory):
    """The decision to send a preparation mail about a first session."""

    is_decision = True
    should_send_alert = True
    model_version = factory.SubFactory(ModelVersionFactory, standing="retired")
    reasons = factory.LazyFunction(
        lambda: {
            "base": -1.9,
            "usual": 0.13,
            "logit": -0.32,
            "reasons": [
                {"group": "ratings", "words": "Rated 3.4 over 12 sessions", "contribution": 0.9, "features": [{}]},
                {"group": "moves", "words": "Moved 9 of 40 sessions", "contribution": 0.5, "features": [{}]},
                {"group": "timing", "words": "Late in the evening", "contribution": 0.3, "features": [{}]},
                {"group": "experience", "words": "400 days with us", "contribution": -0.2, "features": [{}]},
                {"group": "other", "words": "Everything else", "contribution": 0.08, "features": []},
            ],
        }
    )


class DeliveryFactory(factory.django.DjangoModelFactory):
    """A preparation mail that is due at noon for a session eight hours later."""

    class Meta:
        model = Delivery

    session = factory.SubFactory(SessionFactory, scheduled_start=NOON + timedelta(hours=8))
    tutor = factory.SelfAttribute("session.tutor")
    partner = factory.SelfAttribute("session.partner")
    prediction = factory.SubFactory(DecisionFactory, session=factory.SelfAttribute("..session"))
    dedupe_key = factory.LazyAttribute(lambda delivery: f"prep:{delivery.partner.pk}:{delivery.session.pk}")
    kind = "preparation"
    recipient = factory.LazyAttribute(lambda delivery: delivery.tutor.email)
    not_before = NOON
    expires_at = factory.LazyAttribute(lambda delivery: delivery.session.scheduled_start - timedelta(hours=2))
    context = factory.LazyFunction(lambda: {"reasons": ["ratings"], "tips": ["check_understanding", "end_with_plan"]})
    decided_at = NOON
