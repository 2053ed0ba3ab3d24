"""Passwords made unreadable with argon2id; the only room that knows the library. It must not keep a password."""
