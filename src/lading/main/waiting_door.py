"""Where the API will be while a start waits for its database or object store: it says so to whoever watches."""

from __future__ import annotations

from contextlib import ExitStack

from lading.errors import Unavailable
from lading.fronts.health_api.application import HealthApi, Standing
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.certificate import ServerCertificate
from lading.fronts.http.limits import Limits
from lading.fronts.http.listening import ListenFailed
from lading.services.server.serving import ApiPortTaken
from lading.settings import Settings

STOP_SECONDS = 1.0


class WaitingDoor:
    """Opened by the first wait; closed by whoever needs the port, and in the end."""

    def __init__(self, settings: Settings, limits: Limits, certificate: ServerCertificate | None) -> None:
        self._settings, self._limits, self._certificate = settings, limits, certificate
        self._standing, self._open, self._listens = Standing(), ExitStack(), False

    def waits_for(self, error: Unavailable) -> None:
        """The start does. Raises ApiPortTaken."""
        self._standing.waits_for(error)
        if not self._listens:
            self._listen()

    def close(self) -> None:
        """Harmless twice."""
        self._open.close()
        self._listens = False

    def _listen(self) -> None:
        host, port = self._settings.host, self._settings.port
        server = ByteServer(
            [(host, port)],
            HealthApi(self._standing),
            self._limits,
            stop_seconds=STOP_SECONDS,
            certificate=self._certificate,
        )
        try:
            self._open.enter_context(server)
        except ListenFailed as error:
            raise ApiPortTaken(port, error.reason) from error
        self._listens = True
