"""The /v2/ door: the OCI distribution specification over the repositories service."""
