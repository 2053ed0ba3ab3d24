"""Several `lading serve` and `lading worker` on one PostgreSQL and one S3 server, under load and under faults."""
