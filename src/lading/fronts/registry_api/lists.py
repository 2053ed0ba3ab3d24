"""Lists: tags, repositories, referrers (distribution-spec end-8a, end-8b, end-12a, end-12b; Docker's catalog)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from urllib.parse import urlencode

from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.registry_api.gate import Entry
from lading.fronts.registry_api.queries import PAGE_LIMIT, Query
from lading.fronts.registry_api.replies import Fields, json_answer
from lading.oci.descriptor import Descriptor
from lading.oci.manifest import MANIFEST_LIMIT
from lading.oci.media_types import OCI_INDEX
from lading.services.repositories.repositories import Page, Repositories
from lading.wire.registry_urls import Catalog, ReferrersOf, Route, TagList

REFERRERS_BYTES = MANIFEST_LIMIT // 2
"""Of a list of referrers, which is an index, and as an index no client need read it beyond the limit of manifests."""


class ListDoor:
    """What is asked of many things at once."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def tags(self, request: IncomingRequest, at: TagList) -> Answer:
        """In order of code points, in pages."""
        after, limit = Query(request.query).page()
        page = self._repositories.tags(at.path, after, limit)
        return _page_answer({"name": at.path, "tags": list(page.names)}, page, at)

    def repositories(self, request: IncomingRequest, at: Catalog, entry: Entry) -> Answer:
        """Those that the visitor may read. No other is told, not even as the name that the next page begins after."""
        after, limit = Query(request.query).page()
        shown = list(islice(self._shown(after, limit + 1, entry), limit + 1))
        page = Page(shown[:limit], len(shown) > limit)
        return _page_answer({"repositories": page.names}, page, at)

    def _shown(self, after: str, at_once: int, entry: Entry) -> Iterator[str]:
        more = True
        while more:
            page = self._repositories.repositories(after, at_once)
            yield from entry.shown(page.names)
            more, after, at_once = page.more, page.names[-1] if page.names else after, PAGE_LIMIT

    def referrers(self, request: IncomingRequest, at: ReferrersOf) -> Answer:
        """An index, empty for what nobody names: never 404 (distribution-spec, Listing Referrers)."""
        query = Query(request.query)
        artifact_type, after = query.one("artifactType"), query.one("last") or ""
        listed, more = _fitting(self._repositories.referrers(at.path, at.digest, artifact_type, after))
        fields: Fields = (("OCI-Filters-Applied", "artifactType"),) if artifact_type else ()
        if more:
            following = {"last": str(listed[-1].digest)} | ({"artifactType": artifact_type} if artifact_type else {})
            fields = (*fields, _next(at, following))
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [each.written() for each in listed]}
        return json_answer(index, OCI_INDEX, fields)


def _fitting(found: Iterable[Descriptor]) -> tuple[Sequence[Descriptor], bool]:
    """What one index has room for, at least the first, and whether there is more; of that, no more than one is read."""
    room, listed = REFERRERS_BYTES, list[Descriptor]()
    for each in found:
        room -= len(json.dumps(each.written()))
        if room < 0 and listed:
            return listed, True
        listed.append(each)
    return listed, False


def _page_answer(document: Mapping[str, object], page: Page, at: TagList | Catalog) -> Answer:
    """A page of no names has no next one: it was asked for with `n=0`."""
    if not page.more or not page.names:
        return json_answer(document)
    return json_answer(document, fields=(_next(at, {"n": str(len(page.names)), "last": page.names[-1]}),))


def _next(at: Route, query: Mapping[str, str]) -> tuple[str, str]:
    return "Link", f'<{at}?{urlencode(query)}>; rel="next"'
