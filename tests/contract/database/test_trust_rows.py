"""What the trust server keeps, on every database."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lading.backends.database.service_database import ServiceDatabase
from lading.services.secrets import OF_TRUST_KEY
from lading.services.trust.records import ChangeKind, Gun, ServerKeyRow, TrustChange, TrustFile

GUN = Gun("registry.example/team/app", "team/app")
TUNNEL = Gun("localhost:5000/team/app", "team/app")
OTHER = Gun("registry.example/other/team/app", "other/team/app")
KEY = ServerKeyRow(GUN.name, "timestamp", "one", b"\x00public", "sealed", 1.5)


def file(role: str, version: int, at: float = 1000.5, more: str = "") -> TrustFile:
    content = f"{role} {version}{more}\0".encode()
    return TrustFile(role, version, hashlib.sha256(content).hexdigest(), content, at)


FIRST = [file(role, 1) for role in ("root", "snapshot", "targets", "targets/alice", "timestamp")]
ROLES = [each.role for each in FIRST]


def began(database: ServiceDatabase, gun: Gun = GUN) -> str:
    """The first files are published; the timestamp's checksum."""
    assert database.trust.publish(gun, None, FIRST, ROLES)
    return FIRST[-1].sha256


def test_all_files_of_an_update_are_the_newest_at_once(database: ServiceDatabase) -> None:
    seen = began(database)
    second = [file(role, 2, 2000.5) for role in ("snapshot", "targets", "timestamp")]
    assert database.trust.publish(GUN, seen, second, ROLES)

    newest = database.trust.newest(GUN.name)
    assert {role: each.version for role, each in newest.items()} == {
        "root": 1,
        "snapshot": 2,
        "targets": 2,
        "targets/alice": 1,
        "timestamp": 2,
    }
    assert newest["targets"] == second[1] == database.trust.newest_of(GUN.name, "targets")
    assert database.trust.of_version(GUN.name, "targets", 1) == FIRST[2]
    assert database.trust.of_checksum(GUN.name, "timestamp", seen) == FIRST[4]
    assert database.trust.of_checksum(GUN.name, "snapshot", seen) is None
    assert database.trust.newest(OTHER.name) == {}


def test_who_saw_another_timestamp_is_too_late(database: ServiceDatabase) -> None:
    late = [file("timestamp", 2)]
    assert not database.trust.publish(GUN, "0" * 64, late, ROLES)
    seen = began(database)

    assert not database.trust.publish(GUN, None, late, ROLES)
    assert database.trust.newest_of(GUN.name, "timestamp") == FIRST[-1]
    assert database.trust.publish(GUN, seen, late, ROLES)
    assert not database.trust.publish(GUN, seen, [file("timestamp", 3)], ROLES)


def test_of_several_who_publish_at_once_one_is_first(database: ServiceDatabase) -> None:
    seen = began(database)
    updates = [[file("targets", 2, more=f" of {who}"), file("timestamp", 2, more=f" of {who}")] for who in range(6)]

    with ThreadPoolExecutor(len(updates)) as threads:
        taken = list(threads.map(lambda update: database.trust.publish(GUN, seen, update, ROLES), updates))

    [first] = [update for update, was in zip(updates, taken, strict=True) if was]
    newest = database.trust.newest(GUN.name)
    assert [newest["targets"], newest["timestamp"]] == first


def test_a_role_that_nobody_delegates_to_is_no_part_until_it_is_published_again(database: ServiceDatabase) -> None:
    seen = began(database)
    second = file("timestamp", 2)
    assert database.trust.publish(GUN, seen, [second], [role for role in ROLES if role != "targets/alice"])
    assert database.trust.newest_of(GUN.name, "targets/alice") is None

    third, again = file("timestamp", 3, 3000.5), replace(FIRST[3], created=3000.5)
    assert database.trust.publish(GUN, second.sha256, [third, again], ROLES)
    assert database.trust.newest_of(GUN.name, "targets/alice") == again


def test_a_removed_collection_leaves_a_line_of_the_changefeed(database: ServiceDatabase) -> None:
    began(database, OTHER)
    seen = began(database)
    database.trust.add_key(KEY)

    assert database.trust.remove(GUN.name, 5000.5)
    assert not database.trust.remove(GUN.name, 6000.5)
    assert database.trust.newest(GUN.name) == {}
    assert database.trust.keys(GUN.name) == []
    assert database.trust.changes([GUN.name], None, 10, backwards=False) == [
        TrustChange(2, GUN.name, 1, seen, ChangeKind.UPDATE, 1000.5),
        TrustChange(3, GUN.name, 0, "", ChangeKind.DELETION, 5000.5),
    ]
    assert began(database)  # and it may begin anew


def test_the_changefeed_is_read_from_both_ends(database: ServiceDatabase) -> None:
    seen = began(database)
    for version in range(2, 7):
        new = file("timestamp", version)
        assert database.trust.publish(GUN, seen, [new], ROLES)
        seen = new.sha256

    def versions(after: int | None, count: int, *, backwards: bool = False) -> list[int]:
        return [
            each.version for each in database.trust.changes(database.trust.changed(), after, count, backwards=backwards)
        ]

    assert versions(None, 2) == [1, 2]
    assert versions(2, 2) == [3, 4]
    assert versions(None, 2, backwards=True) == [5, 6]
    assert versions(5, 2, backwards=True) == [3, 4]
    assert database.trust.changes([OTHER.name], None, 10, backwards=False) == []


def test_the_changefeed_is_read_of_some_collections_and_tells_of_removed_ones(database: ServiceDatabase) -> None:
    for gun in (GUN, OTHER, TUNNEL):
        began(database, gun)
    database.trust.remove(OTHER.name, 5000.5)

    assert sorted(database.trust.changed()) == sorted([GUN.name, OTHER.name, TUNNEL.name])
    told = database.trust.changes([OTHER.name, TUNNEL.name], 1, 2, backwards=False)
    assert [(each.id, each.gun) for each in told] == [(2, OTHER.name), (3, TUNNEL.name)]
    assert database.trust.changes([], None, 10, backwards=False) == []


def test_collections_are_found_by_their_repository_and_by_age(database: ServiceDatabase) -> None:
    for gun in (GUN, OTHER, TUNNEL):
        began(database, gun)
    assert database.trust.guns("team/app") == [GUN.name, TUNNEL.name]
    assert database.trust.signed_before(1000.5) == []
    assert sorted(database.trust.signed_before(1001), key=str) == [TUNNEL, OTHER, GUN]


@pytest.mark.parametrize("since", [GUN, TUNNEL])
def test_what_befalls_other_collections_makes_none_the_older_one(database: ServiceDatabase, since: Gun) -> None:
    """The first collection's root is the one that counts: whoever may push elsewhere must not choose it."""
    rows = database.trust
    for gun in (GUN, TUNNEL, OTHER):
        began(database, gun)
    rows.remove(OTHER.name, 5000.5)
    began(database, OTHER)

    assert rows.publish(since, FIRST[-1].sha256, [file("timestamp", 2)], ROLES)

    assert rows.guns("team/app") == [GUN.name, TUNNEL.name]


def test_what_nobody_reads_any_more_is_forgotten_but_no_root(database: ServiceDatabase) -> None:
    seen = began(database)
    newer = [file(role, 2, 2000.5) for role in ("root", "snapshot", "timestamp")]
    assert database.trust.publish(GUN, seen, newer, ROLES)

    assert database.trust.thin(1500, 2000) == 0  # somebody may still be reading
    assert database.trust.thin(1000, 3000) == 0
    assert database.trust.thin(1500, 3000) == 2
    assert database.trust.of_version(GUN.name, "root", 1) == FIRST[0]
    assert database.trust.of_version(GUN.name, "snapshot", 1) is None
    assert database.trust.newest_of(GUN.name, "targets") == FIRST[2]


def test_of_old_changes_each_collection_that_is_there_keeps_its_first_and_its_newest(database: ServiceDatabase) -> None:
    rows = database.trust
    _, seen, _ = (began(database, gun) for gun in (OTHER, GUN, TUNNEL))
    for version in range(2, 5):
        new = file("timestamp", version, 1000.5 + version)
        assert rows.publish(GUN, seen, [new], ROLES)
        seen = new.sha256
    rows.remove(OTHER.name, 2000.5)
    assert rows.publish(OTHER, None, [replace(each, created=2500.5) for each in FIRST], ROLES)
    rows.remove(OTHER.name, 3000.5)

    def told() -> list[tuple[int, str]]:
        return [(each.id, each.gun) for each in rows.changes(rows.changed(), None, 100, backwards=False)]

    assert rows.thin_changes(1000) == 0
    assert rows.thin_changes(2000) == 3
    assert told() == [
        (2, GUN.name),
        (3, TUNNEL.name),
        (6, GUN.name),
        (7, OTHER.name),
        (8, OTHER.name),
        (9, OTHER.name),
    ]
    assert rows.thin_changes(4000) == 3
    assert told() == [(2, GUN.name), (3, TUNNEL.name), (6, GUN.name)]
    assert rows.thin_changes(4000) == 0
    assert rows.guns("team/app") == [GUN.name, TUNNEL.name]  # which one is there for longest is told by its first
    began(database, OTHER)
    assert told()[-1] == (10, OTHER.name)


def test_keys_of_collections_that_never_came_to_be_are_forgotten(database: ServiceDatabase) -> None:
    began(database)
    database.trust.add_key(KEY)
    for name, created in (("old", 10.5), ("new", 2000.5)):
        database.trust.add_key(replace(KEY, gun=name, key_id=name, created=created))

    assert database.trust.thin(1500, 2000) == 1
    assert [bool(database.trust.keys(gun)) for gun in (GUN.name, "old", "new")] == [True, False, True]


def test_keys_come_latest_first_and_the_first_is_made_once(database: ServiceDatabase) -> None:
    later = replace(KEY, key_id="two", created=2.5)
    snapshot = replace(KEY, role="snapshot", key_id="three")
    for key, only in ((KEY, True), (replace(KEY, key_id="lost"), True), (later, False), (snapshot, True)):
        database.trust.add_key(key, only=only)
    assert database.trust.keys(GUN.name) == [later, KEY, snapshot]

    database.trust.forget_keys(GUN.name, ["one", "no such"])
    assert [key.key_id for key in database.trust.keys(GUN.name)] == ["two", "three"]


def test_keys_are_sealed_again_for_their_own_places(database: ServiceDatabase) -> None:
    database.trust.add_key(KEY)
    database.trust.add_key(replace(KEY, role="snapshot", key_id="two", private_sealed="another"))

    assert database.seals.reseal(lambda place, sealed: f"{sealed} of {place}") == 2
    assert {key.private_sealed for key in database.trust.keys(GUN.name)} == {
        f"sealed of {OF_TRUST_KEY.format(GUN.name, 'timestamp', 'one')}",
        f"another of {OF_TRUST_KEY.format(GUN.name, 'snapshot', 'two')}",
    }
