"""Policies, exceptions and their verdicts: what may come, go, or be promoted."""
