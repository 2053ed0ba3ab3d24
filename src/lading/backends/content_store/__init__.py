"""Blobs in a folder, and images in archives and OCI layouts."""
