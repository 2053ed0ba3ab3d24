"""What a door writes to the log of a request that failed: only what somebody has to look after."""

from __future__ import annotations

import logging

from lading.errors import LadingError, NoRoom, StorageFailed, Unavailable
from lading.fronts.http.exchange import IncomingRequest


def log_failure(log: logging.Logger, request: IncomingRequest, error: LadingError) -> None:
    """Called while `error` is handled. A full disk meets everybody who pushes or pulls and is no defect; what is away
    is told once where that is noticed (services.outages)."""
    if isinstance(error, NoRoom):
        log.warning("%s %s: %s", request.method, request.path, error)
    elif isinstance(error, StorageFailed) and not isinstance(error, Unavailable):
        why = f": {error.why}" if error.why else ""
        log.exception("%s %s%s", request.method, request.path, why)
