"""Bring a fresh machine to a running SegWeb. Standard library only: it runs before anything is installed."""
