"""When sessions are answered, outcomes joined, models evaluated and trained; editable in the admin afterwards."""

from django.db import migrations

ANSWER = "Predict new and changed sessions"
JOIN = "Join outcomes to decisions"
EVALUATE = "Evaluate the champions"
TRAIN = "Train models"


def create(apps, schema_editor):
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    crontab = apps.get_model("django_celery_beat", "CrontabSchedule")
    periodic = apps.get_model("django_celery_beat", "PeriodicTask")
    minute, _ = interval.objects.get_or_create(every=1, period="minutes")

    def at(clock_hour, clock_minute, day_of_week="*"):
        schedule, _ = crontab.objects.get_or_create(
            minute=clock_minute,
            hour=clock_hour,
            day_of_week=day_of_week,
            day_of_month="*",
            month_of_year="*",
            timezone="UTC",
        )
        return schedule

    for name, task, schedule in (
        (ANSWER, "predictions.predict_changed", {"interval": minute}),
        (JOIN, "predictions.record_outcomes", {"crontab": at("4", "10")}),
        (EVALUATE, "predictions.evaluate_models", {"crontab": at("4", "40", "1")}),
        (TRAIN, "predictions.train_models", {"crontab": at("5", "10", "1"), "queue": "train"}),
    ):
        periodic.objects.get_or_create(name=name, defaults={"task": task, **schedule})


def remove(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(
        name__in=(ANSWER, JOIN, EVALUATE, TRAIN)
    ).delete()


class Migration(migrations.Migration):

    dependencies = [
        ("predictions", "0003_score_schedules"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(create, remove)]
