"""Where archives arrive that are sent to this server: beside its content."""

from __future__ import annotations

from pathlib import Path

from lading.backends.content_store.arriving_archives import ArchiveFolder
from lading.backends.content_store.folder import ContentFolder
from lading.main.content_place import OwnContent
from lading.main.data_folder import IMPORTS
from lading.services.work.imports import ArrivingArchives


def archives_of(data: Path, content: OwnContent) -> ArrivingArchives:
    """Any process that has the content has them, too: so each piece may come to another server."""
    if isinstance(content, ContentFolder):
        return ArchiveFolder(data / IMPORTS)
    from lading.backends.content_store.objects.archives import ArchiveObjects  # noqa: PLC0415  where there is a bucket

    return ArchiveObjects(content.bucket, content.turns)
