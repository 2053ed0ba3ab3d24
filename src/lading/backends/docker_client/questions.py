"""Questions about one image of a daemon: its name in a path, what is unknown there, and the platform that is meant."""

from __future__ import annotations

from collections.abc import Callable

from lading.backends.docker_client import answers
from lading.backends.docker_client.answers import Members
from lading.backends.docker_client.daemon import Daemon
from lading.backends.docker_client.faults import DaemonTooOld
from lading.backends.docker_client.parts import parts
from lading.errors import NotFound
from lading.oci.platform import Platform, satisfies
from lading.services.environment_images import PartKind
from lading.services.lookup import ImageUnknown, may_be_id
from lading.services.places import Named
from lading.services.platforms import PlatformMissing
from lading.wire import docker_urls as urls
from lading.wire.docker_urls import ApiVersion
from lading.wire.message import Cancel

Path = Callable[[ApiVersion, str], str]


class Questions:
    """Of one daemon. Every method raises what `Daemon.ask` raises."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def inspect(self, image: str, cancel: Cancel, platform: Platform | None = None) -> Members:
        """An image, of one platform where the daemon can tell them apart. Raises ImageUnknown, PlatformMissing."""

        def path(api: ApiVersion, name: str) -> str:
            return urls.image(api, name, platform)

        found = self.members(self.of_image("GET", image, path, cancel, platform))
        if platform is not None and self._daemon.api(cancel) < urls.TELLS_PLATFORM_FROM:
            check_platform(found, image, platform)
        return found

    def of_image(self, method: str, image: str, path: Path, cancel: Cancel, platform: Platform | None = None) -> object:
        """What the daemon answers for it. Raises ImageUnknown, ReferenceInvalid, and PlatformMissing where the image
        is there, and this platform of it is not."""
        name = whole(image)
        try:
            return self._daemon.ask(method, lambda api: path(api, name), cancel)
        except NotFound as error:
            if platform is not None:
                offered = built_for(self.inspect(image, cancel))
                raise PlatformMissing(platform, image, offered) from error
            raise ImageUnknown(image, [f"the Docker host {self._daemon.name}"]) from error

    def members(self, answer: object) -> Members:
        """An object. Raises AnswerUnreadable."""
        return answers.members(answer, self._daemon.name)

    def need(self, version: ApiVersion, what: str, cancel: Cancel) -> None:
        """Raises DaemonTooOld; `what` ends "is too old …"."""
        if self._daemon.api(cancel) < version:
            raise DaemonTooOld(self._daemon.name, what, str(version))


def whole(image: str) -> str:
    """What a path may name: an id as it is, a name normalised; of an id's letters the daemon looks for a name first.
    Raises ReferenceInvalid."""
    return image if may_be_id(image) else str(Named(image).reference)


def check_platform(image: Members, name: str, wanted: Platform | None) -> None:
    """For daemons that cannot be told one: what they hold of the image must serve it. Raises PlatformMissing."""
    offered = built_for(image)
    if wanted is not None and offered and not any(satisfies(each, wanted) for each in offered):
        raise PlatformMissing(wanted, name, offered)


def built_for(image: Members) -> list[Platform]:
    """The platforms that are there; none where the daemon does not say."""
    told = [part.platform for part in parts(image) if part.kind is PartKind.IMAGE and part.available]
    one = answers.platform(image)
    return [each for each in told if each] or ([one] if one else [])
