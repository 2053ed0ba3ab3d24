"""What is asked of a distribution: the image as people name it, the hosts that it goes to, and what it is called there.

team/app:1   registry.example/team/app:1   …@sha256:…     in our own registry, where it is there
anything else                                               an image of an environment: `source`, or our own engine
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from lading.errors import InputInvalid, Refused
from lading.oci.digest import Digest
from lading.oci.reference import DEFAULT_TAG, Reference, Repository, is_registry
from lading.services.environment_images import Summary
from lading.services.jobs.fields import JobFields, JobFieldsUnreadable
from lading.services.jobs.job import JobRequest, JsonObject
from lading.services.lookup import may_be_id
from lading.services.platforms import Wanted
from lading.services.transfers.distribution_results import DONE

DISTRIBUTE = "distribute"

DISTRIBUTED = "lading-distributed"
"""The first part of the repositories that images of environments pass through."""

STAGING_START = "d"
"""How the tags begin under which they pass."""

LONGEST_PATH = 255
"""Characters of a repository's path (interfaces §2, Push)."""

MOST_HOSTS = 1000


class DistributionUnset(Refused):
    """Nobody has said how hosts reach our registry."""

    code = "not_configured"
    hint = (
        "Set registry-public-url to the address by which Docker hosts reach this server's registry, and start it again."
    )

    def __str__(self) -> str:
        return "Docker hosts cannot fetch from this registry: registry-public-url is not set"


class ImageOrHostsMissing(InputInvalid):
    """Without an image and a host there is no distribution."""

    def __str__(self) -> str:
        return "Image and environments are required"


class TooManyHosts(InputInvalid):
    """More environments than one job takes."""

    hint = "Make several jobs of it."

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count

    def __str__(self) -> str:
        return f"{self.count} environments are more than the {MOST_HOSTS} of one distribution"


class NameMissing(InputInvalid):
    """An image that has no name at its source, and is given none for the hosts."""

    hint = "Say what the hosts are to call it: as."

    def __init__(self, image: str) -> None:
        super().__init__(image)
        self.image = image

    def __str__(self) -> str:
        return f"{self.image} has no name"


class NameHasDigest(InputInvalid):
    """A wanted name with a digest, which nobody can choose."""

    hint = "Leave out the part from @ on; the digest follows from the content."

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"{name_shown(self.name)} names a digest"


def name_shown(name: str) -> str:
    """A name in a sentence, however long somebody made it."""
    return name[:300]


@dataclass(frozen=True, slots=True)
class DistributionForm:
    """What the caller wrote. `source` is the environment that has the image, None: see the table above. `name` is what
    hosts are to call it; None: as it is called at its source. `environments` are ids, each once is enough."""

    image: str | None = None
    environments: tuple[int, ...] = ()
    source: int | None = None
    name: str | None = None
    platform: str | None = None
    scan_after: bool = True

    def check(self) -> None:
        """Raises ImageOrHostsMissing, TooManyHosts, PlatformInvalid, PlatformsContradict, ReferenceInvalid,
        NameHasDigest."""
        if not self.image or not self.environments:
            raise ImageOrHostsMissing
        if len(set(self.environments)) > MOST_HOSTS:
            raise TooManyHosts(len(set(self.environments)))
        Wanted.of(self.platform)
        if self.name and Reference.parse(self.name).digest is not None:
            raise NameHasDigest(self.name)


@dataclass(frozen=True, slots=True)
class InRegistry:
    """An image of our own registry: `reference` is as people write it, without a host of its own."""

    path: str
    name: str | Digest

    @classmethod
    def parse(cls, text: str, host: str) -> InRegistry | None:
        """None where it names another registry, or is an image's id."""
        first = text.partition("/")[0]
        if may_be_id(text) or Digest.if_valid(text):
            return None
        whole = text if "/" in text and is_registry(first) else f"{host}/{text}"
        reference = Reference.parse(whole)
        if reference.repository.registry != Reference.parse(f"{host}/x").repository.registry:
            return None
        return cls(reference.repository.path, reference.digest or reference.tag or DEFAULT_TAG)


@dataclass(frozen=True, slots=True)
class Order:
    """What a distribution job does: its fields, read back.

    An image of our own registry has a `digest`, and hosts fetch it from where it is, `path`. One of an environment is
    the `image` of `source`, an id, which is first brought to `path` under the tag `staging`.
    """

    asked: str
    name: Reference | None
    environments: tuple[int, ...]
    path: str
    platform: str | None
    scan: bool
    digest: Digest | None = None
    source: int | None = None
    image: str = ""
    staging: str = ""

    @classmethod
    def of(cls, fields: JsonObject) -> Order:
        """Raises JobFieldsUnreadable."""
        asked = JobFields(fields)
        name, digest = asked.text_or_none("as"), asked.text_or_none("digest")
        return cls(
            asked.text("image"),
            None if name is None else Reference.parse(name),
            _whole_numbers(fields, "environments"),
            asked.text("repository"),
            asked.text_or_none("platform"),
            asked.truth("scanAfterPull"),
            None if digest is None else Digest.parse(digest),
            asked.whole_number_or_none("source"),
            asked.text_or_none("imageId") or "",
            asked.text_or_none("staging") or "",
        )

    @property
    def fields(self) -> JsonObject:
        """As `of` reads them."""
        return {
            "image": self.asked,
            "as": None if self.name is None else str(self.name),
            "environments": list(self.environments),
            "repository": self.path,
            "digest": None if self.digest is None else str(self.digest),
            "source": self.source,
            "imageId": self.image or None,
            "staging": self.staging or None,
            "platform": self.platform,
            "scanAfterPull": self.scan,
        }

    @property
    def sharing(self) -> str:
        """Of equal jobs: of those that bring an image to the registry, only one that is tried again has the same
        passing tag."""
        return json.dumps([DISTRIBUTE, self.fields], sort_keys=True)

    @property
    def shown(self) -> str:
        """What people call the image."""
        return self.asked if self.name is None else self.name.familiar


def name_at_hosts(form: DistributionForm, image: Summary) -> Reference:
    """What hosts call an image of an environment. Raises NameMissing."""
    if form.name:
        return Reference.parse(form.name).or_latest
    asked = form.image or ""
    names = [Reference.parse(name) for name in image.names]
    if not may_be_id(asked):
        meant = Reference.parse(asked).or_latest
        names = [meant] if meant in names else names
    tagged = [name for name in names if name.tag is not None]
    if not tagged:
        raise NameMissing(asked)
    return Reference(tagged[0].repository, tagged[0].tag)


def passing_path(name: Repository) -> str:
    """The repository that such images pass through: those of one name share it, so only what is new moves."""
    path = f"{DISTRIBUTED}/{name.path}"
    return path if len(path) <= LONGEST_PATH else f"{DISTRIBUTED}/{Digest.of(name.path.encode()).encoded}"


def hosts_left(request: JobRequest, result: JsonObject | None) -> JobRequest:
    """A job that is tried again goes to those alone that have not got it, as far as its end says which have. Raises
    JobFieldsUnreadable."""
    order = Order.of(request.fields)
    told = (result or {}).get("results")
    rows = [row for row in told if isinstance(row, dict)] if isinstance(told, list | tuple) else []
    done = {row.get("environment") for row in rows if row.get("status") == DONE}
    left = tuple(number for number in order.environments if number not in done)
    if not left or left == order.environments:
        return request
    smaller = replace(order, environments=left)
    return replace(request, fields=smaller.fields, sharing=smaller.sharing)


def _whole_numbers(fields: JsonObject, name: str) -> tuple[int, ...]:
    value = fields.get(name)
    if not isinstance(value, list | tuple) or not value or not all(type(each) is int for each in value):
        raise JobFieldsUnreadable(name)
    return tuple(value)
