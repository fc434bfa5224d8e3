"""Who must know, and did it help: alerts, deliveries, what tutors answer, experiments."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Alert(models.Model):
    """One condition that needs a person; opened and resolved by rules, worked on by staff."""

    class State(models.TextChoices):
        NEW = "new", "New"
        ACKNOWLEDGED = "acknowledged", "Taken"
        SNOOZED = "snoozed", "Snoozed"
        RESOLVED = "resolved", "Resolved"

    class Urgency(models.TextChoices):
        CRITICAL = "critical", "Critical"
        HIGH = "high", "High"
        MEDIUM = "medium", "Medium"

    partner = models.ForeignKey("accounts.Partner", on_delete=models.CASCADE, related_name="alerts")
    rule = models.CharField(max_length=64)
    tutor = models.ForeignKey("tutors.Tutor", null=True, on_delete=models.CASCADE, related_name="alerts")
    session = models.ForeignKey(
        "tutoring_sessions.TutoringSession", null=True, blank=True, on_delete=models.CASCADE, related_name="alerts"
    )
    condition = models.CharField(max_length=200, help_text="What it is about; one open alert per condition")
    state = models.CharField(max_length=16, choices=State.choices, default=State.NEW)
    urgency = models.CharField(max_length=8, choices=Urgency.choices)
    title = models.CharField(max_length=200)
    reason = models.CharField(max_length=300)
    next_step = models.CharField(max_length=200)
    evidence = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=200, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="alerts"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["partner", "condition"], condition=~Q(state="resolved"), name="one_open_alert_per_condition"
            ),
            models.CheckConstraint(
                condition=Q(state="resolved", resolved_at__isnull=False)
                | (~Q(state="resolved") & Q(resolved_at__isnull=True)),
                name="resolved_alert_has_a_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["partner", "due_at"], name="open_alert_by_due", condition=~Q(state="resolved")),
        ]
        ordering: ClassVar = ["-opened_at"]

    def __str__(self) -> str:
        return self.title


class AlertEvent(models.Model):
    """What happened to an alert, by whom; nobody where a rule did it. Append-only."""

    class Kind(models.TextChoices):
        OPENED = "opened", "Opened"
        WORSENED = "worsened", "Got worse"
        ACKNOWLEDGED = "acknowledged", "Taken"
        SNOOZED = "snoozed", "Snoozed"
        WOKEN = "woken", "Snooze ended"
        RESOLVED = "resolved", "Resolved"
        REOPENED = "reopened", "Reopened"

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    happened_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["happened_at", "pk"]

    def __str__(self) -> str:
        return f"{self.alert_id} {self.kind}"


class Experiment(models.Model):
    """A randomised control share among tutors who would be mailed; the tutor is the unit."""

    partner = models.ForeignKey("accounts.Partner", on_delete=models.CASCADE, related_name="experiments")
    name = models.CharField(max_length=64)
    salt = models.CharField(max_length=64)
    control_share = models.FloatField(help_text="Probability of the control arm")
    started_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["partner", "name"], name="experiment_name_once_per_partner"),
            models.CheckConstraint(
                condition=Q(control_share__gte=0, control_share__lt=1), name="control_share_is_0_to_1"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Assignment(models.Model):
    """A tutor's arm, drawn by hash when first eligible; eligibility is logged for both arms. Append-only."""

    class Arm(models.TextChoices):
        MAIL = "mail", "Mail"
        CONTROL = "control", "Control"

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="assignments")
    tutor = models.ForeignKey("tutors.Tutor", on_delete=models.CASCADE, related_name="assignments")
    arm = models.CharField(max_length=8, choices=Arm.choices)
    propensity = models.FloatField(help_text="Probability of the arm drawn")
    first_session = models.ForeignKey(
        "tutoring_sessions.TutoringSession", on_delete=models.CASCADE, related_name="assignments"
    )
    eligible_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["experiment", "tutor"], name="one_arm_per_tutor"),
            models.CheckConstraint(condition=Q(propensity__gt=0, propensity__lte=1), name="arm_propensity_is_0_to_1"),
        ]

    def __str__(self) -> str:
        return f"{self.tutor_id}: {self.arm}"


class Delivery(models.Model):
    """A message that must arrive once. The row is the queue; a worker claims it by conditional update."""

    class State(models.TextChoices):
        DUE = "due", "Due"
        CLAIMED = "claimed", "Claimed"
        HANDING = "handing", "Being handed over"
        SENT = "sent", "Sent"
        RETRY = "retry", "Will be tried again"
        DEAD = "dead", "Given up"
        UNCERTAIN = "uncertain", "Needs a person"
        WITHHELD = "withheld", "Withheld (control)"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Too late"
        SUPPRESSED = "suppressed", "Suppressed"

    class Kind(models.TextChoices):
        PREPARATION = "preparation", "Preparation mail to the tutor"

    partner = models.ForeignKey("accounts.Partner", on_delete=models.CASCADE, related_name="deliveries")
    dedupe_key = models.CharField(max_length=200, unique=True)
    public_id = models.UUIDField(
        default=uuid.uuid4, unique=True, editable=False, help_text="Idempotency key, Message-ID"
    )
    kind = models.CharField(max_length=32, choices=Kind.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.DUE)
    tutor = models.ForeignKey("tutors.Tutor", null=True, on_delete=models.CASCADE, related_name="deliveries")
    session = models.ForeignKey(
        "tutoring_sessions.TutoringSession", null=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    prediction = models.ForeignKey(
        "predictions.Prediction", null=True, on_delete=models.SET_NULL, related_name="deliveries"
    )
    recipient = models.EmailField(blank=True)
    not_before = models.DateTimeField(help_text="Earliest moment, in the recipient's daytime")
    expires_at = models.DateTimeField(help_text="Too late after this")
    context = models.JSONField(
        default=dict, help_text="What was decided: tips, reasons; the mail is written at send time"
    )
    subject = models.CharField(max_length=200, blank=True)
    text_body = models.TextField(blank=True)
    html_body = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    claim_token = models.UUIDField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    provider_message_id = models.CharField(max_length=200, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    note = models.CharField(max_length=200, blank=True, help_text="Why it ended as it did, e.g. late_booking")
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    decided_at = models.DateTimeField(help_text="When the policy decided")
    handed_at = models.DateTimeField(null=True, blank=True, help_text="When the last hand-over began")
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(state__in=["claimed", "handing"])
                | Q(claim_token__isnull=False, claimed_until__isnull=False),
                name="claimed_delivery_has_a_token",
            ),
            models.CheckConstraint(
                condition=~Q(state="handing") | Q(handed_at__isnull=False), name="handed_delivery_has_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False), name="sent_delivery_has_a_time"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["not_before"],
                name="open_delivery",
                condition=Q(state__in=["due", "retry", "claimed", "handing"]),
            ),
            models.Index(fields=["tutor", "-created_at"], name="delivery_by_tutor"),
            models.Index(fields=["partner", "-decided_at"], name="delivery_by_decision"),
            models.Index(
                fields=["partner", "state"], name="troubled_delivery", condition=Q(state__in=["dead", "uncertain"])
            ),
        ]
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class TutorReply(models.Model):
    """What a tutor said through a signed link of a mail. Append-only; one row per kind and delivery."""

    class Kind(models.TextChoices):
        USEFUL = "useful", "It was useful"
        NOT_USEFUL = "not_useful", "Not really useful"
        CANNOT_MAKE_IT = "cannot_make_it", "Cannot make it"

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="replies")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    replied_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "tutor replies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["delivery", "kind"], name="one_reply_per_kind"),
        ]
        ordering: ClassVar = ["-replied_at"]

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.kind}"


class OptOut(models.Model):
    """A tutor who asked for no more mails of one kind. Deleted when the tutor wants them again."""

    tutor = models.ForeignKey("tutors.Tutor", on_delete=models.CASCADE, related_name="opt_outs")
    kind = models.CharField(max_length=32, choices=Delivery.Kind.choices)
    opted_out_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tutor", "kind"], name="one_opt_out_per_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.tutor_id}: {self.kind}"
