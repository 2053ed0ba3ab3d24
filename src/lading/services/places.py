"""Places: where an image is, as people write it on a command line or in a request.

ghcr.io/acme/web:1.4          a name; what it means is for the verb to say
oci:DIR[:name]                an OCI image layout, and which image in it
archive:FILE                  an image archive, docker's or OCI's
-                             an archive on standard input or output
docker:NAME                   a Docker host's images: joins with the service
"""

from __future__ import annotations

from dataclasses import dataclass

from lading.errors import InputInvalid
from lading.oci.reference import Reference


@dataclass(frozen=True, slots=True)
class Named:
    """A name: of an image in our store, or in a registry."""

    text: str

    @property
    def reference(self) -> Reference:
        """The whole reference it stands for, with `latest` where nothing is said. Raises ReferenceInvalid."""
        return Reference.parse(self.text).or_latest

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Layout:
    """An image in an OCI image layout; `name` None where the layout holds one."""

    path: str
    name: str | None = None

    def __str__(self) -> str:
        return f"oci:{self.path}" + (f":{self.name}" if self.name else "")


@dataclass(frozen=True, slots=True)
class Archive:
    """An image archive; the path `-` is standard input or output."""

    path: str

    def __str__(self) -> str:
        return self.path if self.path == "-" else f"archive:{self.path}"


Place = Named | Layout | Archive


class PlaceInvalid(InputInvalid):
    """A place that names no folder or file."""

    hint = "Write oci:DIR, oci:DIR:NAME, archive:FILE, or - for standard input and output."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text!r} names no place"


class DockerHostsNotServed(InputInvalid):
    """Docker hosts are reached through Lading's service, which this program does not have yet."""

    why = "Docker hosts are reached through Lading's service, which this version does not have."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        name = text.removeprefix("docker:") or "NAME"
        self.hint = f"docker save {name} | lading load"

    def __str__(self) -> str:
        return f"{self.text!r} cannot be reached"


def parse_place(text: str) -> Place:
    """What `text` means. Raises PlaceInvalid, DockerHostsNotServed, ReferenceInvalid."""
    scheme, colon, rest = text.partition(":")
    if text == "-":
        return Archive(text)
    if colon and scheme == "oci":
        path, _, name = rest.partition(":")
        if not path:
            raise PlaceInvalid(text)
        return Layout(path, name or None)
    if colon and scheme == "archive":
        if not rest:
            raise PlaceInvalid(text)
        return Archive(rest)
    if colon and scheme == "docker":
        raise DockerHostsNotServed(text)
    return Named(text)
