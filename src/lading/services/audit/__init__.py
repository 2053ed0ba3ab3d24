"""The audit trail: written, chained, sealed, read."""
