"""Signatures: looked for, held against a policy, made, and asked for by our registry."""
