"""How a level looks: word, bars and colour always together, never colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from apps.alerts.models import Alert
from apps.predictions.models import RiskLevel, TutorLevel


@dataclass(frozen=True)
class Look:
    """``tone`` names the colour tokens, ``bars`` how many of the four stand lit; none at all means no bars."""

    words: str
    tone: str
    bars: int | None


UNKNOWN = Look("Not enough data", "thin", None)

_LOOKS: dict[str, Look] = {
    RiskLevel.CRITICAL: Look("Critical", "critical", 4),
    RiskLevel.HIGH: Look("High", "high", 3),
    RiskLevel.MEDIUM: Look("Medium", "medium", 2),
    RiskLevel.LOW: Look("Low", "low", 1),
    Alert.Urgency.CRITICAL: Look("Critical", "critical", 4),
    Alert.Urgency.HIGH: Look("High", "high", 3),
    Alert.Urgency.MEDIUM: Look("Medium", "medium", 2),
    TutorLevel.AT_RISK: Look(str(TutorLevel.AT_RISK.label), "critical", 4),
    TutorLevel.NEEDS_ATTENTION: Look(str(TutorLevel.NEEDS_ATTENTION.label), "high", 3),
    TutorLevel.DEVELOPING: Look(str(TutorLevel.DEVELOPING.label), "medium", 2),
    TutorLevel.STRONG: Look(str(TutorLevel.STRONG.label), "low", 1),
    TutorLevel.EXEMPLARY: Look(str(TutorLevel.EXEMPLARY.label), "low", 0),
}

SEVERITY: dict[str, int] = {RiskLevel.CRITICAL: 3, RiskLevel.HIGH: 2, RiskLevel.MEDIUM: 1, RiskLevel.LOW: 0}


def look(name: str) -> Look:
    return _LOOKS.get(name, UNKNOWN)
