from django.apps import AppConfig


class LibConfig(AppConfig):
    name = "tutorscore.lib"
    label = "lib"
    verbose_name = "Machinery"

    def ready(self) -> None:
        from tutorscore.lib import checks  # noqa: F401 - registers the system checks
