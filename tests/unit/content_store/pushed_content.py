"""Content of two sizes, and how it is pushed to a content folder."""

from __future__ import annotations

import os

from lading.backends.content_store.folder import ContentFolder
from lading.engine.cancel import Cancellation
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from tests.fakes.contents import PlannedContent
from tests.fakes.tracks import RecordingTrack

SMALL = b"layer " * 100
LARGE = os.urandom(1000) * 10_000  # nearly ten buffers


def descriptor_of(raw: bytes) -> Descriptor:
    return Descriptor("application/octet-stream", Digest.of(raw), len(raw))


def push(folder: ContentFolder, raw: bytes, content: PlannedContent | None = None) -> RecordingTrack:
    track = RecordingTrack()
    folder.push(descriptor_of(raw), content or PlannedContent(raw), track, Cancellation())
    return track
