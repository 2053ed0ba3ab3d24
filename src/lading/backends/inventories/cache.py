"""<data>/inventory.db: what was read once, so that nobody reads it again. It may be lost at any time.

    layer   diff_id, cataloger → the layer's inventory, compressed JSON
    image   config, cataloger  → what its layers come to, the same way
    blob    digest             → the diffID of what it unpacks to

`cataloger` is CATALOGER_VERSION: what was read under another number is not known, and forgotten when garbage is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from lading.backends.inventories.cache_file import CacheFile
from lading.backends.inventories.messages import AnswerInvalid, packed
from lading.backends.inventories.told import told_image, told_layer
from lading.inventory.layer import CATALOGER_VERSION, ImageInventory, LayerInventory
from lading.inventory.layer_json import image_json
from lading.oci.digest import Digest

_FORM = 1
_TABLES = (
    """CREATE TABLE layer (diff_id TEXT NOT NULL, cataloger INTEGER NOT NULL, content BLOB NOT NULL,
                           PRIMARY KEY (diff_id, cataloger))""",
    """CREATE TABLE image (config TEXT NOT NULL, cataloger INTEGER NOT NULL, content BLOB NOT NULL,
                           PRIMARY KEY (config, cataloger))""",
    "CREATE TABLE blob (digest TEXT NOT NULL PRIMARY KEY, diff_id TEXT NOT NULL) WITHOUT ROWID",
)


class InventoryCache:
    """For any number of threads and processes. What cannot be kept is not kept, what cannot be read is not known."""

    def __init__(self, path: Path, cataloger: int = CATALOGER_VERSION) -> None:
        self._file = CacheFile(path, _FORM, _TABLES)
        self._cataloger = cataloger

    def close(self) -> None:
        """Harmless twice."""
        self._file.close()

    # ── layers

    def known(self, diff_ids: Iterable[Digest]) -> frozenset[Digest]:
        """Those that are kept."""
        asked = [*diff_ids]
        statement = "SELECT 1 FROM layer WHERE diff_id = ? AND cataloger = ?"

        def look(connection: sqlite3.Connection) -> frozenset[Digest]:
            return frozenset(
                digest for digest in asked if connection.execute(statement, (str(digest), self._cataloger)).fetchone()
            )

        return self._file.read(look, frozenset())

    def layers(self, diff_ids: Iterable[Digest]) -> Mapping[Digest, LayerInventory]:
        """Those that are kept, and can be read."""
        contents = {digest: self._content("layer", "diff_id", digest) for digest in diff_ids}
        found: dict[Digest, LayerInventory] = {}
        for digest, content in contents.items():
            try:
                if content is not None:
                    found[digest] = told_layer(content)
            except AnswerInvalid:
                continue  # as if it were not there: it is read again, and replaced
        return found

    def keep_layer(self, diff_id: Digest, content: bytes) -> None:
        """`content` is its inventory as a child tells it."""
        self._keep("INSERT OR REPLACE INTO layer VALUES (?, ?, ?)", (str(diff_id), self._cataloger, content))

    # ── what blobs unpack to

    def unpacked(self, blob: Digest) -> Digest | None:
        """The diffID of this layer as it is kept, None where nobody has unpacked it."""
        statement = "SELECT diff_id FROM blob WHERE digest = ?"
        row = self._file.read(lambda connection: connection.execute(statement, (str(blob),)).fetchone(), None)
        return Digest.if_valid(row[0]) if row else None

    def keep_unpacked(self, blob: Digest, diff_id: Digest) -> None:
        """What this layer unpacks to; whoever says so has hashed all of it."""
        self._keep("INSERT OR REPLACE INTO blob VALUES (?, ?)", (str(blob), str(diff_id)))

    # ── images

    def image(self, config: Digest) -> ImageInventory | None:
        """None where it is not kept, or cannot be read."""
        content = self._content("image", "config", config)
        try:
            return None if content is None else told_image(content)
        except AnswerInvalid:
            return None

    def keep_image(self, config: Digest, inventory: ImageInventory) -> None:
        """What the layers of the image with this config come to."""
        content = packed(json.dumps(image_json(inventory), separators=(",", ":")).encode())
        self._keep("INSERT OR REPLACE INTO image VALUES (?, ?, ?)", (str(config), self._cataloger, content))

    # ── forgetting

    def forget(self, keep: Collection[Digest]) -> None:
        """All but these layers and images, and what older catalogers read."""
        kept = {str(digest) for digest in keep}

        def forgetting(connection: sqlite3.Connection) -> None:
            for table, key in (("layer", "diff_id"), ("image", "config")):
                names = {name for (name,) in connection.execute(f"SELECT {key} FROM {table}")}  # noqa: S608 - ours
                gone = [(name,) for name in names - kept]
                connection.executemany(f"DELETE FROM {table} WHERE {key} = ?", gone)  # noqa: S608
                connection.execute(f"DELETE FROM {table} WHERE cataloger < ?", (self._cataloger,))  # noqa: S608
            connection.execute("DELETE FROM blob WHERE diff_id NOT IN (SELECT diff_id FROM layer)")

        self._file.write(forgetting)

    # ── statements

    def _content(self, table: str, key: str, digest: Digest) -> bytes | None:
        statement = f"SELECT content FROM {table} WHERE {key} = ? AND cataloger = ?"  # noqa: S608 - names are ours
        parameters = (str(digest), self._cataloger)
        row = self._file.read(lambda connection: connection.execute(statement, parameters).fetchone(), None)
        return row[0] if row and isinstance(row[0], bytes) else None

    def _keep(self, statement: str, row: Sequence[object]) -> None:
        self._file.write(lambda connection: connection.execute(statement, row))
