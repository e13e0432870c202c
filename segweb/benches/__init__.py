"""Measurements anyone can repeat: `manage.py bench NAME` prints one as JSON."""
