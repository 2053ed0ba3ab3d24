"""docs/registry.md: what it shows is what happens, to the letter."""

from __future__ import annotations

import re
import shlex
import time
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.database.repositories import open_records
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repository_edits import HoldManifest, PointTag
from lading.services.repository_records import Decide
from lading.services.repository_rows import HeldManifest
from tests.fakes.service_folder import ServiceFolder

PAGE = Path(__file__).parents[3] / "docs/registry.md"
RAW = b"image"
IMAGE = HeldManifest(Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(RAW), len(RAW)))


def pointing(tag: str) -> Decide:
    """The tag names the image."""
    return lambda _view: [HoldManifest(IMAGE), PointTag(tag, IMAGE.descriptor.digest)]


@pytest.fixture
def lading(lading: ServiceFolder) -> ServiceFolder:
    """With team/app, whose tags moved one after the other, and of which build-1 is locked."""
    lading("repository", "ls")
    with closing(open_records(lading.data / "lading.db")) as records:
        for place, tag in enumerate(("1.0", "build-1", "build-2", "build-3", "build-4")):
            records.change("team/app", pointing(tag), time.time() - 1000 + place)
    lading("lock", "team/app:build-1")
    blob = lading.data / "content/blobs/sha256" / Digest.of(RAW).encoded
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(RAW)
    return lading


def examples() -> list[tuple[str, str]]:
    """Each command of the page, and what it prints there."""
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [
        (command, printed) for block in blocks for command, printed in re.findall(r"\$ (.*)\n((?:[^$].*\n)*)", block)
    ]


def test_every_example_of_the_page_does_what_it_shows(lading: ServiceFolder) -> None:
    for command, printed in examples():
        name, *arguments = shlex.split(command)
        assert name == "lading"
        assert lading(*arguments).out == printed, command
    assert len(examples()) > 7
