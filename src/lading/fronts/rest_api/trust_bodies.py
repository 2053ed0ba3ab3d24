"""What requests about trust rules and accepted keys bring."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lading.fronts.rest_api.bodies import Body, Count, Pem, Text
from lading.fronts.rest_api.shapes.signatures import TrustMode
from lading.services.repositories.trust import MOST_KEYS, MOST_PATTERNS, RepositoryTrust, read_trust
from lading.services.trust.keys import TrustKeyForm
from lading.services.trust_modes import Mode


class TrustBody(Body):
    """A trust rule, whole. `keys` are names of accepted keys; in `signedAs` `*` stands for any run of characters, and a
    pattern without a host is about every host. With `mode` off and nothing else there is no rule."""

    mode: TrustMode
    keys: Annotated[list[Text], Field(max_length=MOST_KEYS)] = Field(default_factory=list)
    notary: bool = False
    root_keys: Annotated[list[Text], Field(max_length=MOST_KEYS)] = Field(default_factory=list)
    threshold: Count = 1
    bind_tag: bool = False
    max_age_days: Count | None = None
    signed_as: Annotated[list[Text], Field(max_length=MOST_PATTERNS)] = Field(default_factory=list)

    def rule(self) -> RepositoryTrust:
        """Raises TrustRuleInvalid."""
        return read_trust(self.model_dump(mode="json", by_alias=True)) or RepositoryTrust(Mode.OFF)


class TrustKeyBody(Body):
    """A public key in PEM, and what it is to be called."""

    name: Text = ""
    public_key: Pem = ""

    def form(self) -> TrustKeyForm:
        """As the service takes it."""
        return TrustKeyForm(self.name, self.public_key)
