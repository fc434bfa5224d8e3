"""Let a version answer for its target; rolling back is promoting an earlier one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.predictions.actions.models import promote
from apps.predictions.ml.artifacts import ArtifactTamperedError
from apps.predictions.ml.targets import TARGETS
from apps.predictions.models import ModelVersion


class Command(BaseCommand):
    help = "Make a model version the champion of its target."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", choices=sorted(TARGETS))
        parser.add_argument("version", type=int)

    def handle(self, **options: Any) -> None:
        versions = ModelVersion.objects.filter(target=options["target"])
        version = versions.filter(version=options["version"]).first()
        if version is None:
            known = ", ".join(str(number) for number in versions.values_list("version", flat=True)) or "none"
            raise CommandError(f"{options['target']} has no version {options['version']}; versions: {known}")
        try:
            promote(version=version, now=timezone.now())
        except ArtifactTamperedError as error:
            raise CommandError(f"{version} was refused: {error}") from error
        self.stdout.write(f"{version} answers from now on")
