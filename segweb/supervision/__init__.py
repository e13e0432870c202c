"""The embedded stack: Valkey, web and workers as children of one process."""
