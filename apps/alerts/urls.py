"""Addresses a tutor reaches through the signed links of a mail."""

from __future__ import annotations

from django.urls import path

from apps.alerts import views

urlpatterns = [path("mail/<str:token>", views.mail_reply, name="mail_reply")]
