"""What we conclude from facts: scores, models, predictions, their outcomes."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.predictions.ml.targets import TARGETS


def _unit_interval(field: str) -> Q:
    return Q(**{f"{field}__gte": 0, f"{field}__lte": 1})


class TutorLevel(models.TextChoices):
    EXEMPLARY = "exemplary", "Exemplary"
    STRONG = "strong", "Strong"
    DEVELOPING = "developing", "Developing"
    NEEDS_ATTENTION = "needs_attention", "Needs attention"
    AT_RISK = "at_risk", "At risk"
    NOT_ENOUGH_DATA = "not_enough_data", "Not enough data"


class MetricPrior(models.Model):
    """The versioned prior that shrinks rates of one partner's tutors; refitted weekly, which re-scores everyone."""

    partner = models.ForeignKey("accounts.Partner", on_delete=models.CASCADE, related_name="metric_priors")
    version = models.PositiveIntegerField()
    as_of = models.DateTimeField(help_text="Facts known by then were used")
    parameters = models.JSONField(help_text="Per metric the beta parameters and the rows behind them")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["partner", "version"], name="prior_version_once_per_partner"),
        ]
        ordering: ClassVar = ["-version"]

    def __str__(self) -> str:
        return f"{self.partner_id} v{self.version}"


class ScoreState(models.Model):
    """A tutor's score at one moment; shared by the present row and by history."""

    as_of = models.DateTimeField()
    score = models.FloatField(null=True, help_text="0 to 100; empty below the minimum volume")
    score_low = models.FloatField(null=True, help_text="Lower end of the 90 % interval")
    score_high = models.FloatField(null=True)
    level = models.CharField(max_length=16, choices=TutorLevel.choices)
    sessions_90d = models.PositiveIntegerField(default=0, help_text="n: resolved sessions behind the score")
    drivers = models.JSONField(default=list, help_text="Named parts that add up to the score")
    weights_version = models.PositiveSmallIntegerField()
    prior = models.ForeignKey(MetricPrior, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        abstract = True


class TutorScore(ScoreState):
    """Where a tutor stands now, with every metric of every window."""

    tutor = models.OneToOneField("tutors.Tutor", on_delete=models.CASCADE, related_name="score")
    metrics = models.JSONField(default=dict, help_text="{metric: {window: {value, n, low, high}}}")
    reschedule_rate_90d = models.FloatField(null=True, help_text="Raw; a column so that lists can filter and sort")
    rating_90d = models.FloatField(null=True)
    over_reschedule_limit = models.BooleanField(default=False, help_text="Badge: over 15 % tutor-initiated moves")
    reschedule_alert_probability = models.FloatField(null=True, help_text="P(rate > 15 %) on 90 days")
    next_change_at = models.DateTimeField(null=True, help_text="When a fact next ages out of a window")
    computed_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["next_change_at"], name="score_by_next_change"),
            models.Index(fields=["level", "score"], name="score_by_level"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__gte=0, score__lte=100), name="score_is_0_to_100"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tutor_id}: {self.score}"


class ScoreChange(ScoreState):
    """History: a row whenever the score, level or a driver changed, and why it was computed anew."""

    class Cause(models.TextChoices):
        FACTS = "facts", "The tutor changed"
        PRIOR = "prior", "We changed the prior"
        WEIGHTS = "weights", "We changed the weights"

    tutor = models.ForeignKey("tutors.Tutor", on_delete=models.CASCADE, related_name="score_changes")
    cause = models.CharField(max_length=8, choices=Cause.choices)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tutor", "-as_of"], name="score_change_by_tutor")]

    def __str__(self) -> str:
        return f"{self.tutor_id} {self.as_of:%Y-%m-%d}: {self.score}"


def target_choices() -> list[tuple[str, str]]:
    """The questions models answer; defined once, in ``ml.targets``. A callable keeps them out of the migrations."""
    return [(target.name, target.words) for target in TARGETS.values()]


class ModelVersion(models.Model):
    """An immutable trained model; the champion of a target answers, the others only watch."""

    class Standing(models.TextChoices):
        CANDIDATE = "candidate", "Candidate"
        CHAMPION = "champion", "Champion"
        RETIRED = "retired", "Retired"

    target = models.CharField(max_length=32, choices=target_choices)
    version = models.PositiveIntegerField()
    standing = models.CharField(max_length=16, choices=Standing.choices, default=Standing.CANDIDATE)
    is_provisional = models.BooleanField(default=True, help_text="A first champion only had to beat the shrunken rate")
    basis = models.CharField(max_length=8, help_text="model, or rate where a model would be worse than a rate")
    folder = models.CharField(max_length=200, help_text="Relative to the artifact directory")
    manifest_sha256 = models.CharField(max_length=64)
    trained_until = models.DateTimeField(help_text="Only facts known by then were used")
    partners = models.ManyToManyField("accounts.Partner", related_name="model_versions")
    metrics = models.JSONField(default=dict)
    policy = models.JSONField(default=dict, help_text="Kind and thresholds: decides who is mailed")
    created_at = models.DateTimeField(auto_now_add=True)
    promoted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "version"], name="model_version_once_per_target"),
            models.UniqueConstraint(
                fields=["target"], condition=Q(standing="champion"), name="one_champion_per_target"
            ),
        ]
        ordering: ClassVar = ["target", "-version"]

    def __str__(self) -> str:
        return f"{self.target} v{self.version}"


class TrainingRun(models.Model):
    """One training of one target. Its process holds the row's lock until the end; a running row without one is dead."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    target = models.CharField(max_length=32, choices=target_choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    trained_until = models.DateTimeField(help_text="Only facts known by then are used")
    model_version = models.OneToOneField(
        ModelVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="training_run"
    )
    error = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["target"], condition=Q(state="running"), name="one_running_training_per_target"
            ),
            models.CheckConstraint(
                condition=Q(state="running", finished_at__isnull=True)
                | (~Q(state="running") & Q(finished_at__isnull=False)),
                name="finished_training_has_a_time",
            ),
        ]
        ordering: ClassVar = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.target} until {self.trained_until:%Y-%m-%d}"


class RiskLevel(models.TextChoices):
    LOW = "LOW", "Low"
    MEDIUM = "MEDIUM", "Medium"
    HIGH = "HIGH", "High"
    CRITICAL = "CRITICAL", "Critical"


class Prediction(models.Model):
    """An answer of a model about one session at one moment; appended only when it changed."""

    session = models.ForeignKey(
        "tutoring_sessions.TutoringSession", on_delete=models.CASCADE, related_name="predictions"
    )
    tutor = models.ForeignKey("tutors.Tutor", on_delete=models.CASCADE, related_name="predictions")
    target = models.CharField(max_length=32, choices=target_choices)
    as_of = models.DateTimeField()
    hours_ahead = models.FloatField(help_text="Hours until the start at as_of")
    probability = models.FloatField()
    level = models.CharField(max_length=8, choices=RiskLevel.choices)
    basis = models.CharField(max_length=8)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="predictions")
    reasons = models.JSONField(default=list, help_text="Grouped contributions in log-odds; base and sum included")
    is_latest = models.BooleanField(default=True, db_default=True)
    is_decision = models.BooleanField(default=False, help_text="The one answer at the decision time of its horizon")
    should_send_alert = models.BooleanField(default=False, help_text="The policy's answer")
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=_unit_interval("probability"), name="probability_is_0_to_1"),
            models.UniqueConstraint(
                fields=["session", "target"], condition=Q(is_latest=True), name="one_latest_prediction"
            ),
            models.UniqueConstraint(
                fields=["session", "target"], condition=Q(is_decision=True), name="one_decision_per_session"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["session", "target", "-as_of"], name="prediction_by_session"),
            models.Index(fields=["tutor", "-as_of"], name="prediction_by_tutor"),
            models.Index(fields=["target", "-as_of"], name="decision_by_time", condition=Q(is_decision=True)),
        ]

    def __str__(self) -> str:
        return f"{self.target} {self.session_id}: {self.probability:.3f}"

    @property
    def risk_score(self) -> int:
        return round(100 * self.probability)


class Outcome(models.Model):
    """What became of a predicted session; joined daily, rewritten only by a corrected fact."""

    session = models.ForeignKey("tutoring_sessions.TutoringSession", on_delete=models.CASCADE, related_name="outcomes")
    target = models.CharField(max_length=32, choices=target_choices)
    prediction = models.ForeignKey(Prediction, on_delete=models.CASCADE, related_name="outcomes")
    label = models.BooleanField(null=True, help_text="Empty: can never be known, for example held but unrated")
    known_at = models.DateTimeField(help_text="When the label became known")
    was_treated = models.BooleanField(default=False, help_text="A mail, call or intervention reached the tutor before")
    propensity = models.FloatField(default=1.0, help_text="Probability of having stayed untreated")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "target"], name="one_outcome_per_question"),
            models.CheckConstraint(condition=Q(propensity__gt=0, propensity__lte=1), name="propensity_is_0_to_1"),
        ]

    def __str__(self) -> str:
        return f"{self.target} {self.session_id}: {self.label}"


class Exposure(models.Model):
    """A mail, call or intervention that reached a tutor; written by the part above that did it. Append-only."""

    tutor = models.ForeignKey("tutors.Tutor", on_delete=models.CASCADE, related_name="exposures")
    session = models.ForeignKey(
        "tutoring_sessions.TutoringSession", null=True, on_delete=models.CASCADE, related_name="exposures"
    )
    kind = models.CharField(max_length=32)
    reached_at = models.DateTimeField()
    source = models.CharField(max_length=100, unique=True, help_text="What reached the tutor, e.g. delivery:123")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tutor", "reached_at"], name="exposure_by_tutor")]

    def __str__(self) -> str:
        return f"{self.tutor_id} {self.kind}"


class TreatmentDraw(models.Model):
    """That chance decided whether a tutor would be reached about a session; written for both arms. Append-only.

    Rows of tutors who stayed untreated by luck stand for those who did not: evaluation weighs them by this chance.
    """

    tutor = models.ForeignKey("tutors.Tutor", on_delete=models.CASCADE, related_name="treatment_draws")
    session = models.ForeignKey(
        "tutoring_sessions.TutoringSession", on_delete=models.CASCADE, related_name="treatment_draws"
    )
    experiment = models.CharField(max_length=64, help_text="Draws of one experiment about one tutor are one draw")
    drawn_at = models.DateTimeField()
    untreated_propensity = models.FloatField(help_text="Chance of the arm that is not reached")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["experiment", "session"], name="one_draw_per_session"),
            models.CheckConstraint(
                condition=Q(untreated_propensity__gt=0, untreated_propensity__lte=1), name="draw_propensity_is_0_to_1"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tutor", "drawn_at"], name="draw_by_tutor")]

    def __str__(self) -> str:
        return f"{self.tutor_id} {self.experiment}"


class PerformanceLog(models.Model):
    """How a champion did on matured, untreated, weighted rows of a window; written weekly."""

    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="performance")
    target = models.CharField(max_length=32, choices=target_choices)
    as_of = models.DateTimeField()
    time_window_days = models.PositiveSmallIntegerField()
    sample_size = models.PositiveIntegerField()
    positives = models.PositiveIntegerField()
    accuracy = models.FloatField(null=True)
    precision = models.FloatField(null=True)
    recall = models.FloatField(null=True)
    f1 = models.FloatField(null=True)
    auc_roc = models.FloatField(null=True)
    brier = models.FloatField(null=True)
    brier_skill = models.FloatField(null=True)
    ece = models.FloatField(null=True)
    ece_of_perfect = models.FloatField(null=True, help_text="What a perfect model would show at this sample size")
    details = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["model_version", "as_of", "time_window_days"], name="one_performance_row_per_window"
            ),
        ]
        ordering: ClassVar = ["-as_of"]

    def __str__(self) -> str:
        return f"{self.target} {self.as_of:%Y-%m-%d}"
