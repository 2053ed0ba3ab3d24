"""Where our files are is for who is at this machine: no door tells it to anybody else, and the log keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lading.backends.advisories.failures import AdvisoriesDamaged, AdvisoriesFull, AdvisoriesUnusable
from lading.backends.content_store.storage import BytesLost, DiskFull, SpaceLow, StorageUnusable
from lading.backends.credentials.failures import CredentialFileUnusable, SealBroken, SecretKeyMissing
from lading.backends.database.failures import (
    DatabaseBusy,
    DatabaseCorrupt,
    DatabaseFailed,
    DatabaseForeign,
    DatabaseFull,
    DatabaseNewer,
    DatabaseNotUnicode,
    DatabaseOnNetwork,
    DatabaseUnreachable,
    DatabaseUnwritable,
    MigrationFailed,
)
from lading.backends.http.refusals import CertificateFileUnusable, ClientCertificateRefused
from lading.backends.scanners.failures import FolderUnusable
from lading.errors import LadingError
from lading.fronts.docker_api.refusals import told
from lading.fronts.registry_api.replies import fault_of
from lading.fronts.rest_api.refusals import body_of
from lading.services.environments.connection_test import report_of
from lading.services.environments.environment import ConnectionType
from lading.services.running.ending import ending_of
from lading.services.transfers.failures import pull_failed, push_failed

HERE = Path("/srv/lading/content/blobs/x")
DATABASE = Path("/srv/lading/lading.db")
FAILURES: list[LadingError] = [
    StorageUnusable(HERE, "Permission denied"),
    BytesLost(HERE, "Input/output error"),
    DiskFull(HERE, 5, 1, "No space left on device"),
    SpaceLow(HERE, 1, 5),
    *(
        leaf(DATABASE, "disk I/O error in /srv/lading/lading.db")
        for leaf in (
            DatabaseFailed,
            DatabaseCorrupt,
            DatabaseFull,
            DatabaseBusy,
            DatabaseUnwritable,
            DatabaseUnreachable,
        )
    ),
    DatabaseNewer(DATABASE, 9, 5),
    DatabaseForeign(DATABASE),
    DatabaseOnNetwork(DATABASE, "nfs"),
    DatabaseNotUnicode("postgresql://lading@/lading?host=/srv/lading", "LATIN1"),
    MigrationFailed(DATABASE, 4, 5, "no such table"),
    CredentialFileUnusable(str(HERE), "it is empty"),
    SealBroken(str(HERE), "registry.test", "it is too short"),
    SecretKeyMissing(str(HERE)),
    ClientCertificateRefused("registry.test", str(HERE)),
    CertificateFileUnusable("CA", str(HERE), "it is empty"),
    AdvisoriesUnusable(str(HERE), "Permission denied"),
    AdvisoriesDamaged(str(HERE), "file is not a database"),
    AdvisoriesFull(str(HERE)),
    FolderUnusable(HERE, "Permission denied"),
]
each_failure = pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)


@each_failure
def test_every_door_keeps_it(failure: LadingError) -> None:
    def fails() -> str:
        raise failure

    doors = [
        body_of(failure),
        told(failure),
        fault_of(failure),
        ending_of(failure).line,
        ending_of(push_failed(failure, ConnectionType.EMBEDDED)).line,
        ending_of(pull_failed(failure, ConnectionType.EMBEDDED)).line,
        report_of([("ping", fails)]).steps,
    ]

    assert "/srv" in str(failure)
    assert [door for door in doors if "/srv" in str(door)] == []


def test_what_failed_is_still_said() -> None:
    assert body_of(StorageUnusable(HERE, "Permission denied")) == {
        "error": "cannot use the data folder: Permission denied",
        "code": "storage",
        "detail": "Permission denied",
    }
    assert told(DatabaseBusy(DATABASE, "locked")).message.startswith("the database stayed locked by another process")
    full = ending_of(DiskFull(HERE, 5, 1, "No space left on device")).line
    assert full["error"] == "the data folder has no room for 5 bytes: 1 are free"
