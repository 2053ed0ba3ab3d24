"""What the service writes down: its database, the trail of what was done there, and the key of what is sealed there."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.main.data_folder import private_folder
from lading.main.secret_keys import secret_box
from lading.services.audit.head import Heads
from lading.services.audit.trail import AuditTrail
from lading.services.secrets import SecretBox
from lading.settings import Settings


@dataclass(frozen=True, slots=True)
class Rows:
    """`heads` seal the end of the trail, `box` everything else that is sealed."""

    data: Path
    database: ServiceDatabase
    box: SecretBox = field(repr=False)
    trail: AuditTrail
    heads: Heads


def open_rows(stack: ExitStack, settings: Settings) -> Rows:
    """Closed with the stack. Raises StorageFailed, SecretKeyWrong."""
    data = private_folder(settings.data)
    database = open_service_database(settings.database or data / "lading.db", time.time)
    stack.callback(database.close)
    box = secret_box(settings, data, database.settings)
    return Rows(data, database, box, AuditTrail(database.audit, time.time), Heads(database.audit, box))
