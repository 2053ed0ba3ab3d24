"""POST /images/load: docker load. Errors are lines: a client that sends an archive reads the answer at the end of it.

{"status":"Loading layer","progressDetail":{…},"id":"…"}     unless it is to be quiet
{"stream":"Loaded image: x:latest\\n"}
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from queue import Empty, SimpleQueue

from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.following import QUIET_SECONDS, Heard, layers_of
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.refusals import of_archive
from lading.fronts.docker_api.refusals import told as refused_as
from lading.fronts.docker_api.streams import Layers, lines_answer
from lading.fronts.http.exchange import Answer
from lading.oci.platform import Platform
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.environments.orders import Arrived
from lading.wire.docker_lines import error_line, loaded_line
from lading.wire.docker_urls import ARCHIVES_PLATFORM_FROM
from lading.wire.docker_words import Verb
from lading.wire.job_events import Fold
from lading.wire.message import Reader
from lading.wire.progress import Event


def load(product: DockerProduct, request: DockerRequest) -> Answer:
    """Raises PlatformUnreadable, Denied."""
    query = request.query
    platform = query.platform() if request.version >= ARCHIVES_PLATFORM_FROM else None
    environment = request.open(product)
    environment.admit_load()
    request.body.invite()
    loading = _Loading(environment, request.body, platform, beside=not request.incoming.secure)
    return lines_answer(_lines(loading, request, quiet=query.flag("quiet", default=True)))


def _lines(loading: _Loading, request: DockerRequest, *, quiet: bool) -> Generator[bytes, None, None]:
    with Cancellation.within(request.cancel) as cancel, closing(loading.told(cancel)) as told:
        yield from (b"" for _ in told) if quiet else Layers(Verb.LOAD).lines(told)
    if loading.error is not None:
        yield error_line(refused_as(of_archive(loading.error)).message)
    for arrived in loading.arrived:
        if arrived.error is not None:
            yield error_line(refused_as(of_archive(arrived.error)).message)
            return
        yield loaded_line(arrived.reference.familiar if arrived.reference else None, arrived.id)


class _Loading:
    """An archive being loaded on a thread of its own, while this one writes of it.

    Not `beside` it: then what is told waits for the end. One thread may write to a socket while another reads it, but a
    TLS connection is for one thread at a time (openssl-threads(7)).
    """

    def __init__(
        self, environment: GuardedEnvironment, archive: Reader, platform: Platform | None, *, beside: bool
    ) -> None:
        self._environment, self._archive, self._platform, self._beside = environment, archive, platform, beside
        self._fold, self._told = Fold.of(Verb.LOAD), SimpleQueue[Heard]()
        self.arrived: Sequence[Arrived] = ()
        self.error: LadingError | None = None
        self._foreign: Exception | None = None

    def told(self, cancel: Cancellation) -> Generator[Heard, None, None]:
        """What is told of layers, None after each silence. At the end the thread has ended, and `arrived` or `error`
        says how; closed before, it gives the load up."""
        over = threading.Event()
        thread = threading.Thread(target=self._run, args=(cancel, over), name="load")
        thread.start()
        if not self._beside:
            thread.join()
        try:
            while not (over.is_set() and self._told.empty()):
                yield self._next()
        finally:
            if not over.is_set():
                cancel.cancel()
            thread.join()
        if self._foreign is not None:
            raise self._foreign

    def _next(self) -> Heard:
        try:
            return self._told.get(timeout=QUIET_SECONDS)
        except Empty:
            return None

    def _run(self, cancel: Cancellation, over: threading.Event) -> None:
        try:
            self.arrived = self._environment.load_now(self._archive, self._hear, cancel, self._platform)
        except LadingError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001  raised where somebody hears it
            self._foreign = error
        finally:
            over.set()
            self._told.put(None)  # so that nobody waits for the end of a silence

    def _hear(self, event: Event) -> None:
        for line in self._fold.apply(event):
            self._told.put(line)
        if self._beside and self._fold.due(now := time.monotonic()):
            for layer in layers_of(self._fold.tick(now)):
                self._told.put(layer)
