"""Content trust of distributions: what is verified in our registry, and what does not go out at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from lading.engine.cancel import Cancellation
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Reference, Repository
from lading.services.content.stores import FullStore
from lading.services.distribution.forms import Order
from lading.services.distribution.source import OwnRegistry
from lading.services.distribution.trust import DistributionTrust, DistributionUnsigned
from lading.services.environments.orders import Access
from lading.services.trust.policy import TrustRule
from lading.services.trust.server_trust import ServerTrust
from lading.services.trust.trust import NotTrusted, Verdict
from lading.services.trust.verdicts import TrustVerdicts
from lading.services.trust_modes import Mode
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel
from tests.fakes.scan_bench import Heard
from tests.services.test_trust_verdicts import Rows

DIGEST = Digest.of(b"image")


@dataclass
class PlayedRule:
    """Fulfils services.trust.server_trust.Rule: it asks for signatures, and finds none."""

    mode: Mode = Mode.ENFORCE
    asked: list[str] = field(default_factory=list)
    stores: list[FullStore | None] = field(default_factory=list)

    def over(self, access: Access, own: FullStore | None) -> PlayedRule:
        self.stores.append(own)
        return self

    def asks(self, reference: Reference, switched: bool = False) -> bool:
        return self.mode is not Mode.OFF

    def verify(self, reference: Reference, cancel: Cancel, switched: bool = False) -> Verdict:
        self.asked.append(str(reference))
        return Verdict(reference, reference.digest or DIGEST, TrustRule(("*",), self.mode), ())

    def signs(self, repository: Repository, switched: bool = False) -> bool:
        return False

    def prepare(self, references: Sequence[Reference], cancel: Cancel) -> None:
        raise AssertionError("nothing is pushed here")

    def sign(
        self, references: Sequence[Reference], root: Descriptor, store: FullStore, cancel: Cancel
    ) -> Sequence[str]:
        raise AssertionError("nothing is pushed here")


def check(rule: PlayedRule, order: Order) -> None:
    repositories: Any = SimpleNamespace()  # none is opened
    registry = OwnRegistry(Endpoint("registry.test"), repositories, None, None)
    trust = ServerTrust(rule.over, TrustVerdicts(Rows(), lambda: 0.0), has_key=False)
    store: Any = object()
    DistributionTrust(trust, registry, lambda _path: store).check(order, Heard(), Cancellation())
    assert rule.stores[-1] is store or order.digest is None


HERE = Order("team/app:1", Reference.parse("shop.test/app:1"), (2,), "team/app", None, True, digest=DIGEST)
ELSEWHERE = replace(HERE, digest=None, source=1, image="an id", staging="staging-1")


@pytest.mark.parametrize(
    ("asked", "verified"),
    [
        ("team/app:1", f"registry.test/team/app:1@{DIGEST}"),
        ("registry.test/team/app", f"registry.test/team/app:latest@{DIGEST}"),
        (f"team/app@{DIGEST}", f"registry.test/team/app@{DIGEST}"),
    ],
)
def test_an_image_of_our_registry_is_verified_there(asked: str, verified: str) -> None:
    rule = PlayedRule()

    with pytest.raises(NotTrusted):
        check(rule, replace(HERE, asked=asked))

    assert rule.asked == [verified]


def test_a_rule_that_only_reports_stops_nothing() -> None:
    check(PlayedRule(Mode.REPORT), HERE)


def test_an_image_of_an_environment_does_not_go_where_signatures_are_asked_for() -> None:
    with pytest.raises(DistributionUnsigned) as refused:
        check(PlayedRule(), ELSEWHERE)

    assert str(refused.value).startswith("shop.test/app:1 must be signed")


def test_without_a_rule_everything_goes() -> None:
    rule = PlayedRule(Mode.OFF)
    check(rule, HERE)
    check(rule, ELSEWHERE)

    assert rule.asked == []
