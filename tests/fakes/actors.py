"""Actors and grants of every kind, for properties."""

from __future__ import annotations

from hypothesis import strategies as st

from lading.services.access import Actor, Grant, Permission

PATTERNS = ("*", "images:*", "audit:*", *Permission)

permissions = st.frozensets(st.sampled_from(PATTERNS), max_size=4)
environments = st.none() | st.frozensets(st.integers(1, 3), max_size=3)
repositories = st.none() | st.lists(
    st.sampled_from(["team/*", "team/app", "*", "other", "ghcr.io/*", "ghcr.io/team/*", "*.io/*"]), max_size=3
).map(tuple)
grants = st.builds(Grant, permissions, environments, repositories)
actors = st.builds(Actor, st.just("ann"), st.lists(grants, max_size=3).map(tuple), st.just(7))
