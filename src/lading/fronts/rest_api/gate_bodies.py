"""What requests about policies and exceptions bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AwareDatetime, Field

from lading.fronts.rest_api.bodies import Body, Count, Number, RowId, Text
from lading.inventory.severity import Severity
from lading.services.gates.exceptions import LONGEST_PATTERN, ExceptionForm
from lading.services.gates.policy import Action, Handling, Mode
from lading.services.gates.policy_forms import MOST_NAMED, PolicyForm
from lading.services.gates.records import LONGEST_REASON
from lading.services.gates.statements import Justification, Status

_LIMITS = {
    "max_severity",
    "counts",
    "only_fixed",
    "min_age_days",
    "compare",
    "kev_blocks",
    "unscanned",
    "scan_failed",
    "db_max_age_h",
}


class PolicyBody(Body):
    """A policy, whole: whom it concerns (what is left out, all), what may pass, and what happens where nobody knows.
    `compare` is `none` or `not_worse_than:<digest>`."""

    name: Text = ""
    action: Action | None = None
    mode: Mode | None = None
    environments: Annotated[list[RowId], Field(min_length=1, max_length=MOST_NAMED)] | None = None
    repositories: Annotated[list[Text], Field(min_length=1, max_length=MOST_NAMED)] | None = None
    registries: Annotated[list[RowId], Field(min_length=1, max_length=MOST_NAMED)] | None = None
    max_severity: Severity | None = None
    counts: dict[Severity, Count] | None = None
    only_fixed: bool = False
    min_age_days: Number | None = None
    compare: Text | None = None
    kev_blocks: bool = False
    unscanned: Handling | None = None
    scan_failed: Handling | None = None
    db_max_age_h: Number | None = None

    def form(self) -> PolicyForm:
        """As the service takes it."""
        limits: Mapping[str, object] = self.model_dump(mode="json", by_alias=True, include=_LIMITS)
        return PolicyForm(
            self.name, self.action, self.mode, self.environments, self.repositories, self.registries, limits
        )


class ExceptionBody(Body):
    """An exception, whole. In `image` and `packageUrl` `*` stands for any run of characters; left out, all. Without a
    `status` it is `accepted`, which ends: with `expires`, a moment by ISO 8601."""

    vulnerability: Text = ""
    reason: Annotated[str, Field(max_length=LONGEST_REASON)] = ""
    image: Annotated[str, Field(max_length=LONGEST_PATTERN)] | None = None
    package_url: Annotated[str, Field(max_length=LONGEST_PATTERN)] | None = None
    status: Status | None = None
    justification: Justification | None = None
    expires: AwareDatetime | None = None

    def form(self) -> ExceptionForm:
        """As the service takes it."""
        return ExceptionForm(
            self.vulnerability,
            self.reason,
            self.package_url or "",
            self.image or "",
            self.status,
            self.justification,
            None if self.expires is None else self.expires.timestamp(),
        )
