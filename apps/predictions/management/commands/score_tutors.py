"""Score the tutors of a partner anew."""

from __future__ import annotations

from argparse import ArgumentParser
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.predictions.actions.priors import add_prior
from apps.predictions.actions.scores import rescore_tutors
from apps.tutors.models import Tutor
from tutorscore.accounts.models import Partner


class Command(BaseCommand):
    help = "Score tutors from all facts known now; says how many scores changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tutors", nargs="*", help="external ids; all tutors when none is given")
        parser.add_argument("--partner", default="demo")
        parser.add_argument("--refit-prior", action="store_true", help="fit a new prior on all tutors first")

    def handle(self, *args: Any, **options: Any) -> None:
        partner = Partner.objects.filter(slug=options["partner"]).first()
        if partner is None:
            raise CommandError(f"There is no partner {options['partner']!r}; name one with --partner.")
        now, started = timezone.now(), monotonic()
        if options["refit_prior"]:
            self.stdout.write(f"prior version {add_prior(partner=partner, now=now).version} fitted")
        tutor_ids = _tutor_ids(partner, options["tutors"]) if options["tutors"] else None
        report = rescore_tutors(partner=partner, now=now, tutor_ids=tutor_ids, progress=self._say)
        seconds = monotonic() - started
        self.stdout.write(f"{report.tutors} tutors scored in {seconds:.1f} s, {report.changes} lines of history")

    def _say(self, done: int) -> None:
        self.stderr.write(f"{done} tutors …")


def _tutor_ids(partner: Partner, external_ids: list[str]) -> list[int]:
    found = dict(Tutor.objects.filter(partner=partner, external_id__in=external_ids).values_list("external_id", "pk"))
    missing = sorted(set(external_ids) - set(found))
    if missing:
        raise CommandError(f"Partner {partner.slug} has no tutor {', '.join(missing)}.")
    return list(found.values())
