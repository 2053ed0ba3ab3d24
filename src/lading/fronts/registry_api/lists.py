"""Lists: tags, repositories, referrers (distribution-spec end-8a, end-8b, end-12a, end-12b; Docker's catalog)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.registry_api.gate import Entry
from lading.fronts.registry_api.queries import Query
from lading.fronts.registry_api.replies import Fields, json_answer
from lading.oci.media_types import OCI_INDEX
from lading.services.repositories import Page, Repositories
from lading.wire.registry_urls import Catalog, ReferrersOf, TagList


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
        """Those that the visitor may read; a page may hold fewer than asked for, and more follow all the same."""
        after, limit = Query(request.query).page()
        page = self._repositories.repositories(after, limit)
        return _page_answer({"repositories": [name for name in page.names if entry.may_pull(name)]}, page, at)

    def referrers(self, request: IncomingRequest, at: ReferrersOf) -> Answer:
        """An index, empty for what nobody names: never 404 (distribution-spec, Listing Referrers)."""
        artifact_type = Query(request.query).one("artifactType")
        found = self._repositories.referrers(at.path, at.digest, artifact_type)
        applied: Fields = (("OCI-Filters-Applied", "artifactType"),) if artifact_type else ()
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [each.written() for each in found]}
        return json_answer(index, OCI_INDEX, applied)


def _page_answer(document: Mapping[str, object], page: Page, at: TagList | Catalog) -> Answer:
    """A page of no names has no next one: it was asked for with `n=0`."""
    if not page.more or not page.names:
        return json_answer(document)
    following = urlencode({"n": len(page.names), "last": page.names[-1]})
    return json_answer(document, fields=(("Link", f'<{at}?{following}>; rel="next"'),))
