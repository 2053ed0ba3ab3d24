"""GET /images/get and /images/{name}/get: docker save."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager

from lading.errors import Cancelled, InputInvalid
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.refusals import JobFailed, Told
from lading.fronts.http.exchange import Answer
from lading.services.lookup import ImageUnknown
from lading.wire.docker_urls import ARCHIVES_PLATFORM_FROM
from lading.wire.message import Reader

TAR = "application/x-tar"


class NothingNamed(InputInvalid):
    """An archive of no image."""

    def __str__(self) -> str:
        return "no image is named: names=NAME says which to save"


def save(product: DockerProduct, request: DockerRequest) -> Answer:
    """Of all that `names` name. Raises NothingNamed, ImageUnknown, PlatformMissing, PlatformUnreadable, Denied."""
    names = tuple(name for name in request.query.all("names") if name)
    if not names:
        raise NothingNamed
    return _saved(product, request, names)


def save_one(product: DockerProduct, request: DockerRequest) -> Answer:
    """Of the one in the path. Raises as `save` does."""
    return _saved(product, request, (request.name,))


def _saved(product: DockerProduct, request: DockerRequest, names: tuple[str, ...]) -> Answer:
    platform = request.query.platform() if request.version >= ARCHIVES_PLATFORM_FROM else None
    exported = request.open(product).export(names, request.cancel, platform)
    try:
        opened = _Open(exported)
    except ImageUnknown as error:
        raise JobFailed(Told(404, f"No such image: {error.text}")) from error  # as it was asked for, unlike elsewhere
    return Answer(200, (("Content-Type", TAR),), stream=opened)


class _Open:
    """A Reader that ends what it was opened with: in peace when all of it was read, else as given up."""

    def __init__(self, opened: AbstractContextManager[Reader]) -> None:
        """Raises what opening it raises."""
        self._opened: AbstractContextManager[Reader] | None = opened
        self._reader = opened.__enter__()
        self._read = False

    def readinto(self, buffer: memoryview, /) -> int:
        """Raises what reading raises; whoever hears of it closes."""
        try:
            count = self._reader.readinto(buffer)
        except BaseException:
            self._leave(sys.exception())
            raise
        self._read = self._read or not count
        return count

    def close(self) -> None:
        try:
            self._leave(None if self._read else Cancelled())
        except Cancelled:
            return

    def _leave(self, error: BaseException | None) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.__exit__(None if error is None else type(error), error, None)
