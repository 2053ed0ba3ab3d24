"""Lading moves container images: it pulls, pushes, copies, keeps and proves them."""

__version__ = "0.1.0.dev0"
