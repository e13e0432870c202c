"""The project shell as an app: it carries the commands that run the whole of SegWeb."""

from django.apps import AppConfig


class SegwebConfig(AppConfig):
    """Register the shell's commands and start-up checks."""

    name = "segweb"
