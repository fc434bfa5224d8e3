"""When alerts open, get worse, wake and clear; on short lists, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.alerts.rules import (
    Change,
    Finding,
    FirstSessionRisk,
    Moves,
    Rule,
    Signal,
    Standing,
    StuckMails,
    Verdict,
    first_session_at_risk,
    mail_trouble,
    reschedule_rate,
    transitions,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def moves(probability: float | None, moved: int = 12, n: int = 40) -> Moves:
    return Moves(tutor_id=7, tutor="Zofia", probability=probability, moved=moved, n=n, low=0.19, high=0.412)


def risk(level: str, probability: float = 0.74, usual: float | None = 0.13) -> FirstSessionRisk:
    return FirstSessionRisk(
        session_id=5, tutor_id=7, tutor="Zofia", student="Emre", start=NOW + 9 * HOUR, level=level,
        probability=probability, usual=usual, why="Rated 3.4 over 12 sessions",
    )  # fmt: skip


def finding(urgency: str = "high", reason: str = "why", condition: str = "rule:1") -> Finding:
    return Finding(
        rule="rule", condition=condition, urgency=urgency, title="t", reason=reason, next_step="Call.", due_at=None
    )


RULE = Rule("rule", "A rule", "gone", cool_down=timedelta(days=7))


def changes(*signals: Signal, standing=None, quieted=None, now=NOW) -> list[tuple[Change, str]]:
    found = transitions(RULE, signals, standing or {}, quieted or {}, now=now)
    return [(step.change, step.condition) for step in found]


@pytest.mark.parametrize(
    ("probability", "verdict"),
    [
        (0.95, Verdict.FIRES),
        (0.9001, Verdict.FIRES),
        (0.9, Verdict.HOLDS),
        (0.7, Verdict.HOLDS),
        (0.6999, Verdict.CLEARS),
        (None, Verdict.CLEARS),
    ],
)
def test_the_reschedule_rule_opens_above_90_and_clears_below_70_percent(probability, verdict):
    assert reschedule_rate(moves(probability), now=NOW).verdict is verdict


def test_the_reschedule_alert_says_counts_rate_and_range():
    found = reschedule_rate(moves(0.95), now=NOW).finding
    assert found.reason == "12 of 40 sessions moved by the tutor in 90 days: 30 %, likely 19 to 41 %."
    assert found.condition == "reschedule_rate:7"
    assert found.due_at == NOW + timedelta(days=5)


def test_a_trembling_rate_opens_one_alert():
    """0.91, 0.88, 0.91, … would open and close an alert every hour without the gap."""
    standing: dict[str, Standing] = {}
    opened = 0
    for probability in (0.91, 0.88, 0.91, 0.75, 0.92, 0.71):
        signal = reschedule_rate(moves(probability), now=NOW)
        for step in transitions(RULE, [signal], standing, {}, now=NOW):
            assert step.change is Change.OPEN
            assert step.finding is not None
            standing[step.condition] = Standing(step.finding.urgency, step.finding.reason)
            opened += 1
    assert opened == 1


@pytest.mark.parametrize(
    ("level", "verdict", "urgency"),
    [
        ("CRITICAL", Verdict.FIRES, "critical"),
        ("HIGH", Verdict.FIRES, "high"),
        ("MEDIUM", Verdict.HOLDS, "high"),
        ("LOW", Verdict.CLEARS, "high"),
    ],
)
def test_first_sessions_alert_from_high_on_and_clear_when_low(level, verdict, urgency):
    signal = first_session_at_risk(risk(level))
    assert (signal.verdict, signal.finding.urgency) == (verdict, urgency)


def test_a_first_session_alert_says_odds_beside_the_usual_and_is_due_two_hours_before():
    found = first_session_at_risk(risk("CRITICAL")).finding
    assert found.reason == (
        "74 of 100 first sessions like this one end rated below 3 of 5, among those that are rated."
        " Usual: 13. Rated 3.4 over 12 sessions"
    )
    assert found.due_at == NOW + 7 * HOUR
    assert "Usual" not in first_session_at_risk(risk("HIGH", usual=None)).finding.reason


@pytest.mark.parametrize(
    ("state", "count", "title"),
    [("dead", 1, "1 mail could not be sent"), ("uncertain", 40, "40 mails may or may not have arrived")],
)
def test_an_outage_is_one_line(state, count, title):
    signal = mail_trouble(StuckMails(state=state, count=count, last_error="refused"), now=NOW)
    assert (signal.verdict, signal.finding.title) == (Verdict.FIRES, title)
    assert signal.finding.condition == f"mail_trouble:{state}"
    assert mail_trouble(StuckMails(state=state, count=0, last_error=""), now=NOW).verdict is Verdict.CLEARS


def test_only_what_fires_opens():
    assert changes(Signal(finding(), Verdict.FIRES)) == [(Change.OPEN, "rule:1")]
    assert changes(Signal(finding(), Verdict.HOLDS)) == []
    assert changes(Signal(finding(), Verdict.CLEARS)) == []


def test_what_goes_on_changes_nothing():
    open_ = {"rule:1": Standing("high", "why")}
    assert changes(Signal(finding(), Verdict.FIRES), standing=open_) == []
    assert changes(Signal(finding(), Verdict.HOLDS), standing=open_) == []


def test_what_clears_or_vanishes_resolves():
    open_ = {"rule:1": Standing("high", "why"), "rule:2": Standing("high", "why")}
    found = transitions(RULE, [Signal(finding(), Verdict.CLEARS, "fine now")], open_, {}, now=NOW)
    assert {step.condition: (step.change, step.resolution) for step in found} == {
        "rule:1": (Change.RESOLVE, "fine now"),
        "rule:2": (Change.RESOLVE, "gone"),
    }


def test_new_figures_are_shown_and_a_worse_urgency_is_told_apart():
    open_ = {"rule:1": Standing("high", "why")}
    assert changes(Signal(finding(reason="13 of 41"), Verdict.HOLDS), standing=open_) == [(Change.REFRESH, "rule:1")]
    assert changes(Signal(finding("critical"), Verdict.FIRES), standing=open_) == [(Change.WORSEN, "rule:1")]
    assert changes(Signal(finding("medium"), Verdict.FIRES), standing=open_) == []


def test_a_snooze_ends_at_its_time_and_not_before():
    open_ = {"rule:1": Standing("high", "why", snoozed_until=NOW)}
    assert changes(Signal(finding(), Verdict.HOLDS), standing=open_, now=NOW - HOUR) == []
    assert changes(Signal(finding(), Verdict.HOLDS), standing=open_) == [(Change.WAKE, "rule:1")]


def test_what_staff_resolved_stays_quiet_for_a_week():
    fires = Signal(finding(), Verdict.FIRES)
    quieted = {"rule:1": NOW}
    assert changes(fires, quieted=quieted, now=NOW + RULE.cool_down - HOUR) == []
    assert changes(fires, quieted=quieted, now=NOW + RULE.cool_down) == [(Change.OPEN, "rule:1")]


def test_two_conditions_of_one_rule_are_told_apart():
    signals = [Signal(finding(condition=f"rule:{n}"), Verdict.FIRES) for n in (1, 2)]
    assert changes(*signals, standing={"rule:1": Standing("high", "why")}) == [(Change.OPEN, "rule:2")]
