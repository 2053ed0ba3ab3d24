"""References: how people name images, by Docker's rules (distribution-spec, Pulling manifests; docker's short names).

    registry.example.com:5000/team/app:1.4@sha256:…
    └──────── registry ──────┘└─ path ┘└tag┘└ digest ┘

Inside Lading a reference is never a bare string: `Reference.parse` is the only way in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from lading.errors import InputInvalid
from lading.oci.digest import Algorithm, Digest, DigestInvalid, DigestUnsupported

HUB = "docker.io"
HUB_ALIASES = frozenset({HUB, "hub.docker.com", "registry.hub.docker.com", "index.docker.io", "registry-1.docker.io"})
"""The exact hosts that mean Docker Hub (interfaces §2, Target)."""

DEFAULT_TAG = "latest"
PATH_LIMIT = 255
SHORTEST_NEW_PATH = 2
TAG_LIMIT = 128
HOST_LIMIT = 262
"""A DNS name, a colon and a port."""

PORT_LIMIT = 65_535

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_DOMAIN_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = re.compile(rf"(?:{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]{{1,5}})?")
_IMAGE_ID = re.compile(r"[a-f0-9]{64}")


class ReferenceInvalid(InputInvalid):
    """Text that is no reference; says which part breaks which rule."""

    def __init__(self, text: str, part: str, rule: str) -> None:
        super().__init__(text, part, rule)
        self.text, self.part, self.rule = text, part, rule
        self.hint = _meant(text)
        if self.hint is not None and "://" in text:
            self.command = f"{self.hint} --insecure allows plain HTTP."

    def __str__(self) -> str:
        return f"{self.text[:300]!r} is not an image reference: {self.part} {self.rule}"


def _meant(text: str) -> str | None:
    """What somebody may have meant who wrote an address of the web, or a path, where a name belongs."""
    scheme, separator, rest = text.partition("://")
    if separator and scheme.lower() in {"http", "https", "docker", "oci"}:
        return f"Leave out {scheme}:// and write {rest}."
    if text.startswith(("/", "./", "../", "~")):
        return f"A name is no path. A folder with an OCI layout is oci:{text}, an image archive archive:{text}."
    return None


class ImageHasNoTag(InputInvalid):
    """A push needs a name to push to, and neither the image nor the caller has one (interfaces §2, Push)."""

    def __str__(self) -> str:
        return "Image has no tag. Please provide a tag name."


def is_registry(first: str) -> bool:
    """Whether the first part of a name is a host: it has a dot or a colon, or is localhost (docker's short names)."""
    return "." in first or ":" in first or first == "localhost" or first != first.lower()


def split_registry(text: str) -> tuple[str, str]:
    """The registry that a name begins with, as it is written there, and the rest; Docker Hub and all of it where it
    begins with none."""
    first, slash, rest = text.partition("/")
    return (first, rest) if slash and is_registry(first) else (HUB, text)


def canonical_registry(host: str) -> str:
    """The one spelling of a registry's host: lower case, and `docker.io` for every alias of Docker Hub.

    A host that only its capitals tell from a user's name on Hub keeps them, or it would be read as that name next time.
    """
    lower = host.lower()
    if lower in HUB_ALIASES:
        return HUB
    return lower if is_registry(lower) else host


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A place in one registry: `registry` is host[:port] (`docker.io` for every alias of Hub), `path` what stands
    after /v2/."""

    registry: str
    path: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"

    @property
    def familiar(self) -> str:
        """As docker prints it, without `docker.io/` and `library/`; whole where the short form would mean another."""
        if self.registry != HUB:
            return str(self)
        short = _without_library(self.path)
        first, slash, _ = short.partition("/")
        return str(self) if (slash and is_registry(first)) or _IMAGE_ID.fullmatch(short) else short


@dataclass(frozen=True, slots=True)
class Reference:
    """What a person wrote, normalised by Docker's rules.

    A missing tag stays missing: the caller knows whether it means `latest` or all.
    """

    repository: Repository
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Raises ReferenceInvalid, naming the part and the rule it breaks."""
        if not text:
            raise ReferenceInvalid(text, "the name", "is empty")
        name, at, digest_text = text.partition("@")
        digest = _digest(text, digest_text) if at else None
        name, tag = _split_tag(name)
        if tag is not None:
            check_tag(text, tag)
        return cls(_repository(text, name), tag, digest)

    @property
    def or_latest(self) -> Reference:
        """The same, with the tag `latest` where neither tag nor digest was given."""
        return self if self.tag or self.digest else replace(self, tag=DEFAULT_TAG)

    @property
    def familiar(self) -> str:
        """As docker prints it, without `docker.io/` and `library/`; `str()` gives the whole."""
        return self.repository.familiar + self._suffix

    def __str__(self) -> str:
        return str(self.repository) + self._suffix

    @property
    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def check_tag(text: str, tag: str) -> None:
    """Raises ReferenceInvalid where `tag`, found in `text`, breaks the distribution spec's grammar."""
    if len(tag) > TAG_LIMIT:
        raise ReferenceInvalid(text, "the tag", f"has {len(tag)} characters; {TAG_LIMIT} are allowed")
    if not _TAG.fullmatch(tag):
        raise ReferenceInvalid(
            text, f"the tag {tag!r}", "may hold letters, digits, '_', '.' and '-', and must not begin with '.' or '-'"
        )


def _without_library(path: str) -> str:
    """Hub's official images have the one-part names that docker puts below `library/`."""
    return path.removeprefix("library/") if path.count("/") == 1 else path


def _split_tag(name: str) -> tuple[str, str | None]:
    """A colon is a tag's only after the last slash; before it, it is a port's."""
    head, colon, tail = name.rpartition(":")
    return (head, tail) if colon and "/" not in tail else (name, None)


def _digest(text: str, digest_text: str) -> Digest:
    try:
        return Digest.parse(digest_text)
    except (DigestInvalid, DigestUnsupported) as error:
        raise ReferenceInvalid(text, "the digest", f"is not valid: {error}") from error


def _repository(text: str, name: str) -> Repository:
    if _IMAGE_ID.fullmatch(name):
        raise ReferenceInvalid(text, "the name", "is 64 hex digits, which is an image id")
    registry, path = split_registry(name)
    check_registry(text, registry)
    check_path(text, path)
    place = Repository(canonical_registry(registry), "")
    path = _under(place, path)
    check_path(text, path)
    return Repository(place.registry, path)


def check_registry(text: str, registry: str) -> None:
    """Raises ReferenceInvalid where `registry`, found in `text`, is no host[:port]."""
    if len(registry) > HOST_LIMIT or not _REGISTRY.fullmatch(registry):
        raise ReferenceInvalid(text, f"the registry {registry[:HOST_LIMIT]!r}", "is not host or host:port")
    port = registry.rpartition(":")[2]
    if port.isdigit() and ":" in registry and int(port) > PORT_LIMIT:
        raise ReferenceInvalid(text, f"the port {port}", f"is above {PORT_LIMIT}")


def check_path(text: str, path: str) -> None:
    """Raises ReferenceInvalid where a repository's path breaks the grammar (distribution-spec, Pulling manifests)."""
    if not path:
        raise ReferenceInvalid(text, "the repository", "is missing")
    if len(path) > PATH_LIMIT:
        raise ReferenceInvalid(text, "the repository", f"has {len(path)} characters; {PATH_LIMIT} are allowed")
    if path != path.lower():
        raise ReferenceInvalid(text, f"the repository {path!r}", "must be lower case")
    if not _PATH.fullmatch(path):
        raise ReferenceInvalid(
            text,
            f"the repository {path!r}",
            "may hold lower-case letters and digits, with '.', '_', '__' or '-' between them and '/' between parts",
        )


def retarget(source: Reference | None, registry: str, new: str | None) -> Reference:
    """Where a push goes (interfaces §2, Target): `registry` is host[:port][/path], `new` what replaces source's name.

    The source gives its path and tag, without its registry. `new` replaces both and may carry the registry itself,
    which is not doubled. Docker Hub adds nothing, any other registry its host and path; no tag means `latest`.
    Raises ImageHasNoTag where there is neither source nor `new`, ReferenceInvalid.
    """
    place = _place(registry)
    if new:
        path, tag = _named(new, place)
    elif source is not None:
        path, tag = _taken(source, place), source.tag
    else:
        raise ImageHasNoTag
    text = new or str(source)
    check_path(text, path)
    if len(path) < SHORTEST_NEW_PATH:
        raise ReferenceInvalid(text, f"the repository {path!r}", f"needs at least {SHORTEST_NEW_PATH} characters")
    if tag is not None:
        check_tag(text, tag)
    return Reference(Repository(place.registry, path), tag or DEFAULT_TAG)


def _place(registry: str) -> Repository:
    """The registry that was asked for; on Hub, whose configured address may end in /v1/, the path means nothing."""
    host, _, prefix = registry.strip("/").partition("/")
    check_registry(registry, host)
    host = canonical_registry(host)
    if not is_registry(host):
        raise ReferenceInvalid(registry, f"the registry {host!r}", "needs its port, else it reads as a name on Hub")
    return Repository(host, "" if host == HUB else prefix)


def _named(new: str, place: Repository) -> tuple[str, str | None]:
    """Path and tag of the name the caller wrote, which may carry `place` itself but no other registry."""
    if "@" in new:
        raise ReferenceInvalid(new, "the digest", "cannot be chosen for a push: it follows from the content")
    name, tag = _split_tag(new)
    first, slash, rest = name.partition("/")
    if not slash or not is_registry(first.lower()):
        return _under(place, name), tag
    if canonical_registry(first) != place.registry:
        raise ReferenceInvalid(new, f"the registry {first!r}", f"is not {place.registry}, where the push goes")
    return _under(place, _below(place, rest)), tag


def _taken(source: Reference, place: Repository) -> str:
    """The source's path without its registry, and without the part that `place` adds when it comes from there."""
    repository = source.repository
    if repository.registry == HUB:
        return _under(place, _without_library(repository.path))
    return _under(place, _below(place, repository.path) if repository.registry == place.registry else repository.path)


def _below(place: Repository, path: str) -> str:
    return path.removeprefix(f"{place.path}/") if place.path else path


def _under(place: Repository, path: str) -> str:
    if place.registry == HUB:
        return path if "/" in path or not path else f"library/{path}"
    return f"{place.path}/{path}" if place.path else path


FALLBACK_HEX = 64
_FALLBACK_TAG = re.compile(rf"(?:{'|'.join(Algorithm)})-[a-f0-9]{{{FALLBACK_HEX}}}")
_COSIGN_KINDS = ("sig", "att", "sbom")


def fallback_tag(subject: Digest) -> str:
    """The tag whose index lists what refers to `subject`, where a registry has no referrers API.

    The hex is cut to 64 digits, as a tag has room for no more (distribution-spec, Referrers Tag Schema).
    """
    return f"{subject.algorithm}-{subject.encoded[:FALLBACK_HEX]}"


def is_fallback_tag(tag: str) -> bool:
    """Whether a tag is `fallback_tag` of something, not a name that a person gave."""
    return _FALLBACK_TAG.fullmatch(tag) is not None


def cosign_tags(subject: Digest) -> tuple[str, ...]:
    """The tags under which cosign keeps what is known of `subject`: signatures, attestations, SBOMs."""
    return tuple(f"{fallback_tag(subject)}.{kind}" for kind in _COSIGN_KINDS)


def is_cosign_tag(tag: str) -> bool:
    """Whether a tag is one of `cosign_tags` of something."""
    subject, dot, kind = tag.rpartition(".")
    return bool(dot) and kind in _COSIGN_KINDS and is_fallback_tag(subject)
