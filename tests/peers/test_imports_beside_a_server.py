"""Jobs ended at the command line, beside servers whose content is in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lading.backends.content_store.objects.archives import ArchiveObjects
from lading.backends.content_store.objects.bucket import Bucket
from lading.backends.content_store.objects.local_turns import FileTurns
from lading.backends.credentials.own import OwnCredentials
from lading.main.administration import DataFolderAdministration
from lading.oci.platform import Platform
from lading.services.access import LADING
from lading.services.jobs.job import JobRequest, JobState
from lading.services.work.imports import IMPORT, ImportUnknown
from lading.settings import Settings
from tests.peers.s3_server import RunningS3

pytestmark = pytest.mark.peer("weed")


@contextmanager
def beside(data: Path, storage: str) -> Iterator[DataFolderAdministration]:
    """One command; what it asked for waits for a server."""
    with ExitStack() as stack:
        logins = OwnCredentials(data / "logins.json", data / "secret.key")
        settings = Settings(data, storage=storage)
        yield DataFolderAdministration(stack, settings, data, Platform("linux", "amd64"), logins)


def test_an_archive_that_came_for_a_cancelled_job_goes_from_the_bucket(
    s3: RunningS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    address = s3.address()
    archives = ArchiveObjects(Bucket.at(address), FileTurns(tmp_path / "turns"))
    arrived = archives.begin(0)

    with beside(tmp_path, address) as asking:
        request = JobRequest(IMPORT, {"environment": 1, "import": arrived, "once": True})
        job = asking.jobs.start(LADING, request)
    with beside(tmp_path, address) as another:
        assert another.jobs.cancel(LADING, job.id).state is JobState.CANCELLED

    with pytest.raises(ImportUnknown):
        archives.owner(arrived)
