"""The hourly round and the minute's sending, as rows that managers may edit in the admin."""

from django.db import migrations

HOURLY = "Alerts: predict, decide, open deliveries and alerts"
MINUTELY = "Alerts: send what is due"


def create_schedules(apps, schema_editor):
    Crontab = apps.get_model("django_celery_beat", "CrontabSchedule")
    Interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    Task = apps.get_model("django_celery_beat", "PeriodicTask")
    hourly, _ = Crontab.objects.get_or_create(
        minute="4", hour="*", day_of_week="*", day_of_month="*", month_of_year="*", timezone="UTC"
    )
    every_minute, _ = Interval.objects.get_or_create(every=1, period="minutes")
    Task.objects.get_or_create(
        name=HOURLY, defaults={"task": "alerts.run_hour", "crontab": hourly, "expire_seconds": 3300}
    )
    Task.objects.get_or_create(
        name=MINUTELY, defaults={"task": "alerts.send_due", "interval": every_minute, "expire_seconds": 55}
    )


def delete_schedules(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name__in=[HOURLY, MINUTELY]).delete()


class Migration(migrations.Migration):

    dependencies = [
        ("alerts", "0002_replies_and_history"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(create_schedules, delete_schedules)]
