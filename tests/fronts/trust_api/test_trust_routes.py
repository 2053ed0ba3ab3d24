"""What the trust server answers: files, keys, updates, removal, the changefeed; and in what words it refuses."""

from __future__ import annotations

import hashlib
import json

import pytest

from lading.oci.instants import instant
from lading.proof.tuf_build import DAY, changed
from lading.proof.tuf_roles import ROOT, TARGETS, TIMESTAMP
from lading.services.trust.records import Gun
from tests.fakes.trust_collections import Publisher
from tests.fronts.registry_api.asking import Reply
from tests.fronts.registry_api.token_place import HOST, REALM
from tests.fronts.trust_api.conftest import FORM, GUN, TUF, TrustPlace, form


def told(reply: Reply) -> str:
    """What a client of Notary's prints of a 400: it reads a kilobyte, and in it one error with a detail of its own."""
    assert len(reply.body) <= 1024
    [error] = json.loads(reply.body)["errors"]
    assert error["detail"]["Name"] in {"ErrValidation", "ErrBadRoot", "ErrBadSnapshot", "ErrBadTargets"}
    return str(error["detail"]["Error"]["Msg"])


def test_what_is_published_is_read_by_role_version_and_checksum(place: TrustPlace) -> None:
    reply = place.published("bob", changed(None, place.publisher.signed("v1")))
    assert (reply.status, reply.body) == (200, b"")

    held = place.publisher.held().files
    for role, raw in held.items():
        checksum = hashlib.sha256(raw).hexdigest()
        version = json.loads(raw)["signed"]["version"]
        for name in (role, f"{version}.{role}", f"{role}.{checksum}", f"{role}.{checksum.upper()}"):
            found = place.trusted("bob", "GET", f"{TUF}/{name}.json")
            assert (found.status, found.body) == (200, raw), name
            assert found.headers["etag"] == f'"{checksum}"'
            assert found.headers["last-modified"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    assert place.trusted("bob", "HEAD", f"{TUF}/root.json").headers["content-length"] == str(len(held[ROOT]))


def test_only_what_never_changes_may_be_kept_unasked_and_only_by_who_asked(place: TrustPlace) -> None:
    place.publisher.sign("v1")
    checksum = hashlib.sha256(place.publisher.held().files[TARGETS]).hexdigest()

    newest = place.trusted("ada", "GET", f"{TUF}/targets.json")
    lasting = place.trusted("ada", "GET", f"{TUF}/targets.{checksum}.json")
    assert newest.headers["cache-control"] == "private, no-cache"
    assert lasting.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = place.ask(
        "GET",
        f"{TUF}/targets.json",
        authorization=f"Bearer {place.token('ada', f'repository:{GUN}:pull')}",
        if_none_match=newest.headers["etag"],
    )
    assert (again.status, again.body) == (304, b"")


def test_an_old_timestamp_is_renewed_as_it_is_read(place: TrustPlace) -> None:
    place.publisher.sign("v1")
    place.people.clock.now += 20 * DAY

    read = place.trusted("bob", "GET", f"{TUF}/timestamp.json")
    assert json.loads(read.body)["signed"]["version"] == 2
    assert set(place.publisher.walk().tags()) == {"v1"}


@pytest.mark.parametrize(
    "name", ["root.json", "1.root.json", f"targets.{'0' * 64}.json", "targets/alice.json", "snapshot.json"]
)
def test_what_was_never_published_is_not_found(place: TrustPlace, name: str) -> None:
    reply = place.trusted("bob", "GET", f"{TUF}/{name}")
    assert (reply.status, reply.code) == (404, "METADATA_NOT_FOUND")


def test_the_servers_keys_are_given_and_rotated(place: TrustPlace) -> None:
    first = place.trusted("bob", "GET", f"{TUF}/timestamp.key").document
    assert first["keytype"] == "ecdsa"
    assert place.trusted("bob", "GET", f"{TUF}/timestamp.key").document == first
    assert place.trusted("bob", "POST", f"{TUF}/timestamp.key").document != first
    for method in ("GET", "POST"):
        reply = place.trusted("bob", method, f"{TUF}/root.key")
        assert (reply.status, reply.code) == (400, "INVALID_ROLE")


def test_who_publishes_too_late_is_told_so_in_notarys_code(place: TrustPlace) -> None:
    place.publisher.sign("v1")
    late = changed(place.publisher.held(), place.publisher.signed("late"))
    place.publisher.sign("v2")

    reply = place.published("bob", late)
    assert (reply.status, reply.code) == (400, "VERSION")
    assert "does not follow version 3" in told(reply)


def test_an_update_that_would_not_be_believed_is_refused_with_its_reason(place: TrustPlace) -> None:
    begun = place.publisher.begun()
    reply = place.published("bob", {TARGETS: begun.files[TARGETS]})
    assert (reply.status, reply.code) == (400, "INVALID_UPDATE")
    assert told(reply)

    reply = place.published("bob", {"targets": b"{" * 200_000})
    assert (reply.status, reply.code) == (400, "INVALID_UPDATE")
    assert told(reply)
    assert place.publisher.held().files == {}


def test_a_collection_is_removed_by_who_may_remove(place: TrustPlace) -> None:
    place.publisher.sign("v1")
    assert place.trusted("bob", "DELETE", f"{TUF}/").status == 401
    assert set(place.publisher.walk().tags()) == {"v1"}

    assert place.trusted("ada", "DELETE", f"{TUF}/").status == 200
    assert place.trusted("ada", "GET", f"{TUF}/root.json").status == 404
    assert place.trusted("ada", "DELETE", f"{TUF}/").status == 200


# ── the changefeed


def feed(place: TrustPlace, name: str, target: str) -> list[tuple[str, str, int, str]]:
    token = place.token(name, f"repository:{GUN}:*", "registry:catalog:*")
    document = place.ask("GET", target, authorization=f"Bearer {token}").document
    records = document["records"]
    assert isinstance(records, list)
    assert document["count"] == len(records)
    return [(each["ID"], each["GUN"], each["Version"], each["Category"]) for each in records]


def test_the_changefeed_tells_what_befell_a_collection(place: TrustPlace) -> None:
    other = Publisher(place.people, Gun(f"{HOST}/team/other", "team/other"))
    for tag, publisher in (("v1", place.publisher), ("v1", other), ("v2", place.publisher)):
        publisher.sign(tag)
    place.trusted("ada", "DELETE", f"{TUF}/")
    mine = f"/v2/{GUN}/_trust/changefeed"

    first, third, fourth = ("1", str(GUN), 1, "update"), ("3", str(GUN), 2, "update"), ("4", str(GUN), 0, "deletion")
    assert feed(place, "bob", mine) == [first, third, fourth]
    assert feed(place, "bob", f"{mine}?change_id=1&records=1") == [third]
    assert feed(place, "bob", f"{mine}?change_id=-1&records=2") == [third, fourth]
    assert feed(place, "ada", "/v2/_trust/changefeed?records=2") == [first, ("2", other.gun.name, 1, "update")]
    assert feed(place, "ada", "/v2/_trust/changefeed?records=-1") == [fourth]


@pytest.mark.parametrize(
    "query", ["records=many", "records=1.5", "change_id=--1", "change_id=0x1", "records=²", f"change_id={10**18}"]
)
def test_a_changefeed_counts_in_whole_numbers(place: TrustPlace, query: str) -> None:
    reply = place.trusted("bob", "GET", f"/v2/{GUN}/_trust/changefeed?{query}")
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETERS")


def test_the_changefeed_of_all_leaves_out_what_the_asker_may_not_pull(place: TrustPlace) -> None:
    place.publisher.sign("v1")
    assert place.ask("GET", "/v2/_trust/changefeed").status == 401
    token = place.token("eve", "registry:catalog:*")
    assert place.ask("GET", "/v2/_trust/changefeed", authorization=f"Bearer {token}").status in {401, 403}
    nobody = place.token(None, "registry:catalog:*")
    reply = place.ask("GET", "/v2/_trust/changefeed", authorization=f"Bearer {nobody}")
    assert (reply.document["count"], reply.document["records"]) == (0, [])


def test_the_changefeed_says_from_when_on_it_is_whole(place: TrustPlace) -> None:
    for tag in ("v1", "v2", "v3"):
        place.publisher.sign(tag)
    mine, clock = f"/v2/{GUN}/_trust/changefeed", place.people.clock
    clock.now += 91 * DAY
    place.publisher.collections.thin()

    document = place.trusted("bob", "GET", mine).document

    assert document["wholeSince"] == instant(clock.now - 90 * DAY)
    assert [number for number, *_ in feed(place, "bob", mine)] == ["1", "3"]


# ── who may


def test_nobody_is_told_how_to_come_by_a_token(place: TrustPlace) -> None:
    for method, target, actions in (
        ("GET", f"{TUF}/root.json", "pull"),
        ("GET", f"{TUF}/timestamp.key", "pull,push"),
        ("POST", f"{TUF}/", "pull,push"),
        ("DELETE", f"{TUF}/", "delete"),
    ):
        reply = place.ask(method, target)
        assert (reply.status, reply.code) == (401, "UNAUTHORIZED")
        assert reply.headers["www-authenticate"] == f'Bearer {REALM},scope="repository:{GUN}:{actions}"'


def test_a_token_opens_what_it_was_given_for(place: TrustPlace) -> None:
    place.publisher.sign("v1")
    pulls = place.token("ada", f"repository:{GUN}:pull")
    assert place.bearing(pulls, "GET", f"{TUF}/root.json").status == 200
    refused = place.bearing(pulls, "GET", f"{TUF}/timestamp.key")
    assert refused.status == 401
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    other = place.token("ada", "repository:team/other:pull,push")
    assert place.bearing(other, "GET", f"{TUF}/root.json").status == 401


def test_who_may_not_is_told_in_a_status_that_clients_explain(place: TrustPlace) -> None:
    """Of a 403 they say that the server is out of reach; of a 401, that one may not."""
    for method, target in (("GET", f"{TUF}/root.json"), ("POST", f"{TUF}/"), ("POST", f"{TUF}/timestamp.key")):
        reply = place.trusted("eve", method, target)
        assert reply.status == 401
        assert "Permission denied" in reply.body.decode() or "insufficient_scope" in str(reply.headers)
    assert ("pull", "repository", "denied") in place.people.said


def test_a_body_is_not_read_before_it_is_known_that_its_sender_may(place: TrustPlace) -> None:
    reply = place.ask("POST", f"{TUF}/", b"x", cut=True)
    assert reply.status == 401


def test_everybody_reads_what_is_signed_in_a_public_repository(place: TrustPlace) -> None:
    place.publisher.sign("v1")
    assert place.ask("GET", f"{TUF}/root.json").status == 401
    place.doors.public.add("team/app")

    assert place.ask("GET", f"{TUF}/root.json").status == 200
    assert place.trusted(None, "GET", f"{TUF}/timestamp.json").status == 200
    assert place.ask("GET", f"{TUF}/timestamp.key").status == 401


# ── names


@pytest.mark.parametrize(
    "gun",
    [
        "docker.io/library/alpine",
        "registry.other/team/app",
        "192.0.2.7:5000/team/app",
        "team/app",
        f"{HOST}/Team/App",
        f"{HOST}/../app",
        "REGISTRY.CORP/team/app",
        "localhost./team/app",  # this machine, but no registry's name: nobody could be told of it
        "a_b.localhost:5000/team/app",
        "localhost/team/app:1",
        f"localhost/team/app@sha256:{'0' * 64}",
    ],
)
def test_what_is_no_repository_of_ours_is_not_found(place: TrustPlace, gun: str) -> None:
    token = place.token("ada", f"repository:{gun}:push,pull")
    reply = place.bearing(token, "GET", f"/v2/{gun}/_trust/tuf/root.json")
    assert (reply.status, reply.code) == (404, "INVALID_GUN")


@pytest.mark.parametrize("host", ["registry.corp", "registry.corp:8443", "localhost:5443", "[::1]:5000", HOST])
def test_every_name_of_ours_has_a_collection_of_its_own(place: TrustPlace, host: str) -> None:
    gun = f"{host}/team/app"
    token = place.token("bob", f"repository:{gun}:push,pull")
    assert place.bearing(token, "GET", f"/v2/{gun}/_trust/tuf/snapshot.key").status == 200


def test_a_repository_whose_name_holds_the_mark_is_a_repository(place: TrustPlace) -> None:
    for path in ("my_trust/tuf", "a/trust_trust", "team/x_trust"):
        token = place.token("ada", f"repository:{path}:pull,push")
        reply = place.bearing(token, "GET", f"/v2/{path}/tags/list")
        assert (reply.status, reply.code) == (404, "NAME_UNKNOWN")
    token = place.token("ada", "repository:team/app:pull")
    assert place.bearing(token, "GET", "/v2/team/app/manifests/_trust").code == "NAME_UNKNOWN"


@pytest.mark.parametrize(
    "path",
    [
        f"{TUF}/other.json",
        f"{TUF}/0.root.json",
        f"{TUF}/9999999999999999999.root.json",
        f"{TUF}/1.root.{'0' * 64}.json",
        f"{TUF}/targets/UPPER.json",
        f"{TUF}/root",
        f"/v2/{GUN}/_trust/",
        f"/v2/{GUN}/_trust/tuf",
        f"/v2/_trust/tuf/{TIMESTAMP}.json",
    ],
)
def test_other_paths_of_the_trust_server_are_not_found(place: TrustPlace, path: str) -> None:
    assert place.trusted("ada", "GET", path).status == 404


def test_methods_that_a_path_does_not_have_are_refused(place: TrustPlace) -> None:
    reply = place.trusted("ada", "PUT", f"{TUF}/root.json")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


def test_anybody_may_ask_whether_it_is_there(place: TrustPlace) -> None:
    reply = place.ask("GET", "/_notary_server/health")
    assert (reply.status, reply.document) == (200, {})


# ── forms


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"", FORM, "MALFORMED_UPLOAD"),
        (b"--limit--\r\n", FORM, "MALFORMED_UPLOAD"),
        (form({"root": b"{}"})[:-4], FORM, "MALFORMED_UPLOAD"),
        (b"junk" + form({"root": b"{}"}), FORM, "MALFORMED_UPLOAD"),
        (form({"root": b"{}"}), "application/json", "MALFORMED_UPLOAD"),
        (form({"root": b"{}"}), "multipart/form-data", "MALFORMED_UPLOAD"),
        (form({"root": b"{}"}) + b"more", FORM, "MALFORMED_UPLOAD"),
        (form({"root": b"{}"}).replace(b"--limit--", b"") + form({"root": b"{}"}), FORM, "MALFORMED_UPLOAD"),
        (form({"": b"{}"}), FORM, "NO_FILENAME"),
        (form({"root": b"{}"}).replace(b'; filename="root"', b""), FORM, "NO_FILENAME"),
        (form({"../root": b"{}"}), FORM, "INVALID_ROLE"),
        (form({"targets/UPPER": b"{}"}), FORM, "INVALID_ROLE"),
        (form({"x" * 3000: b"{}"}), FORM, "MALFORMED_UPLOAD"),
    ],
)
def test_what_is_no_form_of_files_is_refused(place: TrustPlace, body: bytes, content_type: str, code: str) -> None:
    reply = place.trusted("bob", "POST", f"{TUF}/", body, content_type=content_type)
    assert (reply.status, reply.code) == (400, code)
    assert told(reply)


def test_a_form_has_a_longest_length(place: TrustPlace) -> None:
    long = form({"root": b" " * (17 * 1024 * 1024)})
    token = place.token("bob", f"repository:{GUN}:pull,push")
    for streamed in (False, True):
        reply = place.ask(
            "POST", f"{TUF}/", long, streamed=streamed, content_type=FORM, authorization=f"Bearer {token}"
        )
        assert reply.status == 413


def test_a_file_name_may_end_as_files_do(place: TrustPlace) -> None:
    update = changed(None, place.publisher.signed("v1"))
    assert place.published("bob", {f"{role}.json": raw for role, raw in update.items()}).status == 200
