"""Letting go of tags, as the rules of a repository say."""
