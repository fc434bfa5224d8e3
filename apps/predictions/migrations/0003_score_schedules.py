"""When scores are computed; editable in the admin afterwards."""

from django.db import migrations

DRAIN = "Score tutors whose facts changed"
VERIFY = "Check scores against a full recompute"
REFIT = "Refit the priors of tutor metrics"


def create(apps, schema_editor):
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    crontab = apps.get_model("django_celery_beat", "CrontabSchedule")
    periodic = apps.get_model("django_celery_beat", "PeriodicTask")
    minute, _ = interval.objects.get_or_create(every=1, period="minutes")
    nightly, _ = crontab.objects.get_or_create(
        minute="40", hour="3", day_of_week="*", day_of_month="*", month_of_year="*", timezone="UTC"
    )
    weekly, _ = crontab.objects.get_or_create(
        minute="10", hour="2", day_of_week="1", day_of_month="*", month_of_year="*", timezone="UTC"
    )
    for name, task, schedule in (
        (DRAIN, "predictions.drain_stale_tutors", {"interval": minute}),
        (VERIFY, "predictions.verify_scores", {"crontab": nightly}),
        (REFIT, "predictions.refit_priors", {"crontab": weekly}),
    ):
        periodic.objects.get_or_create(name=name, defaults={"task": task, **schedule})


def remove(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name__in=(DRAIN, VERIFY, REFIT)).delete()


class Migration(migrations.Migration):

    dependencies = [
        ("predictions", "0002_training_runs_and_draws"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(create, remove)]
