"""OpenID Connect, as far as a program needs it that people log in to: the code flow with PKCE."""
