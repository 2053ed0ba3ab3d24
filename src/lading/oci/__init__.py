"""Nouns of the image and distribution specifications: pure values, no input or output, no clock, no wire."""
