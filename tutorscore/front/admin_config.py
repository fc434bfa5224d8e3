from django.contrib.admin.apps import AdminConfig


class ManagerAdminConfig(AdminConfig):
    """Takes the place of ``django.contrib.admin`` and brings the site of this application."""

    default_site = "tutorscore.front.admin_site.ManagerAdminSite"
