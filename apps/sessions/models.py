"""What happened: students, tutoring sessions, moves, feedback, tutor events, and every former state of them."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.sessions.querysets import OfSessionQuerySet, RejectedRowQuerySet, TutoringSessionQuerySet
from apps.tutors.models import SCALE_1_TO_5, TeachingStyle
from tutorscore.accounts.querysets import OfTutorQuerySet, PartnerQuerySet


class Clock(models.TextChoices):
    """Where ``recorded_at`` of a row comes from; shown on every model card."""

    PARTNER = "partner", "stated by the partner"
    EVENT = "event", "assumed from the event's own time"
    ARRIVAL = "arrival", "the moment it reached us"


class Status(models.TextChoices):
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    NO_SHOW_TUTOR = "no_show_tutor"
    NO_SHOW_STUDENT = "no_show_student"


OPEN_STATUSES = (Status.SCHEDULED, Status.IN_PROGRESS)


class Initiator(models.TextChoices):
    TUTOR = "tutor"
    STUDENT = "student"
    SYSTEM = "system"
    UNKNOWN = "unknown"  # never accepted from outside: a start that changed under one id


class ReasonCode(models.TextChoices):
    PERSONAL = "personal"
    SCHEDULING = "scheduling"
    FAMILY = "family"
    TECHNICAL = "technical"
    HEALTH = "health"
    WORK = "work"
    TRANSPORTATION = "transportation"
    CHILDCARE = "childcare"
    WEATHER = "weather"
    STUDENT_REQUEST = "student_request"
    OTHER = "other"


class Author(models.TextChoices):
    STUDENT = "student"
    TUTOR = "tutor"


class EventKind(models.TextChoices):
    LOGIN = "login"
    MESSAGE_RESPONSE = "message_response"
    TRAINING_COMPLETED = "training_completed"
    LEAVE_START = "leave_start"
    LEAVE_END = "leave_end"


class Recorded(models.Model):
    """The second clock of a fact, and where it comes from."""

    recorded_at = models.DateTimeField(help_text="When the partner's system knew the row in this state.")
    clock = models.CharField(max_length=8, choices=Clock.choices, default=Clock.PARTNER)
    ingested_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        abstract = True


class Student(models.Model):
    """A learner, often a minor: no surname, e-mail or birth date is needed."""

    partner = models.ForeignKey("accounts.Partner", on_delete=models.CASCADE, related_name="students")
    external_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200, blank=True)
    birth_year = models.PositiveSmallIntegerField(null=True, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    locale = models.CharField(max_length=16, blank=True)
    preferred_pace = models.PositiveSmallIntegerField(null=True, blank=True, validators=SCALE_1_TO_5)
    preferred_teaching_style = models.CharField(max_length=16, choices=TeachingStyle.choices, blank=True)
    communication_style_preference = models.PositiveSmallIntegerField(null=True, blank=True, validators=SCALE_1_TO_5)
    urgency_level = models.PositiveSmallIntegerField(null=True, blank=True, validators=SCALE_1_TO_5)
    learning_goals = models.TextField(blank=True)
    previous_tutoring_experience = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Earlier tutors or courses; 0 none"
    )
    previous_satisfaction = models.PositiveSmallIntegerField(null=True, blank=True, validators=SCALE_1_TO_5)
    contact_email = models.EmailField(blank=True)
    guardian_email = models.EmailField(blank=True)
    contact_consent_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField(null=True, blank=True)
    is_stub = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    objects = PartnerQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["partner", "external_id"], name="student_id_once_per_partner"),
        ]
        ordering: ClassVar = ["external_id"]

    def __str__(self) -> str:
        return self.name or self.external_id


class TutoringSession(Recorded):
    """One agreed appointment of a tutor with a student; its start never changes.

    A move ends the row as ``rescheduled``; the replacement is a row of its own. A partner who moves a session under one
    id gets further occurrences of that id: the highest one is the session as it stands.
    """

    partner = models.ForeignKey("accounts.Partner", on_delete=models.CASCADE, related_name="tutoring_sessions")
    external_id = models.CharField(max_length=64)
    occurrence = models.PositiveSmallIntegerField(default=0, db_default=0)
    is_latest = models.BooleanField(default=True, db_default=True, help_text="The occurrence that now stands.")
    tutor = models.ForeignKey("tutors.Tutor", on_delete=models.CASCADE, related_name="tutoring_sessions")
    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="tutoring_sessions")
    subject = models.ForeignKey(
        "tutors.Subject", null=True, blank=True, on_delete=models.SET_NULL, related_name="tutoring_sessions"
    )
    scheduled_start = models.DateTimeField()
    duration_minutes = models.PositiveSmallIntegerField(default=60, help_text="The planned length")
    status = models.CharField(max_length=16, choices=Status.choices)
    booked_at = models.DateTimeField(null=True, blank=True)
    first_known_at = models.DateTimeField(help_text="booked_at, or the first recorded_at where that is missing")
    replaces_external_id = models.CharField(max_length=64, blank=True)
    actual_start = models.DateTimeField(null=True, blank=True)
    actual_end = models.DateTimeField(null=True, blank=True)
    tutor_joined_at = models.DateTimeField(null=True, blank=True)
    student_joined_at = models.DateTimeField(null=True, blank=True)
    technical_issue = models.BooleanField(null=True, blank=True)
    objectives_met = models.BooleanField(null=True, blank=True)
    engagement = models.FloatField(null=True, blank=True, help_text="0 to 100")

    objects = TutoringSessionQuerySet.as_manager()

    class Meta:
        verbose_name = "tutoring session"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["partner", "external_id", "occurrence"], name="session_id_once_per_occurrence"
            ),
            models.UniqueConstraint(
                fields=["partner", "external_id"], condition=Q(is_latest=True), name="one_latest_occurrence"
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="session_status_is_known"),
            models.CheckConstraint(
                condition=Q(duration_minutes__gte=1, duration_minutes__lte=1440), name="session_lasts_up_to_a_day"
            ),
            models.CheckConstraint(
                condition=Q(engagement__isnull=True) | Q(engagement__gte=0, engagement__lte=100),
                name="engagement_is_0_to_100",
            ),
            models.CheckConstraint(
                condition=Q(actual_end__isnull=True)
                | Q(actual_start__isnull=True)
                | Q(actual_end__gte=F("actual_start")),
                name="session_ends_after_it_starts",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tutor", "scheduled_start"], name="session_by_tutor"),
            models.Index(fields=["student", "scheduled_start"], name="session_by_student"),
            models.Index(
                fields=["partner", "scheduled_start"], name="open_session_by_start", condition=Q(status="scheduled")
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class Reschedule(Recorded):
    """A request to move (``new_start``) or cancel (no ``new_start``) one session."""

    session = models.ForeignKey(TutoringSession, on_delete=models.CASCADE, related_name="reschedules")
    initiator = models.CharField(max_length=8, choices=Initiator.choices)
    requested_at = models.DateTimeField()
    original_start = models.DateTimeField(null=True, blank=True)
    new_start = models.DateTimeField(null=True, blank=True)
    reason_code = models.CharField(max_length=16, choices=ReasonCode.choices, blank=True)
    reason = models.TextField(blank=True)
    is_derived = models.BooleanField(
        default=False, db_default=False, help_text="Seen as a changed start under one id; a reschedule row replaces it."
    )

    objects = OfSessionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "requested_at"], name="one_reschedule_per_request"),
            models.CheckConstraint(condition=Q(initiator__in=Initiator.values), name="initiator_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} by {self.initiator}"


class Feedback(Recorded):
    """What one side said about a session; at most one row per author."""

    session = models.ForeignKey(TutoringSession, on_delete=models.CASCADE, related_name="feedback")
    author = models.CharField(max_length=8, choices=Author.choices, default=Author.STUDENT)
    rating = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    submitted_at = models.DateTimeField()
    comment = models.TextField(blank=True)
    would_book_again = models.BooleanField(null=True, blank=True)

    objects = OfSessionQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "feedback"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "author"], name="one_feedback_per_author"),
            models.CheckConstraint(condition=Q(rating__gte=1, rating__lte=5), name="rating_is_1_to_5"),
            models.CheckConstraint(condition=Q(author__in=Author.values), name="author_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id}: {self.rating}"


class TutorEvent(Recorded):
    """What a tutor did outside sessions."""

    tutor = models.ForeignKey("tutors.Tutor", on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    occurred_at = models.DateTimeField()
    value = models.FloatField(null=True, blank=True, help_text="Minutes, for message_response")

    objects = OfTutorQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tutor", "kind", "occurred_at"], name="tutor_event_once"),
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="event_kind_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.tutor_id} {self.kind}"


class Entity(models.TextChoices):
    """The kinds of facts a partner sends; the name of each is also its file and its API path."""

    TUTOR = "tutors"
    STUDENT = "students"
    SESSION = "sessions"
    RESCHEDULE = "reschedules"
    FEEDBACK = "feedback"
    TUTOR_EVENT = "tutor_events"


class FactRevision(models.Model):
    """A former state of a fact: what was known from ``recorded_at`` until ``superseded_at``. Append-only.

    A session's ordinary way from scheduled to its outcome is no revision: the row itself says when each became known.
    """

    partner = models.ForeignKey("accounts.Partner", on_delete=models.CASCADE)
    entity = models.CharField(max_length=16, choices=Entity.choices)
    fact_id = models.BigIntegerField(help_text="Primary key of the fact's row")
    state = models.JSONField(help_text="The row's columns as they were")
    recorded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(help_text="recorded_at of the state that replaced it")
    kept_at = models.DateTimeField(auto_now_add=True, db_default=Now())

    objects = PartnerQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["entity", "fact_id", "recorded_at"], name="one_revision_per_moment"),
        ]
        indexes: ClassVar = [models.Index(fields=["partner", "entity"], name="revision_by_entity")]

    def __str__(self) -> str:
        return f"{self.entity} {self.fact_id}"


class IngestRun(models.Model):
    """One delivery of facts: a folder, an archive or an API call with rejected rows; says what became of each row."""

    partner = models.ForeignKey("accounts.Partner", on_delete=models.CASCADE, related_name="ingest_runs")
    door = models.CharField(max_length=16, help_text="files or api")
    source = models.CharField(max_length=255, help_text="Name of the folder, archive or request")
    assumed_clock = models.CharField(max_length=8, choices=Clock.choices, blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    outcomes = models.JSONField(default=dict, help_text="{entity: {created: n, updated: n, …}}")

    objects = PartnerQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.source} {self.started_at:%Y-%m-%d %H:%M}"


class RejectedRow(models.Model):
    """A row that was not applied, kept whole so that it can be corrected and replayed."""

    partner = models.ForeignKey("accounts.Partner", on_delete=models.CASCADE, related_name="rejected_rows")
    run = models.ForeignKey(IngestRun, null=True, on_delete=models.SET_NULL, related_name="rejected_rows")
    entity = models.CharField(max_length=16, choices=Entity.choices)
    source = models.CharField(max_length=255)
    line = models.PositiveIntegerField(help_text="Line of the file, or position in the request, from 1")
    field = models.CharField(max_length=64, blank=True)
    code = models.CharField(max_length=32)
    message = models.CharField(max_length=500)
    row = models.JSONField()
    fingerprint = models.CharField(max_length=64, help_text="sha256 of source, line and row: a second import adds none")
    rejected_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = RejectedRowQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["partner", "fingerprint"], name="rejected_row_kept_once"),
        ]
        ordering: ClassVar = ["-rejected_at", "line"]

    def __str__(self) -> str:
        return f"{self.source}:{self.line} {self.code}"
