from django.apps import AppConfig


class TutorsConfig(AppConfig):
    name = "apps.tutors"
    label = "tutors"
    verbose_name = "Tutors"
