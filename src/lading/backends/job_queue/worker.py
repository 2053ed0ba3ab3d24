"""A process that takes what the queue hands over, on an event loop of its own, and takes up what dead ones had.

    look(job)     a row of the queue: the job is begun here, and the row is done when it is over for this process
    rescue        rows of processes that are silent for STALE_SECONDS are handed over anew

A process that was only frozen goes on with its row beside its successor; its job's claim is over by then, so nothing it
says is kept (services.running.leases). Where the database goes away, the jobs that were begun here go on without their
rows.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any  # what asyncio hands its exception handlers

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from psycopg_pool import AsyncConnectionPool

from lading.backends.job_queue.shared import FREE_SECONDS, POOL, QUEUE, TASK, connection

BEAT_SECONDS, STALE_SECONDS = 5.0, 20.0

AGAIN_SECONDS = 1.0
"""After the queue failed as a whole: the database is away."""

Take = Callable[[str, Callable[[], None]], None]
"""Begins a job here; calls the second once it is over for this process. Returns soon, and does not raise."""

log = logging.getLogger("lading.jobs")


class QueueWorker:
    """`begin` gives it a thread until `stop`. It takes a job only while fewer than `concurrency` are here."""

    def __init__(self, url: str, take: Take, concurrency: int) -> None:
        """Raises QueueFailed."""
        self._connection, self._take, self._concurrency = connection(url), take, concurrency
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="queue worker")
        self._up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()
        self._failing = False

    def begin(self) -> None:
        """Returns once it may be stopped."""
        self._thread.start()
        self._up.wait()

    def stop(self) -> None:
        """Take nothing more, and forget the rows of what is here, which is somebody else's to end. Returns when the
        loop is over. Harmless twice."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is over already
                self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_left_over)
        self._up.set()
        over = asyncio.ensure_future(self._over.wait())
        while not over.done():
            work = asyncio.ensure_future(self._work())
            await asyncio.wait([work, over], return_when=asyncio.FIRST_COMPLETED)
            await _end([work])
            (ended,) = await asyncio.gather(work, return_exceptions=True)
            if not over.done():
                self._tell(ended)
                await asyncio.wait([over], timeout=AGAIN_SECONDS)

    def _tell(self, ended: object) -> None:
        """Once until it works again."""
        if not self._failing:
            why = f": {ended}" if isinstance(ended, Exception) and str(ended) else ""
            log.warning("the queue of jobs cannot be read, and is tried again until it can%s", why)
        self._failing = True

    async def _work(self) -> None:
        """Until it is cancelled, or the queue fails."""
        app = App(connector=PsycopgConnector())
        app.task(name=TASK)(self._look)
        async with _pool(self._connection) as pool, app.open_async(pool):
            await pool.wait(FREE_SECONDS)
            await _first(
                app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=self._concurrency,
                    install_signal_handlers=False,
                    update_heartbeat_interval=BEAT_SECONDS,
                    stalled_worker_timeout=STALE_SECONDS,
                    shutdown_graceful_timeout=0,
                    delete_jobs="always",
                ),
                self._rescue(app),
            )

    async def _look(self, job: str) -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop is over: so is our interest
                loop.call_soon_threadsafe(over.set)

        await loop.run_in_executor(None, self._take, job, tell)
        await over.wait()

    async def _rescue(self, app: App) -> None:
        """Not as a task of the queue itself: such a one can be left behind, too."""
        while True:
            stalled = await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALE_SECONDS)
            if self._failing:
                log.info("the queue of jobs is read again")
                self._failing = False
            for job in stalled:
                try:
                    await app.job_manager.retry_job(job)
                except Exception as error:  # noqa: BLE001  another rescuer was quicker
                    log.info("the queue's job %s is somebody else's to rescue: %s", job.id, error)
            await asyncio.sleep(STALE_SECONDS / 3)


def _left_over(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What the library's tasks left behind: a row that could not be finished as the database went away. It is rescued
    once this process is over, its job is not begun again; that the database is away, others say."""
    error = context.get("exception")
    if isinstance(error, ConnectorException):
        log.info("a row of the queue stays behind: %s", " ".join(str(error).split()))
    else:
        loop.default_exception_handler(context)


def _pool(connection: str) -> AsyncConnectionPool:
    """Not yet open. One of the library's own making would wait for longer where the database is away."""
    return AsyncConnectionPool(
        connection,
        open=False,
        min_size=1,
        max_size=POOL,
        timeout=FREE_SECONDS,
        reconnect_timeout=FREE_SECONDS,
        check=AsyncConnectionPool.check_connection,
    )


async def _first(*works: Coroutine[object, object, None]) -> None:
    """All of them until the first ends, however it does; returns when they all have."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks)
    for task in done:
        task.result()


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancels them until they have ended. Once is not enough: `asyncio.wait_for` of Python 3.11, by which connections
    are opened, loses a cancellation that comes as what it waits for is done (python/cpython issue 86296)."""
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=AGAIN_SECONDS)
