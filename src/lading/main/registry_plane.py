"""Our registry, its token service and its trust server as one application, over rows and content that are open.

Each process that serves them wires one of its own. Nothing of what is true is only in its memory: what it remembers of
rows stands until somebody commits (services.changes), and what it remembers of content is checked against files.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lading.backends.database.service_database import ServiceDatabase
from lading.fronts.http.exchange import Application
from lading.fronts.registry_api.serving import registry_application
from lading.main.content_place import OwnContent, elsewhere
from lading.main.registry_gate import registry_gate
from lading.main.trust_serving import trust_collections, with_trust
from lading.services.audit.audit import Trail
from lading.services.identity.authentication import Authentication
from lading.services.repositories.pull_counts import PullCounts
from lading.services.secrets import SecretBox
from lading.services.trust.gates import TrustGate
from lading.settings import Settings


@dataclass(frozen=True, slots=True)
class RegistryParts:
    """What it stands on."""

    database: ServiceDatabase
    trail: Trail
    box: SecretBox = field(repr=False)
    content: OwnContent
    authentication: Authentication
    pull_counts: PullCounts
    trust_gate: TrustGate


def registry_plane(settings: Settings, parts: RegistryParts, *, alone: bool) -> Application:
    """`alone`: no other process serves these rows now. Raises SecretKeyMissing, SecretKeyInvalid, NowhereElse."""
    database = parts.database
    gate = registry_gate(settings, database, parts.trail, parts.authentication)
    door = registry_application(
        database.repositories,
        parts.content,
        gate,
        database.changes,
        parts.pull_counts.add,
        trust=parts.trust_gate,
        elsewhere=elsewhere(settings, parts.content),
        alone=alone and not database.shared,
    )
    return with_trust(door, gate, trust_collections(database, parts.box, parts.trail))
