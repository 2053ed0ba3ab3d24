"""Environments: the places where images live, and what is asked of them."""
