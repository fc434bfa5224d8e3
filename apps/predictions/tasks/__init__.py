"""Tasks of the predictions app; Celery finds them through this package."""

from apps.predictions.tasks import learning, scores

__all__ = ["learning", "scores"]
