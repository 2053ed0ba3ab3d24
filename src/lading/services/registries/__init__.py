"""Configured registries and their providers: how each is reached and looked into."""
