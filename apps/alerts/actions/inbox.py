"""Apply the rules to the present: gather what they look at, open what fires, resolve what cleared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from apps.alerts import rule_selectors as selectors
from apps.alerts import rules
from apps.alerts.actions.handling import open_alert, words_of
from apps.alerts.models import Alert, AlertEvent
from apps.alerts.rules import Change, Rule, Signal, Transition
from tutorscore.accounts.models import Partner

State, Kind = Alert.State, AlertEvent.Kind


def apply_rules(*, partner: Partner, now: datetime) -> dict[str, int]:
    """One open alert per condition that fires, none for what has cleared; counts per change.

    A second call at the same moment changes nothing.
    """
    if partner.is_scratch:
        return {}
    counts: Counter[str] = Counter()
    for rule, signals in _signals(partner, now):
        counts += apply_rule(partner=partner, rule=rule, signals=signals, now=now)
    return dict(counts)


def _signals(partner: Partner, now: datetime) -> Iterable[tuple[Rule, list[Signal]]]:
    moves = selectors.moves_worth_a_look(partner=partner)
    yield rules.RESCHEDULES, [rules.reschedule_rate(seen, now=now) for seen in moves]
    risks = selectors.first_session_risks(partner=partner, now=now)
    yield rules.FIRST_SESSION, [rules.first_session_at_risk(seen) for seen in risks]
    stuck = selectors.stuck_mails(partner=partner, now=now)
    yield rules.MAIL_TROUBLE, [rules.mail_trouble(seen, now=now) for seen in stuck]
    unable = selectors.sessions_tutors_cannot_make(partner=partner, now=now)
    yield rules.CANNOT_MAKE_IT, [rules.still_cannot_make_it(seen) for seen in unable]


@transaction.atomic
def apply_rule(*, partner: Partner, rule: Rule, signals: Sequence[Signal], now: datetime) -> Counter[str]:
    """Bring the open alerts of one rule in line with everything it sees now; counts per change."""
    standing = selectors.standing_alerts(partner=partner, rule=rule.name)
    quieted = selectors.resolved_by_staff(partner=partner, rule=rule.name, since=now - rule.cool_down)
    counts: Counter[str] = Counter()
    for step in rules.transitions(rule, signals, standing, quieted, now=now):
        if step.change is Change.OPEN:
            assert step.finding is not None
            done = open_alert(partner_id=partner.pk, finding=step.finding, now=now)
        else:
            done = _change(partner, step, now)
        counts[step.change] += done
    return +counts


def _change(partner: Partner, step: Transition, now: datetime) -> bool:
    """Change one open alert. The first update of several that race wins; the others find nothing to change."""
    alert = (
        Alert.objects.select_for_update()
        .filter(partner=partner, condition=step.condition)
        .exclude(state=State.RESOLVED)
        .first()
    )
    if alert is None:
        return False
    kind = None
    if step.finding is not None:
        for column, value in words_of(step.finding).items():
            if column != "due_at" or step.change is Change.WORSEN:
                setattr(alert, column, value)
    if step.change is Change.RESOLVE:
        kind = Kind.RESOLVED
        alert.state, alert.resolved_at, alert.resolution = State.RESOLVED, now, step.resolution[:200]
        alert.snoozed_until = None
    elif step.change is Change.WORSEN or step.change is Change.WAKE:
        kind = Kind.WORSENED if step.change is Change.WORSEN else Kind.WOKEN
        if alert.state == State.SNOOZED:
            alert.state, alert.snoozed_until = State.NEW, None
    alert.save()
    if kind is not None:
        AlertEvent.objects.create(alert=alert, kind=kind, happened_at=now, note=step.resolution[:200])
    return True
