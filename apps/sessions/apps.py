from django.apps import AppConfig


class SessionsConfig(AppConfig):
    name = "apps.sessions"
    label = "tutoring_sessions"  # the label "sessions" belongs to Django's web sessions
    verbose_name = "Sessions"
