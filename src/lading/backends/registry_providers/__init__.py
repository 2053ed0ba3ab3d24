"""Providers' own interfaces beside the registry protocol: logins that they mint, and lists of repositories."""
