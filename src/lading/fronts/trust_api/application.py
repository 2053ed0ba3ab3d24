"""The trust server's door: which function answers which path and method, and what each of them takes.

GET  files, changefeed of a collection     pull of the repository, which everybody may of a public one
GET  keys, POST                            push
DELETE                                     remove
GET  changefeed of all                     the list of repositories; it leaves out what the asker may not pull
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qs

from lading.errors import LadingError
from lading.fronts.http.endpoints import EndpointUnknown, MethodRefused
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.http.failures import log_failure
from lading.fronts.trust_api.answers import (
    GunForeign,
    ParameterInvalid,
    answer,
    error_answer,
    file_answer,
    json_answer,
)
from lading.fronts.trust_api.forms import read_update
from lading.fronts.trust_api.gate import Entry, Gate
from lading.oci.instants import instant
from lading.services.access import Permission
from lading.services.trust.collections import TrustCollections
from lading.services.trust.records import Gun, TrustChange
from lading.wire.trust_urls import Changefeed, Collection, FileAt, Health, KeyAt, match

log = logging.getLogger("lading.trust")

PAGE, LONGEST_PAGE = 100, 1000
"""How many lines of a changefeed are given where nobody says how many (Notary's own number), and at most."""

_LONGEST_NUMBER = 18
"""Characters: what every database counts with."""

PULL, PUSH = Permission.REPOSITORIES_PULL, Permission.REPOSITORIES_PUSH
REMOVE, LIST = Permission.REPOSITORIES_REMOVE, Permission.REPOSITORIES_VIEW

Endpoint = Callable[[Entry], Answer]
Methods = Mapping[str, tuple[Permission, Endpoint]]


class TrustApi:
    """An Application for the byte server."""

    def __init__(self, collections: TrustCollections, gate: Gate) -> None:
        self._collections, self._gate = collections, gate

    def __call__(self, request: IncomingRequest) -> Answer:
        """Raises what breaks a request off: ConnectionLost, Stalled, Cancelled."""
        try:
            return self._answer(request)
        except LadingError as error:
            told = error_answer(error)
            if told is None:
                raise
            log_failure(log, request, error)
            return told

    def _answer(self, request: IncomingRequest) -> Answer:
        route = match(request.path)
        if isinstance(route, Health):
            return json_answer({})
        if route is None:
            raise EndpointUnknown(request.path)
        gun = None if route.gun is None else self._gate.gun(request, route.gun)
        if route.gun is not None and gun is None:
            raise GunForeign(route.gun)
        methods = self._of_all(request) if gun is None else self._of_one(request, route, gun)
        if request.method not in methods:
            raise MethodRefused(request.method, tuple(methods))
        permission, endpoint = methods[request.method]
        return endpoint(self._gate.admit(request, permission, gun))

    def _of_all(self, request: IncomingRequest) -> Methods:
        return {"GET": (LIST, lambda entry: self._changes_of_all(request, entry))}

    def _of_one(self, request: IncomingRequest, route: Collection | FileAt | KeyAt | Changefeed, gun: Gun) -> Methods:
        """The whole table of the door."""
        match route:
            case Collection():
                return {
                    "POST": (PUSH, lambda entry: self._publish(request, gun, entry)),
                    "DELETE": (REMOVE, lambda entry: self._remove(gun, entry)),
                }
            case FileAt():
                given = (PULL, lambda _: self._file(request, gun, route))
                return {"GET": given, "HEAD": given}
            case KeyAt(role=role):
                return {
                    "GET": (PUSH, lambda _: json_answer(self._collections.public_key(gun, role).document)),
                    "POST": (
                        PUSH,
                        lambda entry: json_answer(self._collections.rotate(entry.actor, gun, role).document),
                    ),
                }
            case Changefeed():
                return {"GET": (PULL, lambda _: self._changes(request, gun))}

    def _publish(self, request: IncomingRequest, gun: Gun, entry: Entry) -> Answer:
        update = read_update(request.headers.get("content-type", ""), request.body)
        self._collections.publish(entry.actor, gun, update)
        return answer(200)

    def _remove(self, gun: Gun, entry: Entry) -> Answer:
        self._collections.remove(entry.actor, gun)
        return answer(200)

    def _file(self, request: IncomingRequest, gun: Gun, at: FileAt) -> Answer:
        if at.version is not None:
            file = self._collections.of_version(gun, at.role, at.version)
        elif at.sha256 is not None:
            file = self._collections.of_checksum(gun, at.role, at.sha256)
        else:
            file = self._collections.file(gun, at.role)
        return file_answer(request, file, lasting=at.sha256 is not None)

    def _changes(self, request: IncomingRequest, gun: Gun) -> Answer:
        return self._told(request, [gun.name])

    def _changes_of_all(self, request: IncomingRequest, entry: Entry) -> Answer:
        """Of those that may be seen. Which these are is asked once, as lines are many more than collections."""
        guns = self._collections.changed()
        seen = set(entry.shown(sorted(set(map(_path, guns)))))
        shown = [gun for gun in guns if _path(gun) in seen]
        return self._told(request, shown)

    def _told(self, request: IncomingRequest, guns: Sequence[str]) -> Answer:
        """In the form of Notary's server (storage/sql_models.go), and from when on nothing is left out: whoever was
        away for longer has to look at all collections anew."""
        after, count, backwards = _page(request.query)
        changes = self._collections.changes(guns, after, count, backwards=backwards)
        records = [_record(change) for change in changes]
        whole = instant(self._collections.whole_since())
        return json_answer({"count": len(records), "records": records, "wholeSince": whole})


def _page(query: str) -> tuple[int | None, int, bool]:
    """After which line, how many, and whether the last ones: a negative number of records, or line, says so."""
    fields = parse_qs(query)
    after, count = _number(fields, "change_id", 0), _number(fields, "records", PAGE) or PAGE
    backwards = after < 0 or count < 0
    return (None if after <= 0 else after), min(abs(count), LONGEST_PAGE), backwards


def _number(fields: Mapping[str, list[str]], name: str, absent: int) -> int:
    text = fields.get(name, [str(absent)])[-1]
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > _LONGEST_NUMBER:
        raise ParameterInvalid(name, text)
    return int(text)


def _path(gun: str) -> str:
    return gun.partition("/")[2]


def _record(change: TrustChange) -> Mapping[str, object]:
    return {
        "ID": str(change.id),
        "CreatedAt": instant(change.created),
        "GUN": change.gun,
        "Version": change.version,
        "SHA256": change.sha256,
        "Category": change.kind.value,
    }
