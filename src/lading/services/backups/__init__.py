"""Backups: made while everybody works, and brought back whole or not at all."""
