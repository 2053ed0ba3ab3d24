from __future__ import annotations

from lading.wire.event_json import event_json, totals_json
from tests.fakes.progress_fixture import read_events, read_objects, read_totals


def test_every_event_of_the_fixture_is_written_as_the_fixture_has_it() -> None:
    for part in ("events", "last"):
        assert [event_json(event) for event in read_events(part)] == read_objects(part)


def test_totals_are_written_by_their_names() -> None:
    totals = read_totals()

    assert totals_json(totals) == {
        "image": totals.image,
        "sent": totals.sent,
        "kept": totals.kept,
        "exists": totals.exists,
        "mounted": totals.mounted,
        "left": totals.left,
    }
