from django.apps import AppConfig


class FrontConfig(AppConfig):
    name = "tutorscore.front"
    label = "front"
    verbose_name = "Front"
