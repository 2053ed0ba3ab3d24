"""Places: where an image is, as people write it on a command line or in a request.

ghcr.io/acme/web:1.4          a name; what it means is for the verb to say
oci:DIR[:name]                an OCI image layout, and which image in it
archive:FILE                  an image archive, docker's or OCI's
-                             an archive on standard input or output
docker:NAME                   an image of the Docker host that docker itself would speak to, by name or id
docker:HOST//NAME             the same of another one: unix:///PATH, tcp://HOST:PORT, or an environment by its name

As a target a Docker host may stand without NAME, `docker:` or `docker:HOST//`: the image keeps the name it has.
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


@dataclass(frozen=True, slots=True)
class DockerImage:
    """An image of a Docker host, by name or id; empty: as the source calls it. `host` is its address or the name of an
    environment; None: the one that docker's own command would speak to."""

    name: str
    host: str | None = None

    def __str__(self) -> str:
        return f"docker:{self.name}" if self.host is None else f"docker:{self.host}//{self.name}"

    @property
    def where(self) -> str:
        """The host, for people."""
        return "the Docker host" if self.host is None else f"the Docker host {self.host}"


Place = Named | Layout | Archive | DockerImage


class PlaceInvalid(InputInvalid):
    """A place that names no folder or file."""

    hint = (
        "Write oci:DIR, oci:DIR:NAME, archive:FILE, docker:NAME, docker:HOST//NAME (docker:unix:///PATH//NAME),"
        " or - for standard input and output."
    )

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text!r} names no place"


def parse_place(text: str) -> Place:
    """What `text` means. Raises PlaceInvalid."""
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
        return _docker_image(text, rest)
    return Named(text)


def _docker_image(text: str, rest: str) -> DockerImage:
    """`//` parts host and name, neither of which ends or begins so: a name's parts are never empty."""
    host, parted, name = rest.rpartition("//")
    if not parted:
        return DockerImage(name)
    if not host or host.endswith(":"):  # docker://NAME, and tcp://HOST without what parts it from the name
        raise PlaceInvalid(text)
    return DockerImage(name, host)
