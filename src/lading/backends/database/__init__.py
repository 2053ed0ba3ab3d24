"""Names and what is known about content, in rows.

    <data>/lading.db            SQLite in WAL mode, 0600; beside it SQLite's own -wal and -shm
    <data>/lading.db.lock       held while the database is made or migrated; empty

Two ways in, over the same tables: `catalogue` for the command line, by the standard library alone, and `repositories`
for the servers, by SQLAlchemy. A client command imports neither SQLAlchemy nor Alembic unless its database is older
than the program. What the two ways share of SQL is proven by one contract test.

    failures.py      our errors, and the one table from SQLite's codes to them
    file_system.py   is this folder on another machine's disk?
    schema.py/.sql   the tables as a new database gets them; `tables.py` says the same to SQLAlchemy
    database_file.py one connection to it
    prepare.py       a database of our version, whatever was there before
    migrate.py       Alembic, over migrations/versions
    connection.py    transactions, from any thread; engine.py: the same for SQLAlchemy; upsert.py: SQL it spells anew
    statements.py    the SQL of the catalogue
    catalogue.py     images, leases; hints.py: locations, profiles, uploads
    repositories.py  the embedded registry's rows; repository_view.py reads them
"""
