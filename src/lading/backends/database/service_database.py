"""Everything the service keeps, in one database: opened once in a process, for any thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from lading.backends.database.agent_rows import DatabaseAgents
from lading.backends.database.audit_rows import DatabaseAudit
from lading.backends.database.catalogue import Catalogue, open_catalogue
from lading.backends.database.check_rows import DatabaseChecks
from lading.backends.database.data_version import DataVersion
from lading.backends.database.engine import open_engine
from lading.backends.database.failures import Place
from lading.backends.database.figure_rows import DatabaseFigures
from lading.backends.database.gate_rows import DatabaseGates
from lading.backends.database.hold_rows import DatabaseHolds, DatabaseShares
from lading.backends.database.identity_rows import DatabaseIdentities
from lading.backends.database.job_rows import DatabaseJobs
from lading.backends.database.layer_rows import DatabaseLayers
from lading.backends.database.login_rows import DatabaseSessions, DatabaseTokens
from lading.backends.database.minted_rows import DatabaseMintedLogins
from lading.backends.database.place_rows import DatabaseEnvironments, DatabaseRegistries
from lading.backends.database.prepare import prepare
from lading.backends.database.repositories import DatabaseRecords
from lading.backends.database.sample_rows import DatabaseSamples
from lading.backends.database.scan_rows import DatabaseScans
from lading.backends.database.sealed_rows import DatabaseSeals
from lading.backends.database.setting_rows import DatabaseSchedules, DatabaseSettings
from lading.backends.database.tables import held_blob, held_manifest, image
from lading.backends.database.tag_contents import DatabaseTagContents
from lading.backends.database.transactions import Transactions
from lading.backends.database.trust_key_rows import DatabaseTrustKeys
from lading.backends.database.trust_rows import DatabaseTrust
from lading.backends.database.trust_verdict_rows import DatabaseTrustVerdicts
from lading.backends.database.user_rows import DatabaseUsers
from lading.services.changes import WokenChanges
from lading.services.wakes import Wakes

if TYPE_CHECKING:
    from lading.backends.database.turn_rows import DatabaseTurns

NAMING = (image, held_manifest, held_blob)
"""Tables whose rows stand for content."""


def open_service_database(place: Path | str, clock: Callable[[], float]) -> ServiceDatabase:
    """The database at `place`, a file or a URL of PostgreSQL's; made or migrated first where it has to be.

    `clock` tells seconds since 1970. Raises DatabaseFailed.
    """
    if isinstance(place, str):
        return _on_postgres(place, clock)
    from lading.backends.database.datagram_wakes import DatagramWakes  # noqa: PLC0415  not on PostgreSQL

    prepare(place)
    transactions = Transactions(open_engine(place), place, apart=open_engine(place, 1))
    catalogue = open_catalogue(place, clock, transactions.queue, transactions.note)
    return ServiceDatabase(transactions, catalogue, DatagramWakes(place), DataVersion(place))


def _on_postgres(url: str, clock: Callable[[], float]) -> ServiceDatabase:
    """Imported here: SQLite's users wait for no other database's libraries."""
    from lading.backends.database.postgres import open_postgres  # noqa: PLC0415
    from lading.backends.database.postgres_catalogue import PostgresConnections  # noqa: PLC0415
    from lading.backends.database.postgres_wakes import PostgresWakes  # noqa: PLC0415

    transactions = open_postgres(url)
    catalogue = Catalogue(PostgresConnections(transactions), clock)
    return ServiceDatabase(transactions, catalogue, PostgresWakes(transactions), WokenChanges(time.monotonic))


class ServiceDatabase:
    """Records of every noun. `shared`: other servers may be at work on the same rows."""

    def __init__(
        self, transactions: Transactions, catalogue: Catalogue, wakes: Wakes, changes: DataVersion | WokenChanges
    ) -> None:
        self._transactions = transactions
        self.catalogue, self.wakes, self.changes = catalogue, wakes, changes
        transactions.committed, transactions.told = changes.committed, wakes.tell
        self.place: Place = transactions.place
        self.shared = transactions.postgres
        self.repositories = DatabaseRecords(transactions)
        self.tag_contents = DatabaseTagContents(transactions)
        self.checks = DatabaseChecks(transactions)
        self.figures = DatabaseFigures(transactions)
        self.samples = DatabaseSamples(transactions)
        self.users = DatabaseUsers(transactions)
        self.identities = DatabaseIdentities(transactions)
        self.sessions = DatabaseSessions(transactions)
        self.tokens = DatabaseTokens(transactions)
        self.audit = DatabaseAudit(transactions)
        self.registries = DatabaseRegistries(transactions)
        self.holds = DatabaseHolds(transactions)
        self.shares = DatabaseShares(transactions)
        self.minted_logins = DatabaseMintedLogins(transactions)
        self.environments = DatabaseEnvironments(transactions)
        self.agents = DatabaseAgents(transactions)
        self.scans = DatabaseScans(transactions)
        self.gates = DatabaseGates(transactions)
        self.trust = DatabaseTrust(transactions)
        self.seals = DatabaseSeals(transactions)
        self.layers = DatabaseLayers(transactions)
        self.trust_keys = DatabaseTrustKeys(transactions)
        self.trust_verdicts = DatabaseTrustVerdicts(transactions)
        self.jobs = DatabaseJobs(transactions)
        self.settings = DatabaseSettings(transactions)
        self.schedules = DatabaseSchedules(transactions)

    def turns(self) -> DatabaseTurns:
        """Turns of processes that share these rows and no disk. To be closed. Raises DatabaseFailed."""
        from lading.backends.database.postgres import beside  # noqa: PLC0415  nobody whose content is on a disk
        from lading.backends.database.turn_rows import GATES, DatabaseTurns  # noqa: PLC0415  as above

        return DatabaseTurns(self._transactions, beside(self._transactions, GATES))

    def ready(self) -> None:
        """Raises DatabaseFailed where it does not answer now, or is PostgreSQL's and became too new for us."""
        with self._transactions.reading() as connection:
            if self._transactions.postgres:
                from lading.backends.database.postgres import refuse_newer  # noqa: PLC0415  not on SQLite

                refuse_newer(connection, self._transactions.place)
            else:
                connection.exec_driver_sql("SELECT 1")

    def names_content(self) -> bool:
        """Whether any name here stands for content. Raises DatabaseFailed."""
        with self._transactions.reading() as connection:
            return any(connection.execute(select(1).select_from(each).limit(1)).first() for each in NAMING)

    def snapshot(self, into: Path) -> None:
        """All rows as they stand, as an SQLite file of our version where no file is yet. Raises DatabaseFailed."""
        from lading.backends.database.snapshots import copy_file, copy_postgres  # noqa: PLC0415  only a backup needs it

        if isinstance(self.place, Path):
            copy_file(self.place, into)
        else:
            copy_postgres(self._transactions, into)

    def close(self) -> None:
        """Writes what was kept back, and closes every connection; harmless twice."""
        self.catalogue.close()
        self.changes.close()
        self._transactions.close()
