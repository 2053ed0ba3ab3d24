"""Trust servers (Notary v1), asked over whatever speaks to registries: it brings logins, TLS and patience."""
