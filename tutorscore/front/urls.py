"""Addresses of the pages and of the two machine endpoints."""

from __future__ import annotations

from django.urls import path

from tutorscore.front.views import alerts, appearance, fresh, machines, outbox, today, tutors, upcoming

urlpatterns = [
    path("", today.today, name="today"),
    path("alerts/<int:pk>/", today.alert, name="alert"),
    path("alerts/<int:pk>/take", alerts.take, name="alert_take"),
    path("alerts/<int:pk>/snooze", alerts.snooze, name="alert_snooze"),
    path("alerts/<int:pk>/resolve", alerts.resolve, name="alert_resolve"),
    path("alerts/<int:pk>/reopen", alerts.reopen, name="alert_reopen"),
    path("tutors/", tutors.tutors, name="tutors"),
    path("tutors/<int:pk>/", tutors.tutor, name="tutor"),
    path("upcoming/", upcoming.upcoming, name="upcoming"),
    path("sessions/<int:pk>/", upcoming.session, name="session"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<uuid:public_id>/", outbox.delivery, name="delivery"),
    path("outbox/<uuid:public_id>/mail", outbox.delivery_mail, name="delivery_mail"),
    path("fresh", fresh.fresh, name="fresh"),
    path("appearance", appearance.appearance, name="appearance"),
    path("health", machines.health, name="health"),
    path("ready", machines.ready, name="ready"),
]
