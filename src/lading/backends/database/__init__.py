"""Names and what is known about content, in rows; and everything the service keeps.

    <data>/lading.db            SQLite in WAL mode, 0600; beside it SQLite's own -wal and -shm, and -commits of ours
    <data>/lading.db.lock       held while the database is made or migrated; empty
    <data>/wake/<pid>-<n>       sockets of those who are woken when something changed

Two ways in, over the same tables: `catalogue` for the command line, by the standard library alone, and
`service_database` for the servers, by SQLAlchemy, on SQLite or PostgreSQL. A client command imports neither SQLAlchemy
nor Alembic unless its database is older than the program, and psycopg is imported where a PostgreSQL is used. What the
ways and the databases share of SQL is proven by contract tests.

    failures.py      our errors, and the one table from SQLite's codes to them; postgres_failures.py: from SQLSTATEs
    file_system.py   is this folder on another machine's disk?
    schema.py/.sql   the tables as a new database gets them; schema_text.py says the same of what SQLAlchemy knows:
    tables.py        the store, the client and the embedded registry; service_tables.py: the service; columns.py: types
    database_file.py one connection to it
    prepare.py       a database of our version, whatever was there before; postgres.py: the same at a URL
    migrate.py       Alembic, over migrations/versions
    commit_mark.py   who commits tells all processes by it; data_version.py: and who did not
    connection.py    transactions of the catalogue, from any thread; postgres_catalogue.py: the same over a pool
    engine.py        SQLAlchemy's connections; transactions.py: its transactions; upsert.py: SQL it spells anew
    statements.py    the SQL of the catalogue
    catalogue.py     images, leases; hints.py: locations, profiles, uploads
    repositories.py  the embedded registry's rows; repository_view.py reads them
    *_rows.py        the service's rows, a noun or two each; service_database.py opens them all
    *_wakes.py       wake-ups between processes
"""
