"""The benchmark of models takes a partner's path on a world whose truth is known, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import fields

import pytest
from django.core.management import call_command

from tutorscore.accounts.models import Partner
from tutorscore.front.bench.models import Measured, Setting, measure, table


@pytest.mark.django_db
def test_every_horizon_is_measured_against_its_oracle():
    found = list(measure(Setting("realistic", 1_500), 3, ["reschedule"]))
    assert [one.hours for one in found] == [24.0, 72.0, 168.0]
    for one in found:
        assert one.oracle == "filter"
        assert one.rows > 300
        assert 0.05 < one.base_rate < 0.4
        assert one.fraction <= 1.0
        assert one.auc < one.auc_oracle + 0.1
        assert sum(one.marked.values()) == one.rows
    assert not Partner.objects.exists()


@pytest.mark.django_db
def test_the_document_says_which_command_printed_it(tmp_path):
    out = tmp_path / "models.md"
    options = ["--sizes", "1500", "--seeds", "3", "4", "--targets", "no_show_student"]
    call_command("bench_models", *options, f"--out={out}")
    text = out.read_text()
    assert "`bin/bench models --sizes 1500 --seeds 3 4 --presets realistic --targets no_show_student`" in text
    assert "## Realistic, 1,500 sessions" in text
    lines = [line for line in text.splitlines() if line.startswith("| Student no-show")]
    assert len(lines) == 2
    assert all("rate: not enough data" in line for line in lines)


def test_decisions_of_several_worlds_are_pooled():
    lines = table([measured(true_positive=1), measured(true_positive=3)])
    assert len(lines) == 3
    assert "0.50 (0.22 to 0.78), 0.50 (0.22 to 0.78)" in lines[2]


def measured(true_positive: int) -> Measured:
    counts = {"true_positive": true_positive, "false_positive": 2, "false_negative": 2, "true_negative": 9}
    rest = {field.name for field in fields(Measured) if field.type == "float"} - {"hours"}
    figures = dict.fromkeys(rest, 0.5)
    return Measured("reschedule", 24.0, "model", 14, oracle="filter", precise=counts, marked=counts, **figures)
