"""The rows of the table: what is done before the clock starts, and what is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.contenders import Commands, Contender, Place
from benchmarks.samples import Sample


@dataclass(frozen=True, slots=True)
class Stage:
    """One run of one contender: the samples, the registry they lie in, and an empty one to push to."""

    samples: Mapping[str, Sample]
    seed: str
    target: str
    contender: Contender

    def push(self, name: str, repository: str = "app", tags: int = 1, origin: str | None = None) -> Commands:
        targets = [Place(self.target, repository, str(number + 1)) for number in range(tags)]
        return self.contender.push(self.samples[name], targets, origin)

    def pull(self, name: str) -> Commands:
        return self.contender.pull(Place(self.seed, name))

    def interrupted_pull(self, name: str) -> Commands:
        self.contender.interrupt(Place(self.seed, name), self.samples[name])
        return self.contender.pull(Place(self.seed, name))

    def copy(self, name: str) -> Commands:
        return self.contender.copy(Place(self.seed, name), Place(self.target, "app"))


@dataclass(frozen=True, slots=True)
class Row:
    """`before` runs unmeasured; `work` gives the commands that are measured; `sample` is what they move."""

    name: str
    sample: str
    work: Callable[[Stage], Commands]
    before: Callable[[Stage], Commands] = lambda _stage: []
    holding: bool = True


ROWS = (
    Row("cold push", "five", lambda stage: stage.push("five")),
    Row("no-op push", "five", lambda stage: stage.push("five"), lambda stage: stage.push("five")),
    Row("one layer changed", "changed", lambda stage: stage.push("changed"), lambda stage: stage.push("five")),
    Row(
        "second repository",
        "five",
        lambda stage: stage.push("five", "second", origin="app"),
        lambda stage: stage.push("five"),
    ),
    Row("10 tags", "five", lambda stage: stage.push("five", tags=10)),
    Row("one 2 GiB layer", "one", lambda stage: stage.push("one")),
    Row("60 × 1 MiB layers", "sixty", lambda stage: stage.push("sixty")),
    Row("cold pull", "five", lambda stage: stage.pull("five"), holding=False),
    Row("resumed pull, half left", "five", lambda stage: stage.interrupted_pull("five"), holding=False),
    Row("copy, registry to registry", "five", lambda stage: stage.copy("five"), holding=False),
)
