"""Scanners that are programs of others, grype and trivy: run apart from us, on a folder, without a network."""
