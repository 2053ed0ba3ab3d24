"""What one operation takes, as a sum that one can carry further: so much for itself, for each layer, for each MiB.

Three shapes of images give the three numbers; a fourth, which is unlike them, says how far they are to be believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MIB = 1 << 20

QUANTITIES = (
    "requests to us",
    "statements",
    "commits",
    "rows written",
    "audit entries",
    "WAL KiB",
    "database KiB",
    "store requests",
    "store MiB",
    "our CPU ms",
    "PostgreSQL CPU ms",
)

Costs = Mapping[str, float]
"""Of one operation, by quantity."""


@dataclass(frozen=True, slots=True)
class Shape:
    """An image: its layers, each of so many bytes."""

    layers: int
    size: int

    @property
    def mib(self) -> float:
        """All layers together."""
        return self.layers * self.size / MIB

    def __str__(self) -> str:
        size = f"{self.size // MIB} MiB" if self.size >= MIB else f"{self.size // 1024} KiB"
        return f"{self.layers} × {size}"


SMALL, MANY, LARGE = Shape(1, 64 << 10), Shape(9, 64 << 10), Shape(1, 16 * MIB)
CHECK = Shape(5, 4 * MIB)


@dataclass(frozen=True, slots=True)
class Model:
    """Of one quantity of one operation."""

    itself: float
    layer: float
    mib: float

    def of(self, shape: Shape) -> float:
        """What an image of this shape takes."""
        return self.itself + self.layer * shape.layers + self.mib * shape.mib


def fitted(small: float, many: float, large: float) -> Model:
    """From what SMALL, MANY and LARGE took; nothing is less than nothing."""
    mib = max(0.0, (large - small) / (LARGE.mib - SMALL.mib))
    layer = max(0.0, (many - small - mib * (MANY.mib - SMALL.mib)) / (MANY.layers - SMALL.layers))
    return Model(max(0.0, small - layer * SMALL.layers - mib * SMALL.mib), layer, mib)


def models(measured: Mapping[Shape, Costs]) -> Mapping[str, Model]:
    """By quantity."""
    return {name: fitted(*(measured[shape][name] for shape in (SMALL, MANY, LARGE))) for name in QUANTITIES}


def told(name: str, measured: Mapping[Shape, Costs]) -> list[str]:
    """The table of one operation."""
    lines = [
        f"### {name}",
        "",
        f"| | an operation | + a layer | + a MiB | {CHECK}: by the model | measured | ratio |",
        "|---|" + "---:|" * 6,
    ]
    for quantity, model in models(measured).items():
        said, found = model.of(CHECK), measured[CHECK][quantity]
        ratio = f"{said / found:.2f}" if found >= LEAST else "–"
        parts = (_number(each) for each in (model.itself, model.layer, model.mib, said, found))
        lines.append(f"| {quantity} | {' | '.join(parts)} | {ratio} |")
    return [*lines, ""]


LEAST = 0.05
"""Of what is less, a ratio says nothing."""


@dataclass(frozen=True, slots=True)
class Load:
    """A day of it, and how much more its busiest hour has than the mean."""

    pushes: int = 1_000_000
    pulls: int = 500_000
    jobs: int = 100_000
    agents: int = 10_000
    peak: float = 3.0
    shape: Shape = CHECK


DAY = 86_400


def carried(load: Load, by_operation: Mapping[str, Mapping[Shape, Costs]]) -> list[str]:
    """The table of a second of the busiest hour: `by_operation` has "push", "pull" and "job"."""
    counts = {"push": load.pushes, "pull": load.pulls, "job": load.jobs}
    found = {name: models(measured) for name, measured in by_operation.items()}
    lines = ["| a second, in the busiest hour | pushes | pulls | jobs | together |", "|---|" + "---:|" * 4]
    for quantity in QUANTITIES:
        each = [
            found[name][quantity].of(load.shape) * counts[name] / DAY * load.peak for name in ("push", "pull", "job")
        ]
        lines.append(f"| {quantity} | {' | '.join(_number(part) for part in (*each, sum(each)))} |")
    return lines


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def per_day(load: Load, pushes: Mapping[Shape, Costs]) -> Sequence[str]:
    """What a day adds for good, until retention takes it away."""
    model = models(pushes)
    rows = model["rows written"].of(load.shape) * load.pushes / 1e6
    wal = model["WAL KiB"].of(load.shape) * load.pushes / (1 << 30)
    kept = model["database KiB"].of(load.shape) * load.pushes / MIB
    content = load.shape.mib * load.pushes / (1 << 20)
    return [
        f"A day of pushes writes {rows:.1f} million rows and {wal:,.2f} TiB of WAL; it leaves {kept:,.1f} GiB in the"
        f" database and {content:,.1f} TiB of content."
    ]
