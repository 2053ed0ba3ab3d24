"""What is remembered of gates: policies, exceptions and verdicts as rows, and GateRecords, the protocol that the
database fulfils.

    policy              id  name (once)  action  mode  environments JSON  repositories JSON  registries JSON
                        limits JSON
    policy_exception    id  vulnerability  package_url  image  status  justification  reason  author  created  expires
                        origin
    policy_verdict      id  at (indexed)  policy  policy_name  action  mode  environment  image  image_id  config
                        platform  actor  allowed  blocking JSON  blocked  suppressed  doubts JSON

Verdicts outlive what they name, so they name policies and environments by number, without a constraint. Times are
seconds since 1970; no id is given twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lading.oci.digest import Digest
from lading.services.gates.policy import Action, Limits, Mode, Scope
from lading.services.gates.statements import Justification, Status

LONGEST_REASON = 2000
"""Characters of what an exception gives as its reason."""


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One policy: what it is asked about, what it allows, and whether it stops what it does not allow."""

    id: int
    name: str
    action: Action
    scope: Scope = field(default_factory=Scope)
    limits: Limits = field(default_factory=Limits)
    mode: Mode = Mode.REPORT


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """Somebody's word on one vulnerability. `vulnerability` is an id or an alias. `package_url` and `image` are
    patterns in which `*` stands for any run of characters, empty for everything; an image's pattern is held against its
    name, its repository and its digests.

    `expires` None: it stands until somebody takes it away. `origin` is the id of the OpenVEX document that brought it.
    """

    id: int
    vulnerability: str
    status: Status
    reason: str
    author: str
    created: float
    package_url: str = ""
    image: str = ""
    justification: Justification | None = None
    expires: float | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """What one policy said of one image at one time. `policy` is its row's id, `name` what it was called then; `image`
    is what people call the image, `image_id` what its environment does. `environment` None: a promotion.

    `blocking` are JSON objects (refusals.blocking_json), the worst first and perhaps not all of them: `blocked`
    counts them all. `doubts` are sentences on what could not be judged.
    """

    id: int
    at: float
    policy: int
    name: str
    action: Action
    mode: Mode
    environment: int | None
    image: str
    image_id: str
    config: Digest | None
    platform: str
    actor: str
    allowed: bool
    blocking: tuple[Mapping[str, object], ...] = ()
    blocked: int = 0
    suppressed: int = 0
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VerdictQuery:
    """Which verdicts: of one policy, of these environments (None: all, and promotions), only those that allowed, or
    only the others. `text` is in an image's name or id."""

    policy: int | None = None
    environments: frozenset[int] | None = None
    allowed: bool | None = None
    text: str = ""


class GateRecords(Protocol):
    """Rows by id. Durable when a method returns. Every method raises StorageFailed."""

    def policies(self) -> Sequence[PolicyRow]:
        """All, in order of id."""

    def policy(self, id: int) -> PolicyRow | None:  # noqa: A002  a row's own word
        """None where there is none."""

    def add_policy(self, make: Callable[[int], PolicyRow]) -> PolicyRow:
        """A new row. Raises NameTaken."""

    def change_policy(self, before: PolicyRow, after: PolicyRow) -> bool:
        """Replaces a row; False where it is not as it was `before` any more. Raises NameTaken."""

    def remove_policy(self, id: int) -> bool:  # noqa: A002  a row's own word
        """Whether there was one."""

    def exceptions(self) -> Sequence[ExceptionRow]:
        """All, expired ones too, in order of id."""

    def exception(self, id: int) -> ExceptionRow | None:  # noqa: A002  a row's own word
        """None where there is none."""

    def add_exceptions(self, rows: Sequence[ExceptionRow], replacing: str = "") -> Sequence[ExceptionRow]:
        """These, each with an id of its own, all or none; those of the origin `replacing` go in the same breath."""

    def change_exception(self, before: ExceptionRow, after: ExceptionRow) -> bool:
        """Replaces a row; False where it is not as it was `before` any more."""

    def remove_exception(self, id: int) -> bool:  # noqa: A002  a row's own word
        """Whether there was one."""

    def add_verdict(self, verdict: VerdictRow) -> VerdictRow:
        """A new row, with an id of its own."""

    def verdicts(self, wanted: VerdictQuery, first: int, count: int) -> Sequence[VerdictRow]:
        """The newest first."""

    def count_verdicts(self, wanted: VerdictQuery) -> int:
        """How many there are in all."""

    def forget_verdicts(self, before: float) -> int:
        """Those of before then; how many went."""
