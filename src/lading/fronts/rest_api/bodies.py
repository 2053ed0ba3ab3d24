"""What requests bring, by the names that interfaces §2 gives the fields.

Nothing is required here that the meaning of a request can name better than its shape; an unknown field is an error, so
that nobody believes that a misspelt wish was heard.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from lading.services.environments.environment import ConnectionType
from lading.services.identity.roles import MOST_GRANTS, MOST_PATTERNS
from lading.services.registries.providers import Provider
from lading.services.registries.records import RelayChoice
from lading.services.row_rules import LONGEST_PEM
from lading.wire.endpoint import Tls

Text = Annotated[str, Field(max_length=4096)]
Secret = Annotated[str, Field(max_length=10_000)]
Pem = Annotated[str, Field(max_length=LONGEST_PEM)]
ProviderFields = Annotated[dict[Annotated[str, Field(max_length=100)], Secret], Field(max_length=50)]
Number = Annotated[float, Field(strict=True)]
"""Not true, which is 1 in Python, nor a number in a text."""

Count = Annotated[int, Field(strict=True)]
RowId = Annotated[int, Field(ge=1, le=2**53)]


class Body(BaseModel):
    """A JSON object; names are camelCase outside."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class PushBody(Body):
    """A push: `imageId` with `registryId` (and `newTag`), or with `target`."""

    image_id: Text | None = None
    registry_id: RowId | None = None
    image_name: Text | None = None
    new_tag: Text | None = None
    target: Text | None = None
    platform: Text | None = None
    tags: Annotated[list[Text], Field(max_length=100)] = []
    if_absent: bool = False
    dry_run: bool = False
    relay: bool | None = None
    sign: bool | None = None


class PullBody(Body):
    """A pull of `image`; `verify`: as if the server's switch for content trust were on."""

    image: Text | None = None
    scan_after_pull: bool = True
    platform: Text | None = None
    verify: bool | None = None


class CopyBody(Body):
    """A copy between registries, to several targets from one read; `own`: from our own registry, whatever host the
    source is written with."""

    source: Text | None = None
    targets: Annotated[list[Text], Field(max_length=100)] = []
    platform: Text | None = None
    dry_run: bool = False
    own: bool = False
    verify: bool | None = None
    sign: bool | None = None


class DistributeBody(Body):
    """An image for many environments: of our registry, or of the environment `env`, by default our own engine's."""

    image: Text | None = None
    environments: Annotated[list[RowId], Field(max_length=1000)] = []
    env: RowId | None = None
    name: Annotated[Text | None, Field(alias="as")] = None
    platform: Text | None = None
    scan_after_pull: bool = True


class TagBody(Body):
    """A further name for an image."""

    repo: Text | None = None
    tag: Text | None = None


class PruneBody(Body):
    """Which images go: those without a name, or at a Docker host all that no container uses."""

    dangling: bool = True


class UpdateBody(Body):
    """Which ecosystems; none named are all that the settings say."""

    ecosystems: Annotated[list[Text], Field(max_length=100)] = []


class AdvisoriesBody(Body):
    """A zip of advisories; what came under the same `name` before is replaced."""

    url: Text = ""
    name: Text | None = None


class SweepBody(Body):
    """Whether to remove, or to say how much would go."""

    dry_run: bool = False


class RegistryBody(Body):
    """A registry to configure."""

    name: Text = ""
    url: Text = ""
    username: Text | None = None
    password: Secret | None = None
    is_default: bool = False
    tls: Tls | None = None
    ca: Pem | None = None
    relay: RelayChoice = RelayChoice.AUTO
    provider: Provider = Provider.GENERIC
    fields: ProviderFields = {}


class RegistryChange(Body):
    """What to change of a registry; fields that are not sent stay."""

    name: Text | None = None
    url: Text | None = None
    username: Text | None = None
    password: Secret | None = None
    is_default: bool | None = None
    tls: Tls | None = None
    ca: Pem | None = None
    relay: RelayChoice | None = None
    provider: Provider | None = None
    fields: ProviderFields = {}


class RegistryTestBody(RegistryBody):
    """A registry to test: one that is configured by its `id`, or what a form holds."""

    id: RowId | None = None


class EnvironmentBody(Body):
    """An environment to configure."""

    name: Text | None = None
    connection_type: ConnectionType | None = None
    socket_path: Text | None = None
    host: Text | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    protocol: Text | None = None
    tls_ca: Pem | None = None
    tls_cert: Pem | None = None
    tls_key: Pem | None = None
    tls_skip_verify: bool | None = None
    hawser_token: Secret | None = None
    is_default: bool | None = None


class LoginBody(Body):
    """A login with a password."""

    username: Text = ""
    password: Secret = ""


class PasswordBody(Body):
    """A new password for oneself."""

    old_password: Secret = ""
    new_password: Secret = ""


class TokenBody(Body):
    """An API token to make; `expiresIn` is in seconds, nothing means never."""

    name: Text = ""
    scopes: Annotated[list[Text], Field(max_length=100)] | None = None
    expires_in: Annotated[int, Field(ge=60, le=10 * 365 * 86400)] | None = None
    user_id: RowId | None = None


class AgentTokenBody(Body):
    """A token for an environment's agent; without a name the environment's, without `expiresAt`, a moment by ISO 8601,
    for good."""

    name: Text = ""
    environment_id: RowId | None = None
    expires_at: AwareDatetime | None = None


class UserBody(Body):
    """A user to add."""

    username: Text = ""
    password: Secret | None = None
    roles: Annotated[list[RowId], Field(max_length=100)] = []


class UserChange(Body):
    """What to change of a user; fields that are not sent stay."""

    username: Text | None = None
    password: Secret | None = None
    roles: Annotated[list[RowId], Field(max_length=100)] | None = None
    active: bool | None = None


class GrantBody(Body):
    """What a role gives: permissions, in which environments (null: all), for which repositories (null: all)."""

    permissions: Annotated[list[Text], Field(min_length=1, max_length=100)]
    environments: Annotated[list[RowId], Field(min_length=1, max_length=MOST_PATTERNS)] | None = None
    repositories: Annotated[list[Text], Field(min_length=1, max_length=MOST_PATTERNS)] | None = None


class RoleBody(Body):
    """A role to add or replace."""

    name: Text = ""
    grants: Annotated[list[GrantBody], Field(max_length=MOST_GRANTS)] = []
