"""The model card and its plot: what the model is for, what it was made from, how well it does, what to beware of."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apps.predictions.ml.frames import SECOND
from apps.predictions.ml.model import RATE, TrainedModel
from apps.predictions.ml.targets import TARGETS

_SAID, _HAPPENED = "#3f47b0", "#465060"


def model_card(model: TrainedModel, metadata: dict[str, Any]) -> str:
    """Markdown for people who decide whether to trust the model."""
    target, training = TARGETS[model.target], model.training
    lines = [
        f"# {target.words}",
        "",
        target.question,
        "",
        f"Of 100 {target.usual}, {100 * model.usual:.0f} end that way. {_basis(model)}",
        "",
        "Use it to order the day, to send a kind mail or make a call. Do not use it to take a tutor off a session, "
        "to talk about pay or contracts, or to tell a tutor or parent a number.",
        "",
        "## Made from",
        "",
        f"- Questions of {_day(training.get('asked_from'))} to {_day(training.get('asked_to'))}, answers known by "
        f"{_day(training.get('known_by'))}",
        f"- {training.get('rows', 0)} rows, {training.get('positives', 0)} of them positive; about what is asked: "
        f"{training.get('rows_asked', 0)} and {training.get('positives_asked', 0)}",
        f"- Tutors {training.get('tutors')}, students {training.get('students')}; partners: "
        f"{', '.join(metadata['partners']) or 'not named'}",
        f"- Clocks: {_clocks(metadata['clocks'])}",
        f"- Calibration: {_calibration(model)}",
        f"- Learner: {model.learner}; features {model.feature_hash[:12]}",
        "",
        "## How well it does",
        "",
        f"On the last block, {_judge(model)}.",
        "",
        *_figures(model),
        "",
        "![What it said, and what happened](reliability.png)",
        "",
        "## What a decision brings",
        "",
        *_policies(model),
    ]
    return "\n".join(lines) + "\n"


def reliability_plot(model: TrainedModel) -> bytes:
    """PNG: what was said against what happened, in bins of equal mass."""
    # Slow to import, and only whoever trains draws.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    table = model.metrics.get("model", {}).get("reliability") or []
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot()
    most = max([value for row in table for value in row[:2]], default=1.0) * 100
    axes.plot([0, most], [0, most], color=_HAPPENED, linewidth=1, linestyle=":", label="exactly as said")
    axes.plot([100 * row[0] for row in table], [100 * row[1] for row in table], "o", color=_SAID)
    axes.set_xlabel("said, in 100")
    axes.set_ylabel("happened, in 100")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    out = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _basis(model: TrainedModel) -> str:
    if model.basis == RATE:
        why = model.training.get("why_rate", "not enough data")
        return f"No model is in use ({why}): predictions are the tutor's own steadied rate."
    return "Provisional until an experiment or a later block confirms it."


def _clocks(counts: dict[str, int]) -> str:
    """How the moments at which rows became known came about."""
    said = ", ".join(f"{count} sessions by {clock}" for clock, count in sorted(counts.items()))
    return said or "not stated"


def _calibration(model: TrainedModel) -> str:
    if model.calibration.is_identity:
        return "none; the log-odds stand as learned"
    return f"log-odds x {model.calibration.slope:.2f} {model.calibration.shift:+.2f}, which lowered the later log loss"


def _judge(model: TrainedModel) -> str:
    judged = model.metrics.get("judged_by", "the rate")
    rows = model.metrics.get("model", {}).get("rows", 0)
    return f"{rows} questions, answered by {judged}"


def _figures(model: TrainedModel) -> list[str]:
    lines = ["| | in use | tutor's rate alone |", "| --- | --- | --- |"]
    both = [model.metrics.get(name, {}) for name in ("model", "rate")]
    said: dict[str, Callable[[dict[str, Any]], str]] = {
        "ranks the worse of two higher (AUC)": lambda one: _interval(one.get("auc")),
        "share of the error removed (Brier skill)": lambda one: _interval(one.get("brier_skill")),
        "log loss": lambda one: _number(one.get("log_loss"), 4),
        "calibration error (ECE)": lambda one: _number(one.get("ece"), 4),
        "ECE of a perfect model at this size": lambda one: _number(one.get("ece_of_a_perfect_model"), 4),
        "calibration slope": lambda one: _number(one.get("calibration_slope"), 2),
    }
    return [*lines, *(f"| {name} | {say(both[0])} | {say(both[1])} |" for name, say in said.items())]


def _policies(model: TrainedModel) -> list[str]:
    lines = ["| policy | from | marked | precision | recall |", "| --- | --- | --- | --- | --- |"]
    for name, told in model.metrics.get("policies", {}).items():
        if not told["reachable"]:
            lines.append(f"| {name} | no threshold reaches it | 0 | – | – |")
            continue
        precision, recall = _interval(told["precision"]), _interval(told["recall"])
        lines.append(f"| {name} | {told['threshold']:.3f} | {told['chosen']} | {precision} | {recall} |")
    return lines


def _interval(figure: dict[str, float] | None) -> str:
    if not figure:
        return "–"
    return f"{_number(figure['value'], 3)} ({_number(figure['low'], 3)} to {_number(figure['high'], 3)})"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None or value != value else f"{value:.{digits}f}"


def _day(moment: int | None) -> str:
    if moment is None:
        return "–"
    return datetime.fromtimestamp(moment / SECOND, tz=UTC).strftime("%-d %b %Y")
