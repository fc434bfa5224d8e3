"""`manage.py demo_world`: the demo partner, its living world, and everything the product concludes from it."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.predictions.score_selectors import most_changed_tutor
from tutorscore.front.demo import build, marketplace, people, summary
from tutorscore.front.demo.schedule import keep_posting
from tutorscore.front.progress import Steps


class Command(BaseCommand):
    help = (
        "Make the demo world if it is missing, then bring it up to now: rows that became known are posted through "
        "ingestion, and scores, predictions, mails and alerts follow as they would have."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end with one line of JSON that sums everything up")
        parser.add_argument("--sessions", type=int, default=60_000, help="size of a new world (default 60000)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo world belongs to demo installations. Set DEMO=1, or start bin/demo.")
        now = timezone.now()
        steps = Steps("demo")
        partner = people.make_people()
        if marketplace.posted_until() is None:
            marketplace.forget_world()
        with steps.step("simulate"):
            world = marketplace.make_world(sessions=options["sessions"], now=now, progress=steps.progress)
        build.build_history(world, partner=partner, now=now, steps=steps)
        build.live_until(world, partner=partner, now=now, steps=steps)
        keep_posting()
        people.write_links(most_changed_tutor(partner))
        if options["once"]:
            with steps.step("measure"):
                figures = summary.counts(partner) | {"models": summary.models(world, partner=partner, now=now)}
            self.stdout.write(json.dumps(figures | {"seconds": steps.seconds}))
