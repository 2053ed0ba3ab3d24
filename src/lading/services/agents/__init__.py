"""Agents at Docker hosts that nobody can dial: how they log in, and how long they may stay."""
