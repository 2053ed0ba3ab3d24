"""Content trust by Notary v1: the side that asks, signs and remembers."""
