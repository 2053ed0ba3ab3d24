"""What a Docker host pushed, signed afterwards: only what it pushed, and never in silence where that fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from lading.engine.cancel import Cancellation
from lading.engine.stores import TagUnproven
from lading.errors import Cancelled, ContentCorrupt, LadingError, Refused
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.content.stores import FullStore
from lading.services.environments.orders import Arrived
from lading.services.jobs.fields import JobFields
from lading.services.trust.push_signing import PushedUnsigned, sign_pushed
from lading.services.work.push_forms import PushForm
from tests.fakes.images import put_image
from tests.fakes.memory import MemoryRepository
from tests.fakes.places import MemoryPlaces

TARGET = Reference.parse("registry.test/team/app:1")


@dataclass
class Registry:
    """With an image under the tag of TARGET, and a hand that signs."""

    places: MemoryPlaces = field(default_factory=MemoryPlaces)
    signed: list[tuple[Reference, Digest]] = field(default_factory=list)
    refusal: LadingError | None = None

    def __post_init__(self) -> None:
        self.root = put_image(self.store)
        self.store.names["1"] = self.root

    @property
    def store(self) -> MemoryRepository:
        return self.places.registry(TARGET.repository)

    def sign(self, references: Sequence[Reference], root: Descriptor, store: FullStore) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.signed += [(each, root.digest) for each in references]

    def after(self, *arrived: Arrived) -> Sequence[Arrived]:
        return sign_pushed(self.places, arrived, self.sign, Cancellation())

    @property
    def pushed(self) -> Arrived:
        return Arrived(TARGET, "an id", self.root.digest, 7)


def unsigned(arrived: Arrived) -> PushedUnsigned:
    assert isinstance(arrived.error, PushedUnsigned)
    return arrived.error


def test_what_the_tag_stands_for_is_signed() -> None:
    registry = Registry()

    assert registry.after(registry.pushed) == [registry.pushed]
    assert registry.signed == [(TARGET, registry.root.digest)]


def test_what_did_not_arrive_is_not_signed() -> None:
    registry, failed = (
        Registry(),
        Arrived(TARGET, "an id", None, None, error=TagUnproven("1", "r", Digest.of(b""), None)),
    )

    assert registry.after(failed) == [failed]
    assert registry.signed == []


def test_a_tag_that_is_another_image_by_now_is_not_signed() -> None:
    registry = Registry()
    other = Digest.of(b"what the host pushed")

    error = unsigned(registry.after(Arrived(TARGET, "an id", other, 7))[0])

    assert isinstance(error.cause, TagUnproven)
    assert (error.target, error.digest, registry.signed) == (TARGET, other, [])


def test_a_registry_that_gives_other_bytes_than_the_digest_is_not_believed() -> None:
    registry = Registry()
    registry.store.blobs[registry.root.digest] = bytes(registry.root.size)

    assert isinstance(unsigned(registry.after(registry.pushed)[0]).cause, ContentCorrupt)
    assert registry.signed == []


class NoMore(Refused):
    """The registry takes nothing."""

    hint = "ask it later"
    why = "it is full"

    def __str__(self) -> str:
        return "it refuses"


@pytest.mark.parametrize(("refusal", "why"), [(NoMore(), "it refuses: it is full"), (Cancelled(), "cancelled")])
def test_whatever_keeps_it_from_being_signed_is_told(refusal: LadingError, why: str) -> None:
    registry = Registry(refusal=refusal)

    error = unsigned(registry.after(registry.pushed)[0])

    assert str(error) == f"registry.test/team/app:1 is pushed but unsigned: {registry.root.digest}"
    assert (error.why or "").startswith(why)
    assert error.side is refusal.side


def test_a_wish_to_sign_is_kept_with_a_push_that_waits_for_its_host() -> None:
    form = PushForm("app:1", target="registry.test/app:1", sign=True)

    assert PushForm.of(JobFields(form.json)) == form
