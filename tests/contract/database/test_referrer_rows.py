"""A list of referrers, whose annotations strangers chose, is read no further than somebody asks."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sqlalchemy import event

from lading.backends.database.engine import open_engine
from lading.backends.database.prepare import prepare
from lading.backends.database.repositories import DatabaseRecords
from lading.backends.database.transactions import Transactions
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repositories.edits import HoldManifest
from lading.services.repositories.rows import HeldManifest

SUBJECT = Digest.of(b"subject")
LARGE = 600_000


def referrer(number: int) -> HoldManifest:
    said = {"says": "y" * (LARGE - 100)}
    descriptor = Descriptor("a/b", Digest.of(b"%d" % number), LARGE, artifact_type="x/y", annotations=said)
    return HoldManifest(HeldManifest(descriptor, (), SUBJECT))


def test_who_stops_early_has_the_others_never_read(tmp_path: Path) -> None:
    path = tmp_path / "lading.db"
    prepare(path)
    transactions = Transactions(open_engine(path), path)
    asked: list[str] = []
    with closing(DatabaseRecords(transactions)) as records:
        records.change("r", lambda _view: [referrer(number) for number in range(8)], 1.0)
        event.listen(transactions.engine, "before_cursor_execute", lambda *said: asked.append(str(said[2])))

        listing = records.referrers("r", SUBJECT)
        assert not asked
        first = next(listing)

        reading = [each for each in asked if "annotations" in each]
        assert len(reading) == 1
        assert reading[0].count("?") == 2  # the repository, and one digest
        assert not list(records.referrers("r", SUBJECT, "none/none"))
        assert [each for each in asked if "annotations" in each] == reading
        assert [first, *listing] == list(records.referrers("r", SUBJECT))
