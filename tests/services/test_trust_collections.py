"""The trust server: what is taken, what is signed anew, whose keys sign, and what stays when something goes."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lading.backends.credentials.box import GivenKeys
from lading.backends.database.trust_rows import DatabaseTrust
from lading.proof.tuf_build import (
    DAY,
    Collection,
    changed,
    delegate,
    initialise,
    revoke,
    rotate,
    sign_tag,
    signed_by,
)
from lading.proof.tuf_json import NUMBER_LIMIT
from lading.proof.tuf_keys import SigningKey
from lading.proof.tuf_metadata import Entry, Snapshot
from lading.proof.tuf_refusals import (
    MetadataMissing,
    RootForeign,
    SignerMissing,
    TrustAbsent,
    TrustInvalid,
    UpdateOutdated,
)
from lading.proof.tuf_roles import RELEASES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Delegation, RoleKeys
from lading.services.access import LADING
from lading.services.secrets import SealBroken
from lading.services.trust.collections import (
    ATTEMPTS,
    MOST_NAMES,
    MetadataUnknown,
    NamesMany,
    PublishersMany,
    RoleKeptElsewhere,
    TrustCollections,
)
from lading.services.trust.records import ChangeKind, Gun, TrustFile
from lading.services.trust.server_keys import WAITING, TrustServerKeys
from tests.fakes.people import KEY, NOW, People, people
from tests.fakes.trust_collections import GUN, OWNER, Publisher
from tests.fakes.trust_repository import manifest, rooted, signer

ALICE = signer("alice")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as all_:
        yield all_


@pytest.fixture
def publisher(house: People) -> Publisher:
    return Publisher(house)


# ── what is taken


def test_a_first_update_is_taken_and_completed(publisher: Publisher) -> None:
    publisher.sign("v1")

    assert publisher.walk().find("v1").digest == manifest("one").digest
    assert set(publisher.held().files) == {ROOT, TARGETS, SNAPSHOT, TIMESTAMP}
    [entry] = [row.entry for row in publisher.people.records]
    assert (entry.deed.action, entry.deed.entity_type, entry.deed.entity_id) == ("publish", "trust", GUN.name)
    told = dict(entry.deed.details)
    keys = told.pop("keysAdded")
    assert isinstance(keys, list)
    assert [key.split()[0] for key in keys] == ["root", "snapshot", "targets", "timestamp"]
    assert told == {
        "repository": "team/app",
        "roles": ["root", "targets"],
        "version": 1,
        "signed": [f"targets: v1 {manifest('one').digest}"],
    }


def test_the_trail_tells_who_may_sign_and_what_counts_no_longer(publisher: Publisher) -> None:
    publisher.sign("v1")
    keys = RoleKeys.of([ALICE.key])
    publisher.publish(delegate(publisher.held(), Delegation("targets/alice", keys, ("v",)), [OWNER], publisher.now))
    publisher.publish(sign_tag(publisher.held(), "v2", manifest("two"), [ALICE], publisher.now, role="targets/alice"))
    publisher.publish(revoke(publisher.held(), "targets/alice", [OWNER], publisher.now))

    added, signed, removed = (row.entry.deed.details for row in publisher.people.records[1:])
    alice = [f"targets/alice with {ALICE.key.bare.id[:12]} for tags v*"]
    assert added["signersAdded"] == alice
    assert signed["signed"] == [f"targets/alice: v2 {manifest('two').digest}"]
    assert (removed["signersRemoved"], removed["signedNoLonger"]) == (alice, signed["signed"])
    assert not {"keysAdded", "keysRemoved", "signed"} & removed.keys()


def test_nothing_is_kept_of_an_update_that_is_refused(publisher: Publisher) -> None:
    begun = publisher.begun()
    with pytest.raises(MetadataMissing):
        publisher.collections.publish(LADING, GUN, {ROOT: begun.files[ROOT]})
    with pytest.raises(TrustInvalid):
        publisher.collections.publish(LADING, GUN, {**changed(None, begun), "targets/alice": b"{}"})

    assert publisher.held().files == {}
    assert publisher.people.records == []
    with pytest.raises(TrustAbsent):
        publisher.walk()


def test_who_follows_an_older_version_is_told(publisher: Publisher) -> None:
    publisher.sign("v1")
    late = publisher.signed("late")
    publisher.sign("v2")

    with pytest.raises(UpdateOutdated):
        publisher.publish(late)
    assert set(publisher.walk().tags()) == {"v1", "v2"}


def test_a_root_that_the_published_one_did_not_sign_is_refused(publisher: Publisher) -> None:
    publisher.sign("v1")
    roots = [rooted("another owner", GUN.name, publisher.now)]
    theirs = rotate(publisher.begun("another owner"), TARGETS, RoleKeys.of([ALICE.key]), roots, publisher.now)

    with pytest.raises(RootForeign):
        publisher.collections.publish(LADING, GUN, {ROOT: theirs.files[ROOT]})
    with pytest.raises(UpdateOutdated):
        publisher.publish(publisher.begun("another owner"))


def test_a_root_that_names_keys_of_others_is_refused(publisher: Publisher) -> None:
    theirs = initialise(
        GUN.name,
        [rooted("root", GUN.name, publisher.now)],
        [OWNER],
        publisher.now,
        snapshot=signer("theirs").key,
        timestamp=signer("their timestamp").key,
    )
    with pytest.raises(SignerMissing):
        publisher.publish(theirs)


def test_of_several_who_follow_the_same_version_one_is_first(publisher: Publisher) -> None:
    publisher.sign("v1")
    updates = [publisher.signed(f"tag-{number}") for number in range(6)]

    def published(update: Collection) -> bool:
        try:
            publisher.publish(update)
        except UpdateOutdated:
            return False
        return True

    with ThreadPoolExecutor(len(updates)) as threads:
        assert sum(threads.map(published, updates)) == 1
    assert len(publisher.walk().tags()) == 2


def test_several_delegates_publish_at_once_and_none_is_lost(publisher: Publisher) -> None:
    publisher.sign("v1")
    names = [f"targets/signer{number}" for number in range(6)]
    whole = publisher.held()
    for name in names:
        whole = delegate(whole, Delegation(name, RoleKeys.of([ALICE.key]), ("",)), [OWNER], publisher.now)
    publisher.publish(whole)
    held = publisher.held()
    updates = [sign_tag(held, "v1", manifest("one"), [ALICE], publisher.now, role=name) for name in names]

    with ThreadPoolExecutor(len(updates)) as threads:
        list(threads.map(lambda update: publisher.collections.publish(LADING, GUN, changed(held, update)), updates))
    assert set(names) <= set(publisher.walk().roles)


class Overtaken(DatabaseTrust):
    """Others are always faster."""

    asked = 0

    def publish(self, gun: Gun, seen: str | None, new: Sequence[TrustFile], current: Sequence[str]) -> bool:
        self.asked += 1
        return False


def test_who_is_overtaken_again_and_again_is_told_to_come_again(publisher: Publisher) -> None:
    house = publisher.people
    begun, records = publisher.begun(), Overtaken(house.database._transactions)
    keys = TrustServerKeys(records, GivenKeys(KEY).box(making=False), house.random, house.clock)

    with pytest.raises(PublishersMany):
        TrustCollections(records, keys, house.trail, house.clock).publish(LADING, GUN, changed(None, begun))
    assert records.asked == ATTEMPTS


def test_what_was_signed_before_a_delegate_was_revoked_does_not_come_back_with_the_name(publisher: Publisher) -> None:
    publisher.sign("v1")
    releases = Delegation(RELEASES, RoleKeys.of([ALICE.key]), ("",))
    publisher.publish(delegate(publisher.held(), releases, [OWNER], publisher.now))
    publisher.publish(sign_tag(publisher.held(), "v2", manifest("two"), [ALICE], publisher.now, role=RELEASES))
    assert set(publisher.walk().tags()) == {"v1", "v2"}

    publisher.publish(revoke(publisher.held(), RELEASES, [OWNER], publisher.now))
    with pytest.raises(MetadataUnknown):
        publisher.collections.file(GUN, RELEASES)
    publisher.publish(delegate(publisher.held(), releases, [OWNER], publisher.now))
    publisher.sign("v3")
    assert set(publisher.walk().tags()) == {"v1", "v3"}


# ── time


def test_a_timestamp_that_has_lived_half_its_life_is_signed_anew_when_it_is_read(publisher: Publisher) -> None:
    publisher.sign("v1")
    first = publisher.collections.file(GUN, TIMESTAMP)
    publisher.people.clock.now += 6 * DAY
    assert publisher.collections.file(GUN, TIMESTAMP) == first

    publisher.people.clock.now += 2 * DAY
    second = publisher.collections.file(GUN, TIMESTAMP)
    assert second.version == first.version + 1
    assert publisher.collections.file(GUN, TIMESTAMP) == second


def test_nobody_finds_anything_expired_after_years(publisher: Publisher) -> None:
    """A snapshot is signed anew too; the targets' life is their publishers' own."""
    publisher.sign("v1")
    snapshot = publisher.collections.file(GUN, SNAPSHOT)
    publisher.people.clock.now += 2 * 365 * DAY

    assert set(publisher.walk().tags()) == {"v1"}
    assert publisher.collections.file(GUN, SNAPSHOT).version == snapshot.version + 1


def test_collections_that_nobody_reads_are_renewed_too(publisher: Publisher) -> None:
    publisher.sign("v1")
    chores = {chore.name: chore.run for chore in publisher.collections.chores()}
    assert chores["trust renewal"]() == 0
    publisher.people.clock.now += 20 * DAY

    assert chores["trust renewal"]() == 1
    assert chores["trust renewal"]() == 0
    assert set(publisher.walk().tags()) == {"v1"}
    publisher.people.clock.now += 20 * DAY
    assert chores["trust thinning"]() == 1  # the first timestamp


def test_what_is_there_is_given_where_it_cannot_be_renewed(publisher: Publisher) -> None:
    """A secret key that is not the one of before is no reason to withhold what still holds."""
    publisher.sign("v1")
    first = publisher.collections.file(GUN, TIMESTAMP)
    house = publisher.people
    house.clock.now += 10 * DAY
    other = GivenKeys(base64.b64encode(bytes(32)).decode()).box(making=False)
    keys = TrustServerKeys(house.database.trust, other, house.random, house.clock)
    locked = TrustCollections(house.database.trust, keys, house.trail, house.clock)

    assert locked.file(GUN, TIMESTAMP) == first
    assert locked.renew_due() == 0
    with pytest.raises(SealBroken):
        locked.publish(LADING, GUN, changed(publisher.held(), publisher.signed("v2")))


def test_a_collection_that_cannot_be_renewed_is_no_reason_to_leave_out_others(publisher: Publisher) -> None:
    """Whoever holds a snapshot key beside ours may publish the last version that there is."""
    eve = Publisher(publisher.people, Gun("registry.corp/eve/app", "eve/app"))
    begun, theirs = eve.begun(), signer("eve")
    both = RoleKeys.of([*begun.root.roles[SNAPSHOT].keys.values(), theirs.key])
    roots = [rooted("root", eve.gun.name, eve.now)]
    begun = rotate(begun, SNAPSHOT, both, roots, eve.now)
    listed = {role: Entry.of(begun.files[role]) for role in (ROOT, TARGETS)}
    last = Snapshot(NUMBER_LIMIT, eve.now + 365 * DAY, listed).content
    files = {**begun.files, SNAPSHOT: signed_by(eve.gun.name, SNAPSHOT, last, both, [theirs])}
    eve.collections.publish(LADING, eve.gun, files)
    publisher.sign("v1")
    publisher.people.clock.now += 8 * DAY

    assert publisher.collections.renew_due() == 1
    assert set(eve.walk().tags()) == set()


# ── keys


def test_the_key_that_the_root_names_is_given_until_another_root_names_another(publisher: Publisher) -> None:
    publisher.sign("v1")
    first = publisher.collections.public_key(GUN, TIMESTAMP)
    second = publisher.collections.rotate(LADING, GUN, TIMESTAMP)
    assert second != first == publisher.collections.public_key(GUN, TIMESTAMP)
    publisher.sign("v2")  # the old one still signs

    root = [rooted("root", GUN.name, NOW)]
    publisher.publish(rotate(publisher.held(), TIMESTAMP, RoleKeys.of([second]), root, publisher.now))
    assert publisher.collections.public_key(GUN, TIMESTAMP) == second
    assert publisher.walk().root.roles[TIMESTAMP].keys.keys() == {second.id}
    assert ("rotate", "trust", "done") in publisher.people.said


def test_keys_that_no_root_names_do_not_pile_up(publisher: Publisher) -> None:
    publisher.sign("v1")
    made = [publisher.collections.rotate(LADING, GUN, SNAPSHOT).id for _ in range(WAITING + 2)]

    held = [row.key_id for row in publisher.people.database.trust.keys(GUN.name) if row.role == SNAPSHOT]
    assert len(held) == WAITING + 1  # and the one that the root names
    assert made[-1] in held
    publisher.sign("v2")


def test_no_key_of_the_server_stands_open_in_the_database(publisher: Publisher, tmp_path: Path) -> None:
    publisher.sign("v1")
    signers = publisher.collections._keys.signers(GUN.name)
    [row] = [row for row in publisher.people.database.trust.keys(GUN.name) if row.role == TIMESTAMP]

    assert [each.key.id for each in signers.timestamp] == [row.key_id]
    plain = signers.timestamp[0]
    assert isinstance(plain, SigningKey)
    files = b"".join(path.read_bytes() for path in tmp_path.glob("lading.db*"))
    assert plain.private.der not in files
    assert base64.b64encode(plain.private.der) not in files
    assert row.private_sealed.encode() in files


@pytest.mark.parametrize("role", [ROOT, TARGETS, RELEASES])
def test_the_server_holds_no_key_of_publishers(publisher: Publisher, role: str) -> None:
    with pytest.raises(RoleKeptElsewhere):
        publisher.collections.public_key(GUN, role)
    with pytest.raises(RoleKeptElsewhere):
        publisher.collections.rotate(LADING, GUN, role)


# ── what goes, and what tells of it


def test_a_repository_that_is_removed_takes_what_was_signed_there_along(publisher: Publisher) -> None:
    others = Publisher(publisher.people, Gun("registry.corp/other/team/app", "other/team/app"))
    tunnel = Publisher(publisher.people, Gun("localhost:5000/team/app", "team/app"))
    for each in (publisher, others, tunnel):
        each.sign("v1")

    publisher.collections.repository_removed(LADING, "team/app")
    assert publisher.collections.guns("team/app") == []
    assert set(others.walk().tags()) == {"v1"}
    publisher.sign("v2")  # by new keys of the server, as a repository of its own
    assert set(publisher.walk().tags()) == {"v2"}
    kinds = [change.kind for change in publisher.collections.changes([GUN.name], None, 10)]
    assert kinds == [ChangeKind.UPDATE, ChangeKind.DELETION, ChangeKind.UPDATE]


def test_a_repository_is_signed_under_so_many_names_and_no_more(publisher: Publisher) -> None:
    """Every name of loopback is one of ours, and each collection is walked by whoever asks what is signed."""
    names = [Publisher(publisher.people, Gun(f"localhost:{port}/team/app", "team/app")) for port in range(MOST_NAMES)]
    publisher.sign("v1")
    for each in names[1:]:
        each.sign("v1")

    with pytest.raises(NamesMany, match="localhost:0/team/app is none of them"):
        names[0].sign("v1")
    names[1].sign("v2")
    publisher.collections.remove(LADING, names[1].gun)
    names[0].sign("v1")


def test_which_collection_was_first_does_not_change(publisher: Publisher) -> None:
    """Whatever is published again: the first one's root says whose the others must be."""
    tunnel = Publisher(publisher.people, Gun("localhost:5000/team/app", "team/app"))
    publisher.sign("v1")
    tunnel.sign("v1")
    assert publisher.collections.guns("team/app") == [publisher.gun, tunnel.gun]

    publisher.people.clock.now += DAY
    again = {role: publisher.held().files[role] for role in (ROOT, TARGETS)}
    publisher.collections.publish(LADING, publisher.gun, again)
    assert publisher.collections.guns("team/app") == [publisher.gun, tunnel.gun]

    publisher.collections.remove(LADING, publisher.gun)
    publisher.sign("v1")
    assert publisher.collections.guns("team/app") == [tunnel.gun, publisher.gun]


def test_removing_nothing_is_nothing_done(publisher: Publisher) -> None:
    publisher.collections.remove(LADING, GUN)
    assert publisher.people.records == []
