#!/usr/bin/env python
"""Run a SegWeb management command."""

import os
import sys


def main() -> None:
    """Hand the command line to Django, with development settings unless the environment names others."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "segweb.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"SegWeb cannot start: {error}")


if __name__ == "__main__":
    main()
