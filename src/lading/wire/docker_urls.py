"""The image part of the Docker Engine API: its versions and its paths (docs.docker.com/reference/api/engine).

    /_ping                                          without a version; the answer's Api-Version says how far it goes
    /v1.41/images/registry.example.com/a/b/push     names stand in the path as they are, slashes and colon included

A path is built by one function, for the version that was agreed on; what a version lacks is left out or refused by the
caller, who alone knows whether it mattered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from lading.oci.platform import Platform
from lading.oci.reference import Reference, Repository

PING = "/_ping"
VERSION_FIELD = "api-version"
"""The header, in lower case, in which a daemon says the newest version it speaks."""


@dataclass(frozen=True, slots=True, order=True)
class ApiVersion:
    """`1.41`; compares as numbers."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> ApiVersion | None:
        """None where the text is no version."""
        match = _VERSION.fullmatch(text.strip())
        return cls(int(match[1]), int(match[2])) if match else None

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})")

OLDEST = ApiVersion(1, 24)
"""Docker 1.12: the oldest we speak to, and what a daemon speaks that does not say."""

NEWEST = ApiVersion(1, 48)
"""The newest whose answers this code was written for; daemons that know more are asked for this one."""

PRUNES_FROM = ApiVersion(1, 25)
PULLS_PLATFORM_FROM = ApiVersion(1, 32)
PUSHES_PLATFORM_FROM = ApiVersion(1, 46)


def agreed(said: str | None) -> ApiVersion | None:
    """The version to ask for, after a daemon said how far it goes (None: it did not); None where it is too old."""
    theirs = OLDEST if said is None else ApiVersion.parse(said)
    if theirs is None or theirs < OLDEST:
        return None
    return min(theirs, NEWEST)


def version(api: ApiVersion) -> str:
    """GET: what answers."""
    return f"/v{api}/version"


def images(api: ApiVersion) -> str:
    """GET: the list."""
    return f"/v{api}/images/json"


def image(api: ApiVersion, name: str) -> str:
    """GET: one image."""
    return f"{_image(api, name)}/json"


def history(api: ApiVersion, name: str) -> str:
    """GET: the steps of one image."""
    return f"{_image(api, name)}/history"


def tag(api: ApiVersion, name: str, target: Reference) -> str:
    """POST: a further name."""
    return f"{_image(api, name)}/tag?{_query(('repo', str(target.repository)), ('tag', target.tag or ''))}"


def remove(api: ApiVersion, name: str, *, force: bool) -> str:
    """DELETE: a name, or an image by its id."""
    return _image(api, name) + (f"?{_query(('force', '1'))}" if force else "")


def prune(api: ApiVersion, *, unnamed_only: bool) -> str:
    """POST: images without a name, or all that no container uses."""
    filters = json.dumps({"dangling": {"true" if unnamed_only else "false": True}}, separators=(",", ":"))
    return f"/v{api}/images/prune?{_query(('filters', filters))}"


def pull(api: ApiVersion, reference: Reference, platform: Platform | None) -> str:
    """POST: a digest stands in `tag`, and decides where both are given."""
    chosen = str(reference.digest) if reference.digest else reference.tag or ""
    query = [("fromImage", str(reference.repository)), ("tag", chosen)]
    if platform is not None and api >= PULLS_PLATFORM_FROM:
        query.append(("platform", str(platform)))
    return f"/v{api}/images/create?{_query(*query)}"


def push(api: ApiVersion, repository: Repository, tag_name: str, platform: Platform | None) -> str:
    """POST: the name without its tag; without `tag` a daemon would push every tag it has."""
    query = [("tag", tag_name)]
    if platform is not None and api >= PUSHES_PLATFORM_FROM:
        query.append(("platform", json.dumps(platform.written(), separators=(",", ":"))))
    return f"{_image(api, str(repository))}/push?{_query(*query)}"


def export(api: ApiVersion, names: Sequence[str]) -> str:
    """GET: a tar of these images."""
    return f"/v{api}/images/get?{_query(*(('names', name) for name in names))}"


def load(api: ApiVersion) -> str:
    """POST with a tar; `quiet=0` has it tell of layers and names."""
    return f"/v{api}/images/load?{_query(('quiet', '0'))}"


def _image(api: ApiVersion, name: str) -> str:
    return f"/v{api}/images/{quote(name, safe='/:@')}"


def _query(*pairs: tuple[str, str]) -> str:
    return urlencode(pairs)
