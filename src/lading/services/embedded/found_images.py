"""Images wherever they are, opened to be looked at: a plain name here, else in its registry; or in a layout, an archive
or a Docker host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lading.engine.records import ImageNames
from lading.engine.stores import Source
from lading.errors import AccessDenied, NetworkFailed, NotFound
from lading.services.content.stores import Readable, Stores
from lading.services.descriptions import Description, describe, promised
from lading.services.lookup import ImageUnknown, Lookup, only_name
from lading.services.places import Archive, DockerImage, Layout, Named, Place
from lading.wire.message import Cancel


@contextmanager
def found_image(
    place: Place, stores: Stores, names: ImageNames, cancel: Cancel
) -> Iterator[tuple[Description, Source]]:
    """What the image is made of, and where its content can be read while inside. Raises ImageUnknown, IdAmbiguous,
    NameNeeded, AccessDenied, NetworkFailed, Unreachable, ContentCorrupt."""
    match place:
        case Named(text):
            yield _named(text, stores, names, cancel)
        case Layout(path, name):
            yield _described(stores.layout(path), name, str(place))
        case Archive(path):
            with stores.read_archive(path, cancel) as archive:
                yield _described(archive, None, str(place))
        case DockerImage():
            with stores.docker_image(place, cancel) as archive:
                yield _described(archive, None, str(place))


def _named(text: str, stores: Stores, names: ImageNames, cancel: Cancel) -> tuple[Description, Source]:
    image, own = Lookup(names).seek(text), stores.own
    if image is not None:
        return describe(image.reference, own, image.root, own.present), own
    reference = Named(text).reference
    remote = stores.registry(reference.repository, cancel)
    try:
        root = remote.resolve(reference.digest or reference.tag or "")
    except NotFound as error:
        raise ImageUnknown(text, ["the local store", reference.repository.registry]) from error
    except (AccessDenied, NetworkFailed) as error:
        asked = "It is not in the local store, so its registry was asked."
        raise error.but(why=f"{asked} {error.why or ''}".rstrip()) from error
    return describe(str(reference), remote, root, promised), remote


def _described(source: Readable, name: str | None, text: str) -> tuple[Description, Source]:
    root = source.resolve(only_name(source, name))
    return describe(text, source, root, promised), source
