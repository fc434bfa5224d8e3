"""Admin of the predictions app; Django finds it through this package."""

from apps.predictions.admin import models, scores

__all__ = ["models", "scores"]
