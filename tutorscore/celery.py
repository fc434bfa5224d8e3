"""The Celery application. Rows are the queue of record; Celery only wakes workers."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tutorscore.settings")

app = Celery("tutorscore")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
