"""A mixed load under faults, and what was lost in it: nothing, if all is well."""

from __future__ import annotations

import json
import re
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.scale.client import PATIENCE_SECONDS, Client, Failed, basic
from benchmarks.scale.deployment import Deployment, deployment, plain_surroundings
from benchmarks.scale.faults import FaultRunner, Weather, schedule
from benchmarks.scale.jobs import Agents, Jobs, Places
from benchmarks.scale.ledger import Ledger
from benchmarks.scale.scenarios import Browsing, EnginePushes, Pulls, Pushes, Scenario
from benchmarks.scale.verify import Verified, Verifier
from benchmarks.service_images import SeededRegistry

OUTSIDE = 12
"""Images of the registry that is none of ours."""


@dataclass(frozen=True, slots=True)
class Storm:
    """How much of everything; `pause` is how long a client thinks, at most, between two things, in seconds. It goes on
    until each scenario had `least` things acknowledged."""

    weather: Weather
    seed: int
    replicas: int = 3
    workers: int = 2
    agents: int = 2
    pushers: int = 2
    engines: int = 1
    pullers: int = 2
    browsers: int = 1
    makers: int = 4
    pause: float = 0.5
    least: int = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """`ended` are exits of our processes that nobody caused, by name and code; `tracebacks` how many their logs
    have, by the last line of each."""

    ledger: Ledger
    verified: Verified
    ended: Sequence[tuple[str, int]]
    tracebacks: Counter[str]

    @property
    def sound(self) -> bool:
        """Nothing was lost, and the runner itself did what it was to."""
        return not self.ledger.losses and not self.ledger.broken


def run_storm(folder: Path, storm: Storm, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """In an empty folder, whose logs and ledger tell the rest."""
    ledger = Ledger(folder / "ledger.jsonl")
    with closing(ledger), deployment(folder, storm.replicas, storm.workers) as at:
        images = seeded(at)
        environments = [at.agent(f"edge{number}") for number in range(1, storm.agents + 1)]
        over, given_up = threading.Event(), threading.Event()
        threads = [
            threading.Thread(target=_repeated, args=[scenario, ledger, over, storm, number], name=scenario.name)
            for number, scenario in enumerate(_scenarios(at, ledger, storm, images, environments, given_up))
        ]
        tell("everything is up; the storm begins")
        for thread in threads:
            thread.start()
        runner = FaultRunner(at, ledger, storm.seed)
        try:
            runner.run(schedule(storm.seed, storm.weather))
            over.wait(2 * storm.weather.gap)  # the last things that went wrong are got over under load
            _go_on(ledger, storm.least, over)
        finally:
            runner.finish()
            over.set()
            for thread in threads:
                thread.join()
            given_up.set()
        tell("the storm is over; everything is looked at")
        at.await_up()
        verified = Verifier(at, ledger).verify()
        _agents_listed(at, environments, ledger)
        processes = at.supervised
    return Outcome(
        ledger,
        verified,
        [(each.name, code) for each in processes for code in each.ended],
        sum((tracebacks(each.log.read_text(errors="replace")) for each in processes), Counter[str]()),
    )


def _go_on(ledger: Ledger, least: int, over: threading.Event) -> None:
    """On a machine that has much else to do, little has come about yet."""
    for _ in range(round(PATIENCE_SECONDS)):
        if all(count.acknowledged >= least for count in ledger.counted()):
            return
        over.wait(1)


def seeded(at: Deployment) -> Sequence[str]:
    """The names of images that are outside now; both registries are known to the service."""
    seeded = SeededRegistry(at.outside.root, 1 << 20)
    names = [f"app{number}" for number in range(OUTSIDE)]
    for number, name in enumerate(names):
        seeded.add(name, 1 + number % 4, 64 << 10 << number % 4)
    at.api.registry(at.outside.host)
    at.api.registry(at.registry, username="admin", password=at.api.token)
    return names


def _scenarios(
    at: Deployment,
    ledger: Ledger,
    storm: Storm,
    images: Sequence[str],
    environments: Sequence[int],
    given_up: threading.Event,
) -> Sequence[Scenario]:
    """One for each client."""
    token, basic_login = f"Bearer {at.api.token}", basic("admin", at.api.token)

    def api(name: str) -> Client:
        return Client(at.api.port, token, ledger, name, given_up)

    def registry(name: str) -> Client:
        return Client(at.api.registry_port, basic_login, ledger, name, given_up)

    first = f"{at.outside.host}/{images[0]}:1"
    wanted = [at.api.started("/api/images/pull", {"image": first})]
    wanted += [at.api.started(f"/api/images/pull?env={each}", {"image": first}) for each in there(at, environments)]
    ended = at.api.ended(wanted)
    assert {job["status"] for job in ended.values()} == {"done"}, ended
    surroundings = {
        **plain_surroundings(at.folder),
        "LADING_USERNAME": "admin",
        "LADING_PASSWORD": at.api.token,
        "LADING_DATA": str(at.folder / "person"),
    }
    places = Places(at.outside.host, at.registry, images, environments)
    agents = [Agents(api(Agents.name), ledger, environments)] if environments else []
    return [
        *(Pushes(registry(Pushes.name), ledger, number) for number in range(storm.pushers)),
        *(
            EnginePushes(registry(EnginePushes.name), ledger, at.folder, at.registry, number, surroundings)
            for number in range(storm.engines)
        ),
        *(Pulls(registry(Pulls.name), ledger) for _ in range(storm.pullers)),
        *(Browsing(api(Browsing.name), registry(Browsing.name), ledger) for _ in range(storm.browsers)),
        *(Jobs(api(Jobs.name), at.api, ledger, places, number) for number in range(storm.makers)),
        *agents,
    ]


def there(at: Deployment, environments: Sequence[int]) -> Sequence[int]:
    """These, once their agents are there."""
    waiting = threading.Event()
    for environment in environments:
        for _ in range(600):
            if at.api.text("GET", f"/api/images?env={environment}")[0] == 200:
                break
            waiting.wait(0.1)
    return environments


def _repeated(scenario: Scenario, ledger: Ledger, over: threading.Event, storm: Storm, number: int) -> None:
    chance = Random(f"{storm.seed}/{number}")
    while not over.is_set():
        try:
            scenario.step(chance)
        except Failed as error:
            ledger.failed(scenario.name, error.kind)
        except Exception:  # noqa: BLE001  told with the table: the others go on
            ledger.stumbled(f"{scenario.name}: {traceback.format_exc()}")
        over.wait(chance.uniform(0, storm.pause))


def _agents_listed(at: Deployment, environments: Sequence[int], ledger: Ledger) -> None:
    """They came back, whatever happened to whom they were at."""
    for environment in environments:
        if at.api.text("GET", f"/api/images?env={environment}")[0] != 200:
            ledger.lost(f"the agent of environment {environment} did not come back")


def tracebacks(log: str) -> Counter[str]:
    """How many there are, by the last line of each, without what differs from time to time."""
    found = [text for line in log.splitlines() if (text := _exception(line))]
    return Counter(re.sub(r"0x[0-9a-f]+|[0-9a-f]{12,}|\d+", "N", text.strip().splitlines()[-1])[:120] for text in found)


def _exception(line: str) -> str:
    """What a line of our log tells of one."""
    try:
        told = json.loads(line)
    except ValueError:
        return line if line.startswith("Traceback") else ""
    return str(told.get("exception", "")) if isinstance(told, dict) else ""
