"""Builds the demo and keeps it alive: history through the importer, past days through the pipeline at past moments."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from django.db import connection

from apps.alerts.actions.experiments import start_experiment
from apps.alerts.actions.hour import JOB, run_hour, run_hour_for_everyone
from apps.alerts.actions.outbox import LEASE, send_due
from apps.predictions.actions.evaluation import evaluate_models
from apps.predictions.actions.outcomes import record_outcomes
from apps.predictions.actions.scores import drain_stale_tutors, refit_prior
from apps.predictions.actions.training import train_target
from apps.predictions.ml.targets import TARGETS
from apps.predictions.models import MetricPrior, ModelVersion
from apps.sessions.ingest.doors import import_export
from tutorscore.accounts.models import Partner
from tutorscore.front.demo.marketplace import CLOCK, post_rows, posted_until
from tutorscore.front.freshness import RISKS_JOB, SCORES_JOB
from tutorscore.front.progress import Steps
from tutorscore.lib.slots import beat, floor_to_slot, run_once
from tutorscore.simulation import World, write_export

REPLAYED = timedelta(days=10)
"""How much of the past is run through the pipeline instead of only imported: the days with mails and outcomes."""

ROUND = timedelta(hours=24)
"""Between two passes of the whole pipeline over past days; decisions are asked at their own moment all the same."""

PULSE = timedelta(hours=4)
"""Between two moments at which past rows arrive and due mails leave."""

HOUR = timedelta(hours=1)
MOST_STEPS = 90
CORES = 2
CONTROL_SHARE = 0.5
DRAIN_BATCH = 1_000
DECISION_WINDOW_HOURS = 26.0
"""Past moments decide about the next day only; what lies further ahead is predicted once, at the present."""


def build_history(world: World, *, partner: Partner, now: datetime, steps: Steps) -> None:
    """Import what was known ten days ago, then score and learn from it; does nothing where that has happened."""
    began = now - REPLAYED
    if posted_until() is None:
        with steps.step("import"), tempfile.TemporaryDirectory() as folder:
            write_export(world, Path(folder), until=began)
            import_export(partner=partner, path=Path(folder), now=began, progress=steps.rows)
        start_experiment(partner=partner, now=began, control_share=CONTROL_SHARE)
        beat(CLOCK, {}, now=began)
    trained_at = posted_until() or began
    if not MetricPrior.objects.filter(partner=partner).exists():
        with steps.step("score"):
            refit_prior(partner=partner, now=trained_at)
    known = set(ModelVersion.objects.values_list("target", flat=True))
    missing = [target for target in TARGETS if target not in known]
    if missing:
        with steps.step("train"), ThreadPoolExecutor(CORES) as pool:
            # Learning spends its time in libraries that let other threads run.
            for done, name in enumerate(pool.map(partial(_train, partner, trained_at), missing)):
                steps.progress(f"train {name}", done + 1, len(missing))


def _train(partner: Partner, known_by: datetime, target: str) -> str:
    try:
        train_target(target=target, partners=[partner], known_by=known_by, now=known_by)
    finally:
        connection.close()
    return target


def live_until(world: World, *, partner: Partner, now: datetime, steps: Steps) -> None:
    """Bring the world to ``now`` in steps; in each one the pipeline runs as it would have at that moment."""
    since = posted_until()
    if since is None:
        raise RuntimeError("the history of the demo is not imported: call build_history first")
    rounds = list(_moments(since, now, ROUND))
    with steps.step("live"):
        for done, moment in enumerate(rounds):
            for pulse in _moments(since, moment, PULSE):
                post_rows(world, partner=partner, since=since, until=pulse)
                _send(pulse)
                since = pulse
            _run_pipeline(partner, moment, is_present=moment == now)
            steps.progress("live", done + 1, len(rounds))


def _moments(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    """Every ``step`` after ``since``, and ``until`` itself; further apart after a very long pause."""
    step = max(step, (until - since) / MOST_STEPS)
    moment = since + step
    while moment < until:
        yield moment
        moment += step
    yield until


def _send(now: datetime) -> None:
    while send_due(now=now):
        pass


def _run_pipeline(partner: Partner, now: datetime, *, is_present: bool) -> None:
    """One pass of what the hourly, daily and weekly tasks do, told that it is ``now``.

    The present round is the hour's own slot, so that the hourly task goes on from there. Weekly work of the present is
    left to its schedule.
    """
    if now.weekday() == 0 and not is_present:
        refit_prior(partner=partner, now=now)
        record_outcomes(partner=partner, now=now)
        evaluate_models(now=now)
    while drain_stale_tutors(now=now, limit=DRAIN_BATCH).tutor_ids:
        pass
    if is_present:
        slot_at = floor_to_slot(now, HOUR)
        run_once(JOB, slot_at=slot_at, lease=LEASE, now=now, work=lambda: run_hour_for_everyone(now=now))
    else:
        run_hour(partner=partner, now=now, lookahead_hours=DECISION_WINDOW_HOURS)
    _send(now)
    for job in (SCORES_JOB, RISKS_JOB):
        beat(job, {}, now=now)
    if is_present:
        record_outcomes(partner=partner, now=now)
