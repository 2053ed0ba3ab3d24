"""The server itself: its settings, figures, diagnosis, and the keys of its secrets."""
