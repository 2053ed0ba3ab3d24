"""The trust server's door (Notary v1): what docker's content trust and `notary` ask, beside the registry's /v2/."""
