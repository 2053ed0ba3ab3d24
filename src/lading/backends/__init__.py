"""Doors out: fulfil the protocols of the inner rooms. Backends ignore each other and know no front."""
