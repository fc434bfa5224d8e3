"""Who teaches what."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tutorscore.accounts.querysets import OfTutorQuerySet, PartnerQuerySet

SCALE_1_TO_5 = [MinValueValidator(1), MaxValueValidator(5)]


class TeachingStyle(models.TextChoices):
    STRUCTURED = "structured"
    FLEXIBLE = "flexible"
    INTERACTIVE = "interactive"
    TRADITIONAL = "traditional"
    MODERN = "modern"


class StudentLevel(models.TextChoices):
    BEGINNER = "beginner"
    INTERMEDIATE = "intermediate"
    ADVANCED = "advanced"


class Subject(models.Model):
    """A subject as a partner names it."""

    partner = models.ForeignKey("accounts.Partner", on_delete=models.CASCADE, related_name="subjects")
    name = models.CharField(max_length=64)

    objects = PartnerQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["partner", "name"], name="subject_once_per_partner")]
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Tutor(models.Model):
    """A tutor with the matching profile. A stub was named by a session before its profile row came."""

    partner = models.ForeignKey("accounts.Partner", on_delete=models.CASCADE, related_name="tutors")
    external_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    locale = models.CharField(max_length=16, blank=True)
    subjects = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    certified_subjects = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    onboarded_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    age = models.PositiveSmallIntegerField(null=True, blank=True)
    experience_years = models.FloatField(null=True, blank=True)
    teaching_style = models.CharField(max_length=16, choices=TeachingStyle.choices, blank=True)
    preferred_pace = models.PositiveSmallIntegerField(null=True, blank=True, validators=SCALE_1_TO_5)
    communication_style = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=SCALE_1_TO_5, help_text="1 formal to 5 casual"
    )
    confidence_level = models.PositiveSmallIntegerField(null=True, blank=True, validators=SCALE_1_TO_5)
    preferred_student_level = models.CharField(max_length=16, choices=StudentLevel.choices, blank=True)
    weekly_capacity = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Sessions a week")
    recorded_at = models.DateTimeField(null=True, blank=True, help_text="When the partner knew this state.")
    is_stub = models.BooleanField(default=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="tutors"
    )
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    objects = PartnerQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["partner", "external_id"], name="tutor_id_once_per_partner"),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True)
                | Q(onboarded_at__isnull=True)
                | Q(left_at__gte=models.F("onboarded_at")),
                name="tutor_leaves_after_joining",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["partner", "name"], name="tutor_by_name")]
        ordering: ClassVar = ["name", "external_id"]

    def __str__(self) -> str:
        return self.name or self.external_id


class StaleTutor(models.Model):
    """A mark "score this tutor again", written in the transaction that changed a fact; append-only.

    The drainer locks marks, recomputes whole windows once per tutor and deletes exactly the marks it saw.
    """

    tutor = models.ForeignKey(Tutor, on_delete=models.CASCADE, related_name="stale_marks")
    reason = models.CharField(max_length=32)
    marked_at = models.DateTimeField(auto_now_add=True, db_default=Now())

    objects = OfTutorQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tutor"], name="stale_mark_by_tutor")]

    def __str__(self) -> str:
        return f"{self.tutor_id} {self.reason}"
