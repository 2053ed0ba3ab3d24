"""The image part of the Docker Engine API: its versions and its paths (docs.docker.com/reference/api/engine).

    /_ping                                          without a version; the answer's Api-Version says how far it goes
    /v1.41/images/registry.example.com/a/b/push     names stand in the path as they are, slashes and colon included

A path is built by one function, for the version that was agreed on; what a version lacks is left out or refused by the
caller, who alone knows whether it mattered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
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

NEWEST = ApiVersion(1, 51)
"""The newest whose answers this code was written for; daemons that know more are asked for this one."""

PRUNES_FROM = ApiVersion(1, 25)
MEASURES_FROM = ApiVersion(1, 25)
DISTRIBUTION_FROM = ApiVersion(1, 30)
PULLS_PLATFORM_FROM = ApiVersion(1, 32)
IMPORTS_PLATFORM_FROM = ApiVersion(1, 32)
MEASURES_IMAGES_ALONE_FROM = ApiVersion(1, 42)
PUSHES_PLATFORM_FROM = ApiVersion(1, 46)
LISTS_PARTS_FROM = ApiVersion(1, 47)
TELLS_PARTS_FROM = ApiVersion(1, 48)
HISTORY_PLATFORM_FROM = ApiVersion(1, 48)
ARCHIVES_PLATFORM_FROM = ApiVersion(1, 48)
TELLS_PLATFORM_FROM = ApiVersion(1, 49)
REMOVES_PLATFORM_FROM = ApiVersion(1, 50)


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
    """GET: the list, with what each image consists of where the daemon says it."""
    return _asking(f"/v{api}/images/json", ("manifests", "1" if api >= LISTS_PARTS_FROM else None))


def image(api: ApiVersion, name: str, platform: Platform | None = None) -> str:
    """GET: one image, of one platform; or with what it consists of, where the daemon says it: never both."""
    if platform is not None and api >= TELLS_PLATFORM_FROM:
        return _asking(f"{_image(api, name)}/json", ("platform", _written(platform)))
    return _asking(f"{_image(api, name)}/json", ("manifests", "1" if api >= TELLS_PARTS_FROM else None))


def history(api: ApiVersion, name: str, platform: Platform | None = None) -> str:
    """GET: the steps of one image."""
    said = platform if api >= HISTORY_PLATFORM_FROM else None
    return _asking(f"{_image(api, name)}/history", ("platform", _written(said)))


def measured(api: ApiVersion) -> str:
    """GET: what takes how much space."""
    return _asking(f"/v{api}/system/df", ("type", "image" if api >= MEASURES_IMAGES_ALONE_FROM else None))


def information(api: ApiVersion) -> str:
    """GET: what a daemon tells of itself and of its machine."""
    return f"/v{api}/info"


def image_events(api: ApiVersion, since: str | None, until: str | None) -> str:
    """GET: what is done to images, and without `until` without end; the moments are seconds since 1970."""
    filters = _json({"type": ["image"]})
    return _asking(f"/v{api}/events", ("since", since), ("until", until), ("filters", filters))


def distribution(api: ApiVersion, name: str) -> str:
    """GET: an image as its registry has it."""
    return f"/v{api}/distribution/{quote(name, safe='/:@')}/json"


def tag(api: ApiVersion, name: str, target: Reference) -> str:
    """POST: a further name."""
    return f"{_image(api, name)}/tag?{_query(('repo', str(target.repository)), ('tag', target.tag or ''))}"


def remove(
    api: ApiVersion, name: str, *, force: bool, keep_parents: bool = False, platforms: Sequence[Platform] = ()
) -> str:
    """DELETE: a name, an image by its id, or some platforms of it."""
    return _asking(
        _image(api, name),
        ("force", "1" if force else None),
        ("noprune", "1" if keep_parents else None),
        *(("platforms", _written(platform)) for platform in platforms),
    )


def prune(api: ApiVersion, filters: Mapping[str, Sequence[str]]) -> str:
    """POST: images that nobody needs: `dangling` says which those are, the others take some out."""
    members = {name: dict.fromkeys(values, True) for name, values in filters.items() if values}
    return f"/v{api}/images/prune?{_query(('filters', _json(members)))}"


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
        query.append(("platform", _json(platform.written())))
    return f"{_image(api, str(repository))}/push?{_query(*query)}"


def export(api: ApiVersion, names: Sequence[str], platform: Platform | None = None) -> str:
    """GET: a tar of these images."""
    return _asking(f"/v{api}/images/get", *(("names", name) for name in names), ("platform", _written(platform)))


def load(api: ApiVersion, platform: Platform | None = None) -> str:
    """POST with a tar; `quiet=0` has it tell of layers and names."""
    return _asking(f"/v{api}/images/load", ("quiet", "0"), ("platform", _written(platform)))


def import_(
    api: ApiVersion,
    target: Reference | None,
    *,
    message: str,
    changes: Sequence[str],
    platform: Platform | None,
) -> str:
    """POST with the tar of a root file system."""
    return _asking(
        f"/v{api}/images/create",
        ("fromSrc", "-"),
        ("repo", str(target.repository) if target else None),
        ("tag", target.tag if target else None),
        ("message", message or None),
        *(("changes", change) for change in changes),
        ("platform", str(platform) if platform else None),
    )


def _image(api: ApiVersion, name: str) -> str:
    return f"/v{api}/images/{quote(name, safe='/:@')}"


def _asking(path: str, *pairs: tuple[str, str | None]) -> str:
    """The path, and behind it what is said."""
    said = [(name, value) for name, value in pairs if value is not None]
    return f"{path}?{_query(*said)}" if said else path


def _written(platform: Platform | None) -> str | None:
    return _json(platform.written()) if platform is not None else None


def _json(members: Mapping[str, object]) -> str:
    return json.dumps(members, separators=(",", ":"))


def _query(*pairs: tuple[str, str]) -> str:
    return urlencode(pairs)
