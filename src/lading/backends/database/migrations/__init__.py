"""What Alembic runs. Scripts are numbered, and a released one is never changed.

A new version of the tables: change tables.py or service_tables.py, add `versions/NNNN_what_changes.py`, raise
schema.VERSION and print schema.sql anew (`python -m lading.backends.database.schema_text`);
tests/contract/database/test_schema.py compares them.
"""
