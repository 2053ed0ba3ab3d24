"""Scans of images: made, kept, compared, exported; advisories."""
