"""A workstation: SQLite and Valkey in the data folder, everything on 127.0.0.1."""

from segweb.settings.base import *  # noqa: F403

DEBUG = False
