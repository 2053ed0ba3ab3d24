"""What stands after the question mark, parsed at the door."""

from __future__ import annotations

from urllib.parse import parse_qs

from lading.fronts.registry_api.replies import PageInvalid, TagsTooMany
from lading.oci.digest import Algorithm, Digest, DigestInvalid, DigestUnsupported
from lading.oci.reference import ReferenceInvalid, check_path, check_tag
from lading.wire.registry_errors import Code
from lading.wire.registry_urls import RouteInvalid

PAGE_LIMIT = 1000
"""The longest page of names: more would be asked for with the Link of the first."""


TAGS_LIMIT = 100
"""Tags that one request sets, all in one transaction, which everybody else waits for."""


class Query:
    """The parameters of one request."""

    def __init__(self, text: str) -> None:
        self._fields = parse_qs(text, keep_blank_values=True)

    def one(self, name: str) -> str | None:
        """The last of that name, None where there is none or it is empty."""
        return self._fields.get(name, [""])[-1] or None

    def path(self, name: str) -> str | None:
        """A repository's; None where there is none, or what stands there is no name of one."""
        text = self.one(name) or ""
        try:
            check_path(text, text)
        except ReferenceInvalid:
            return None
        return text

    def digest(self, name: str) -> Digest | None:
        """Raises DigestInvalid, DigestUnsupported."""
        text = self.one(name)
        return None if text is None else Digest.parse(text)

    def needed_digest(self) -> Digest:
        """What an upload's end must name. Raises DigestInvalid, DigestUnsupported."""
        digest = self.digest("digest")
        if digest is None:
            raise DigestInvalid("", "the upload's end names the digest of the blob")
        return digest

    def check_algorithm(self) -> None:
        """Whether blobs can be kept under the algorithm that a session is announced for. Raises DigestUnsupported."""
        algorithm = self.one("digest-algorithm")
        if algorithm is not None and algorithm not in list(Algorithm):
            raise DigestUnsupported(algorithm)

    def tags(self) -> tuple[str, ...]:
        """Every `tag`. Raises RouteInvalid, TagsTooMany."""
        tags = tuple(dict.fromkeys(self._fields.get("tag", [])))
        if len(tags) > TAGS_LIMIT:
            raise TagsTooMany(TAGS_LIMIT)
        for tag in tags:
            try:
                check_tag(tag, tag)
            except ReferenceInvalid as error:
                raise RouteInvalid(Code.MANIFEST_INVALID, tag, str(error)) from error
        return tags

    def page(self) -> tuple[str, int]:
        """The name after which a page begins, and how many it may have. Raises PageInvalid."""
        wanted = self.one("n")
        if wanted is None:
            return self.one("last") or "", PAGE_LIMIT
        if not (wanted.isascii() and wanted.isdigit()) or len(wanted) > 18:
            raise PageInvalid(wanted)
        return self.one("last") or "", min(int(wanted), PAGE_LIMIT)
