"""Alerts as rows: one open per condition, worked on by staff, resolved when the condition clears."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from apps.alerts.actions.handling import (
    StaleActionError,
    acknowledge_alert,
    open_alert,
    reopen_alert,
    resolve_alert,
    snooze_alert,
)
from apps.alerts.actions.inbox import apply_rules
from apps.alerts.models import Alert, AlertEvent
from apps.alerts.rules import Finding
from apps.alerts.selectors import queue, snoozed
from apps.predictions.models import Prediction, TutorScore
from tests.factories import (
    NOON,
    DecisionFactory,
    DeliveryFactory,
    PartnerFactory,
    PredictionFactory,
    SessionFactory,
    TutorFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def partner():
    return PartnerFactory()


def score(partner, probability, moved=12, n=40):
    rate = {"value": moved / n, "n": n, "count": moved, "low": 0.19, "high": 0.41}
    return TutorScore.objects.create(
        tutor=TutorFactory(partner=partner, name="Zofia Adeyemi"), as_of=NOON, level="developing", weights_version=1,
        metrics={"reschedule_rate_adjusted": {"90d": rate}}, reschedule_alert_probability=probability,
    )  # fmt: skip


def at_risk(partner, level="HIGH", hours=8.0, **changes):
    session = SessionFactory(
        tutor=TutorFactory(partner=partner), scheduled_start=NOON + hours * HOUR, student__name="Emre", **changes
    )
    return DecisionFactory(session=session, level=level, probability={"HIGH": 0.6, "CRITICAL": 0.8}.get(level, 0.1))


def opened(partner) -> Alert:
    apply_rules(partner=partner, now=NOON)
    return Alert.objects.get()


def kinds(alert: Alert) -> list[str]:
    return list(alert.events.values_list("kind", flat=True))


def test_a_tutor_over_the_limit_opens_one_alert_once(partner):
    tutor = score(partner, 0.95).tutor
    assert apply_rules(partner=partner, now=NOON) == {"open": 1}
    assert apply_rules(partner=partner, now=NOON) == {}
    alert = Alert.objects.get()
    assert (alert.rule, alert.tutor, alert.state, alert.urgency) == ("reschedule_rate", tutor, "new", "high")
    assert (alert.opened_at, alert.due_at) == (NOON, NOON + 5 * DAY)
    assert alert.title == "Zofia Adeyemi moves many sessions"
    assert kinds(alert) == ["opened"]


def test_the_raw_rule_alone_opens_nothing(partner):
    row = score(partner, 0.85)
    TutorScore.objects.filter(pk=row.pk).update(over_reschedule_limit=True)
    assert apply_rules(partner=partner, now=NOON) == {}


def test_an_alert_clears_only_well_below_the_limit(partner):
    row = score(partner, 0.95)
    alert = opened(partner)
    TutorScore.objects.filter(pk=row.pk).update(reschedule_alert_probability=0.8)
    assert apply_rules(partner=partner, now=NOON + DAY) == {}
    TutorScore.objects.filter(pk=row.pk).update(reschedule_alert_probability=0.6)
    assert apply_rules(partner=partner, now=NOON + 2 * DAY) == {"resolve": 1}
    alert.refresh_from_db()
    assert (alert.state, alert.resolved_at) == ("resolved", NOON + 2 * DAY)
    assert kinds(alert) == ["opened", "resolved"]


def test_figures_follow_the_facts_and_the_deadline_stays(partner):
    row = score(partner, 0.95)
    alert = opened(partner)
    row.metrics["reschedule_rate_adjusted"]["90d"] |= {"count": 14, "n": 42}
    row.save()
    assert apply_rules(partner=partner, now=NOON + DAY) == {"refresh": 1}
    alert.refresh_from_db()
    assert alert.reason.startswith("14 of 42 sessions")
    assert alert.due_at == NOON + 5 * DAY


def test_a_first_session_at_risk_is_due_before_it_starts_and_closes_at_the_start(partner):
    decision = at_risk(partner)
    alert = opened(partner)
    assert (alert.rule, alert.session, alert.due_at) == ("first_session_at_risk", decision.session, NOON + 6 * HOUR)
    assert "60 of 100" in alert.reason and alert.reason.endswith("Usual: 13. Rated 3.4 over 12 sessions")
    assert apply_rules(partner=partner, now=NOON + 7 * HOUR) == {}
    assert apply_rules(partner=partner, now=NOON + 8 * HOUR) == {"resolve": 1}
    alert.refresh_from_db()
    assert alert.resolution == "The session has started, or was moved or cancelled."


@pytest.mark.parametrize("changes", [{"level": "MEDIUM"}, {"hours": 25}, {"status": "cancelled"}, {"hours": -1}])
def test_other_first_sessions_open_nothing(partner, changes):
    at_risk(partner, **changes)
    assert apply_rules(partner=partner, now=NOON) == {}


def test_a_session_that_got_worse_wakes_a_snoozed_alert(partner):
    decision = at_risk(partner)
    alert = opened(partner)
    snooze_alert(alert_id=alert.pk, until=NOON + 5 * HOUR, by=UserFactory(), now=NOON)
    Prediction.objects.filter(pk=decision.pk).update(is_latest=False)
    PredictionFactory(
        session=decision.session, level="CRITICAL", probability=0.8, model_version=decision.model_version, reasons={}
    )
    assert apply_rules(partner=partner, now=NOON + HOUR) == {"worsen": 1}
    alert.refresh_from_db()
    assert (alert.state, alert.urgency, alert.snoozed_until) == ("new", "critical", None)
    assert kinds(alert) == ["opened", "snoozed", "worsened"]


def test_a_snooze_that_ended_brings_the_alert_back(partner):
    score(partner, 0.95)
    alert = opened(partner)
    snooze_alert(alert_id=alert.pk, until=NOON + DAY, by=UserFactory(), now=NOON)
    assert list(queue(partner=partner, now=NOON + HOUR)) == []
    assert list(snoozed(partner=partner, now=NOON + HOUR)) == [alert]
    assert list(queue(partner=partner, now=NOON + DAY)) == [alert]
    assert apply_rules(partner=partner, now=NOON + DAY) == {"wake": 1}
    alert.refresh_from_db()
    assert (alert.state, alert.snoozed_until) == ("new", None)


def test_dead_and_uncertain_mails_call_staff_once_per_kind(partner):
    for state in ("dead", "dead", "uncertain"):
        DeliveryFactory(session__tutor__partner=partner, state=state, last_error="SMTPDataError: 554")
    assert apply_rules(partner=partner, now=NOON)["open"] == 2
    alert = Alert.objects.get(condition="mail_trouble:dead")
    assert (alert.title, alert.reason) == ("2 mails could not be sent", "Last error: SMTPDataError: 554")
    assert apply_rules(partner=partner, now=NOON + 7 * DAY)["resolve"] == 2


def test_partners_do_not_mix(partner):
    score(PartnerFactory(), 0.95)
    DeliveryFactory(state="dead")
    assert apply_rules(partner=partner, now=NOON) == {}


def test_a_scratch_partner_alerts_nobody():
    partner = PartnerFactory(is_scratch=True)
    score(partner, 0.99)
    assert apply_rules(partner=partner, now=NOON) == {}


def test_the_number_of_queries_does_not_grow_while_nothing_changes(partner, django_assert_num_queries):
    for _ in range(2):
        score(partner, 0.95)
    apply_rules(partner=partner, now=NOON)
    with django_assert_num_queries(20):
        apply_rules(partner=partner, now=NOON)
    for _ in range(6):
        score(partner, 0.95)
    apply_rules(partner=partner, now=NOON)
    with django_assert_num_queries(20):
        apply_rules(partner=partner, now=NOON)


# Staff ---------------------------------------------------------------------


def test_whoever_takes_an_alert_owns_it(partner):
    score(partner, 0.95)
    alert, user = opened(partner), UserFactory()
    taken = acknowledge_alert(alert_id=alert.pk, by=user, now=NOON + HOUR)
    assert (taken.state, taken.owner, taken.acknowledged_at) == ("acknowledged", user, NOON + HOUR)
    event = taken.events.last()
    assert event is not None and (event.kind, event.by) == ("acknowledged", user)


def test_an_action_on_what_somebody_else_changed_is_refused(partner):
    score(partner, 0.95)
    alert, user, other = opened(partner), UserFactory(), UserFactory()
    acknowledge_alert(alert_id=alert.pk, by=user, now=NOON)
    with pytest.raises(StaleActionError):
        acknowledge_alert(alert_id=alert.pk, by=other, now=NOON)
    resolve_alert(alert_id=alert.pk, resolution="Talked", by=user, now=NOON)
    for act in (
        lambda: acknowledge_alert(alert_id=alert.pk, by=other, now=NOON),
        lambda: snooze_alert(alert_id=alert.pk, until=NOON + DAY, by=other, now=NOON),
        lambda: resolve_alert(alert_id=alert.pk, resolution="again", by=other, now=NOON),
    ):
        with pytest.raises(StaleActionError):
            act()
    alert.refresh_from_db()
    assert (alert.state, alert.owner, alert.resolution) == ("resolved", user, "Talked")
    assert kinds(alert) == ["opened", "acknowledged", "resolved"]


def test_nobody_snoozes_into_the_past(partner):
    score(partner, 0.95)
    alert = opened(partner)
    with pytest.raises(ValueError, match="moment to come"):
        snooze_alert(alert_id=alert.pk, until=NOON, by=UserFactory(), now=NOON)
    alert.refresh_from_db()
    assert alert.state == "new"


def test_what_staff_resolved_stays_quiet_for_a_week(partner):
    score(partner, 0.95)
    alert = opened(partner)
    resolve_alert(alert_id=alert.pk, resolution="Agreed on a new calendar", by=UserFactory(), now=NOON)
    assert apply_rules(partner=partner, now=NOON + 6 * DAY) == {}
    assert apply_rules(partner=partner, now=NOON + 7 * DAY) == {"open": 1}
    assert Alert.objects.count() == 2


def test_trouble_with_mails_comes_back_within_hours(partner):
    DeliveryFactory(session__tutor__partner=partner, state="dead", session__scheduled_start=NOON - DAY)
    alert = opened(partner)
    resolve_alert(alert_id=alert.pk, resolution="Looked at it", by=UserFactory(), now=NOON)
    assert apply_rules(partner=partner, now=NOON + 3 * HOUR) == {}
    assert apply_rules(partner=partner, now=NOON + 4 * HOUR) == {"open": 1}


def test_a_resolution_can_be_undone_until_the_alert_is_open_again(partner):
    score(partner, 0.95)
    alert, user = opened(partner), UserFactory()
    resolve_alert(alert_id=alert.pk, resolution="Oops", by=user, now=NOON)
    reopened = reopen_alert(alert_id=alert.pk, by=user, now=NOON + HOUR)
    assert (reopened.state, reopened.resolved_at, reopened.resolution) == ("new", None, "")
    resolve_alert(alert_id=alert.pk, resolution="Done", by=user, now=NOON)
    apply_rules(partner=partner, now=NOON + 8 * DAY)
    with pytest.raises(StaleActionError, match="newer"):
        reopen_alert(alert_id=alert.pk, by=user, now=NOON + 8 * DAY)
    assert Alert.objects.exclude(state="resolved").count() == 1


def test_an_undone_resolution_no_longer_quiets_the_rule(partner):
    row = score(partner, 0.95)
    alert, user = opened(partner), UserFactory()
    resolve_alert(alert_id=alert.pk, resolution="Oops", by=user, now=NOON)
    reopen_alert(alert_id=alert.pk, by=user, now=NOON)
    TutorScore.objects.filter(pk=row.pk).update(reschedule_alert_probability=0.5)
    apply_rules(partner=partner, now=NOON + DAY)  # the rule resolves it
    TutorScore.objects.filter(pk=row.pk).update(reschedule_alert_probability=0.95)
    assert apply_rules(partner=partner, now=NOON + 2 * DAY) == {"open": 1}


def test_the_queue_is_ordered_by_deadline_then_urgency(partner):
    def alert(condition, due, urgency):
        return Alert.objects.create(
            partner=partner, rule="r", condition=condition, urgency=urgency, title="t", reason="r", next_step="n",
            opened_at=NOON, due_at=due,
        )  # fmt: skip

    later = alert("a", NOON + 2 * HOUR, "critical")
    soon = alert("b", NOON + HOUR, "medium")
    soon_critical = alert("c", NOON + HOUR, "critical")
    some_day = alert("d", None, "critical")
    soon_high = alert("e", NOON + HOUR, "high")
    assert list(queue(partner=partner, now=NOON)) == [soon_critical, soon_high, soon, later, some_day]
    assert list(queue(partner=PartnerFactory(), now=NOON)) == []
    assert queue(partner=None, now=NOON).count() == 5


@pytest.mark.django_db(transaction=True)
def test_eight_rules_at_once_open_one_alert():
    partner = PartnerFactory()
    wanted = Finding(rule="r", condition="r:1", urgency="high", title="t", reason="why", next_step="Call.", due_at=None)
    gate, answers = threading.Barrier(8), []

    def worker() -> None:
        try:
            gate.wait(10)
            answers.append(open_alert(partner_id=partner.pk, finding=wanted, now=NOON))
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(answers) == [False] * 7 + [True]
    assert Alert.objects.count() == 1
    assert AlertEvent.objects.count() == 1
