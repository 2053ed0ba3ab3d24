"""Providers of registries: what each asks of whoever configures one, as a template that every form is drawn from.

A provider's login is a name and a password, as any registry's, and further fields of its own. Of some the login is
kept as it is; others want it changed for one that ends (services.registries.minting).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lading.oci.reference import HUB

OF_PROVIDER = "registry/{}/provider"
"""The place that the secret ones of a provider's fields are sealed for, by the id of their row."""


class Provider(StrEnum):
    """Who runs a registry, or with which program."""

    GENERIC = "generic"
    DOCKER_HUB = "docker-hub"
    GITHUB = "ghcr"
    AMAZON = "ecr"
    GOOGLE = "gar"
    AZURE = "acr"
    QUAY = "quay"
    HARBOR = "harbor"
    GITLAB = "gitlab"


class ListingWay(StrEnum):
    """Where a registry's repositories can be listed: by the specification's catalog, or by the provider's own API."""

    CATALOG = "catalog"
    API = "api"


@dataclass(frozen=True, slots=True)
class ProviderField:
    """One field of a provider beside name and password. `name` is the outside's spelling; a `secret` one goes in and
    never comes out."""

    name: str
    label: str
    hint: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """What a form shows of a provider. `host` is an example, or the only one there is; `username` and `password` say
    what these are here (None: there is no such thing), `scopes` which rights the login needs; `minted` says whether
    with these fields the login is changed for one that ends."""

    provider: Provider
    title: str
    host: str
    username: str | None
    password: str
    scopes: tuple[str, ...]
    hint: str
    link: str
    listing: ListingWay
    minted: bool = False
    fields: tuple[ProviderField, ...] = ()

    def field(self, name: str) -> ProviderField | None:
        """The one of that name."""
        return next((each for each in self.fields if each.name == name), None)


API_URL = "apiUrl"
REGION = "region"
SESSION_TOKEN = "sessionToken"  # noqa: S105  a field's name
TENANT = "tenant"
API_TOKEN = "apiToken"  # noqa: S105  a field's name
NAMESPACES = "namespaces"

_ELSEWHERE = ProviderField(
    API_URL, "API address", "Only where the provider's API is not at its usual address: https://host[:port][/path]."
)

TEMPLATES = {
    template.provider: template
    for template in (
        Template(
            Provider.GENERIC,
            "Another registry",
            "registry.example:5000",
            "User name",
            "Password or token",
            (),
            "Any registry of the OCI distribution specification.",
            "https://github.com/opencontainers/distribution-spec",
            ListingWay.CATALOG,
        ),
        Template(
            Provider.DOCKER_HUB,
            "Docker Hub",
            "docker.io",
            "Docker ID",
            "Personal access token",
            ("Read & Write", "Delete to remove tags"),
            "A personal access token, or an organisation's with its name as the user name.",
            "https://docs.docker.com/security/access-tokens/",
            ListingWay.API,
            fields=(
                ProviderField(
                    NAMESPACES,
                    "Namespaces",
                    "Whose repositories to list, parted by commas; else the user's and those of their organisations.",
                ),
                _ELSEWHERE,
            ),
        ),
        Template(
            Provider.GITHUB,
            "GitHub Container Registry",
            "ghcr.io",
            "GitHub user name",
            "Personal access token (classic)",
            ("read:packages", "write:packages", "delete:packages to remove"),
            "Fine-grained tokens do not work for packages. Write ghcr.io/ORGANISATION to list an organisation's.",
            "https://docs.github.com/packages/working-with-a-github-packages-registry",
            ListingWay.API,
            fields=(_ELSEWHERE,),
        ),
        Template(
            Provider.AMAZON,
            "Amazon Elastic Container Registry",
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
            "Access key ID",
            "Secret access key",
            (
                "ecr:GetAuthorizationToken",
                "ecr:DescribeRepositories to list",
                "AmazonEC2ContainerRegistryPowerUser to push",
            ),
            "The key is changed for a login of 12 hours, and again before that ends. Repositories must be made before "
            "the first push.",
            "https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html",
            ListingWay.API,
            minted=True,
            fields=(
                ProviderField(REGION, "Region", "Only where the registry's host does not name it."),
                ProviderField(
                    SESSION_TOKEN, "Session token", "Only for temporary keys, which it belongs to.", secret=True
                ),
                _ELSEWHERE,
            ),
        ),
        Template(
            Provider.GOOGLE,
            "Google Artifact Registry",
            "europe-docker.pkg.dev/project",
            None,
            "Service account key (the JSON file)",
            ("roles/artifactregistry.reader", "roles/artifactregistry.writer to push"),
            "The key stays here: what goes to the registry is a token of one hour, made anew before it ends.",
            "https://cloud.google.com/artifact-registry/docs/docker/authentication",
            ListingWay.API,
            minted=True,
            fields=(_ELSEWHERE,),
        ),
        Template(
            Provider.AZURE,
            "Azure Container Registry",
            "registry.azurecr.io",
            "Application (client) ID of a service principal",
            "Client secret",
            ("AcrPull", "AcrPush to push", "AcrDelete to remove"),
            "With a tenant the secret goes to Microsoft Entra alone, and the registry gets a token of hours; without "
            "one, name and password go to the registry as they are.",
            "https://learn.microsoft.com/azure/container-registry/container-registry-auth-service-principal",
            ListingWay.CATALOG,
            minted=True,
            fields=(
                ProviderField(TENANT, "Tenant", "The directory (tenant) ID or its domain; none for an admin user."),
                _ELSEWHERE,
            ),
        ),
        Template(
            Provider.QUAY,
            "Quay",
            "quay.io",
            "Robot account (namespace+name)",
            "Robot token",
            ("Read, Write or Admin on the repositories", "an OAuth token with repo:read to list private ones"),
            "Robots cannot list: the API's token is one of an OAuth application.",
            "https://docs.quay.io/glossary/robot-accounts.html",
            ListingWay.API,
            fields=(
                ProviderField(
                    API_TOKEN, "API token", "An OAuth application's token, to list private repositories.", secret=True
                ),
                ProviderField(
                    NAMESPACES, "Namespaces", "Whose repositories to list, parted by commas; else the robot's own."
                ),
                _ELSEWHERE,
            ),
        ),
        Template(
            Provider.HARBOR,
            "Harbor",
            "harbor.example",
            "User or robot account (robot$name)",
            "Password, CLI secret or robot token",
            ("pull repository", "push repository", "list repository"),
            "With single sign-on at Harbor, the password is the CLI secret of the user's profile.",
            "https://goharbor.io/docs/latest/working-with-projects/project-configuration/create-robot-accounts/",
            ListingWay.API,
            fields=(_ELSEWHERE,),
        ),
        Template(
            Provider.GITLAB,
            "GitLab Container Registry",
            "registry.gitlab.com/group",
            "User name, or name of the deploy token",
            "Personal, group, project or deploy token",
            ("read_registry", "write_registry to push", "read_api to list"),
            "To list, the token needs read_api. Of a GitLab of one's own, the API's address is https://gitlab.example.",
            "https://docs.gitlab.com/user/packages/container_registry/authenticate_with_container_registry/",
            ListingWay.API,
            fields=(_ELSEWHERE,),
        ),
    )
}
"""In the order in which forms offer them."""

_HOSTS = {HUB: Provider.DOCKER_HUB, "ghcr.io": Provider.GITHUB, "quay.io": Provider.QUAY}
_ENDINGS = {
    ".amazonaws.com": Provider.AMAZON,
    ".amazonaws.com.cn": Provider.AMAZON,
    ".pkg.dev": Provider.GOOGLE,
    ".azurecr.io": Provider.AZURE,
    "registry.gitlab.com": Provider.GITLAB,
}


def provider_at(host: str) -> Provider:
    """Who runs the registry at a host of the one spelling, as far as its name says; GENERIC where it does not."""
    known = _HOSTS.get(host)
    return known or next((each for end, each in _ENDINGS.items() if host.endswith(end)), Provider.GENERIC)
