"""What the record tells whoever listens, where an arrow upwards would be needed to call them.

A task is one act and names the next one; a signal is for a listener that the record must not know.
"""

from __future__ import annotations

from django.dispatch import Signal

series_settled = Signal()
"""Sent with `series` once nothing more of it has arrived for a while and its pixels can be read; perhaps repeatedly."""
