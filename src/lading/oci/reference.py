"""References: how people name images, by Docker's rules (distribution-spec, Pulling manifests; docker's short names).

    registry.example.com:5000/team/app:1.4@sha256:…
    └──────── registry ──────┘└─ path ┘└tag┘└ digest ┘

Inside Lading a reference is never a bare string: `Reference.parse` is the only way in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from lading.errors import InputInvalid
from lading.oci.digest import Digest, DigestInvalid, DigestUnsupported

HUB = "docker.io"
HUB_ALIASES = frozenset({HUB, "hub.docker.com", "registry.hub.docker.com", "index.docker.io", "registry-1.docker.io"})
"""The exact hosts that mean Docker Hub (interfaces §2, Target)."""

DEFAULT_TAG = "latest"
PATH_LIMIT = 255
TAG_LIMIT = 128

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

    def __str__(self) -> str:
        return f"{self.text[:300]!r} is not an image reference: {self.part} {self.rule}"


class ImageHasNoTag(InputInvalid):
    """A push needs a name to push to, and neither the image nor the caller has one (interfaces §2, Push)."""

    def __str__(self) -> str:
        return "Image has no tag. Please provide a tag name."


def is_registry(first: str) -> bool:
    """Whether the first part of a name is a host: it has a dot or a colon, or is localhost (docker's short names)."""
    return "." in first or ":" in first or first == "localhost" or first != first.lower()


def canonical_registry(host: str) -> str:
    """The one spelling of a registry's host: lower case, and `docker.io` for every alias of Docker Hub."""
    host = host.lower()
    return HUB if host in HUB_ALIASES else host


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
        """As docker prints it, without `docker.io/` and `library/`."""
        return self.path.removeprefix("library/") if self.registry == HUB else str(self)


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
    first, slash, rest = name.partition("/")
    registry, path = (first, rest) if slash and is_registry(first) else (HUB, name)
    if not _REGISTRY.fullmatch(registry):
        raise ReferenceInvalid(text, f"the registry {registry!r}", "is not host or host:port")
    registry = canonical_registry(registry)
    if registry == HUB and path and "/" not in path:
        path = f"library/{path}"
    check_path(text, path)
    return Repository(registry, path)


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
