"""The project shell as an app: it carries the commands that run the whole of SegWeb."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class SegwebConfig(AppConfig):
    """Register the shell's commands and start-up checks."""

    name = "segweb"

    def ready(self) -> None:
        """Register the checks; make this project's broker the one that every process sends to."""
        import segweb.celery
        import segweb.checks  # noqa: F401 - both register by being imported


class PortalAdminConfig(AdminConfig):
    """Django admin on the portal's own site."""

    default_site = "segweb.admin_site.PortalAdminSite"
