"""Pictures of figures: many small panels side by side, each with lines over the same few places, as an SVG that reads
on light and on dark paper.

Every panel's scale begins at nothing, so what looks flat is flat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 256, 168
"""Of a panel, in the picture's own units."""

LEFT, RIGHT, TOP, BOTTOM = 38, 14, 34, 24
"""Around the lines of a panel: figures of the scale, the last point, the title, the names of the places."""

HEAD = 30
"""Above all panels: which line is whose."""

STYLE = """
text { font: 11px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600; fill: #1f2328 }
.rule { stroke: #d0d7de; stroke-width: 1 }
.line { fill: none; stroke-width: 2; stroke-linejoin: round }
.a { stroke: #0969da } .b { stroke: #bc4c00; stroke-dasharray: 5 3 }
.a-dot { fill: #0969da } .b-dot { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 }
  .title { fill: #f0f6fc }
  .rule { stroke: #3d444d }
  .a { stroke: #4493f8 } .b { stroke: #f0883e }
  .a-dot { fill: #4493f8 } .b-dot { fill: #f0883e }
}
"""

INKS = ("a", "b")
"""One for each line of a panel; they differ in more than colour."""


@dataclass(frozen=True, slots=True)
class Panel:
    """`lines` are by name, each a value or None for every place of the picture."""

    title: str
    lines: Mapping[str, Sequence[float | None]]


def drawn(about: str, places: Sequence[str], panels: Sequence[Panel], columns: int = 3) -> str:
    """The whole picture. `about` tells what it shows, for who does not see it."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    inks = dict(zip(names, INKS, strict=False))
    assert len(inks) == len(names), "more lines than inks"
    rows = -(-len(panels) // columns)
    size = f"{WIDTH * columns} {HEAD + HEIGHT * rows}"
    placed = (
        f'<g transform="translate({at % columns * WIDTH} {HEAD + at // columns * HEIGHT})">\n{body}\n</g>'
        for at, body in enumerate("\n".join(_panel(panel, places, inks)) for panel in panels)
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img">',
            f"<title>{escape(about)}</title>",
            f"<style>{STYLE}</style>",
            *_legend(inks),
            *placed,
            "</svg>",
            "",
        ]
    )


def _legend(inks: Mapping[str, str]) -> Iterator[str]:
    for at, (name, ink) in enumerate(inks.items()):
        x = LEFT + at * 130
        yield f'<path class="line {ink}" d="M{x} 14h26"/>'
        yield f'<text x="{x + 32}" y="18">{escape(name)}</text>'


def _panel(panel: Panel, places: Sequence[str], inks: Mapping[str, str]) -> Iterator[str]:
    most = max((value for line in panel.lines.values() for value in line if value is not None), default=0.0)
    top = ceiling(most)
    yield f'<text class="title" x="{LEFT}" y="18">{escape(panel.title)}</text>'
    for part in (0.0, 0.5, 1.0):
        y = _y(part)
        yield f'<path class="rule" d="M{LEFT} {y:g}H{WIDTH - RIGHT}"/>'
        yield f'<text x="{LEFT - 5}" y="{y + 4:g}" text-anchor="end">{top * part:g}</text>'
    for at, place in enumerate(places):
        yield f'<text x="{_x(at, places):g}" y="{HEIGHT - 6}" text-anchor="middle">{escape(place)}</text>'
    for name, line in panel.lines.items():
        points = [(_x(at, places), _y(value / top)) for at, value in enumerate(line) if value is not None]
        path = " ".join(f"{x:g},{y:.1f}" for x, y in points)
        yield f'<polyline class="line {inks[name]}" points="{path}"/>'
        yield from (f'<circle class="{inks[name]}-dot" cx="{x:g}" cy="{y:.1f}" r="3"/>' for x, y in points)


def ceiling(most: float) -> float:
    """The next round number from there: where a scale ends."""
    step = 1e-6
    while True:
        for digit in (1, 2, 4, 6, 8):
            if digit * step >= most:
                return float(f"{digit * step:g}")
        step *= 10


def _x(at: int, places: Sequence[str]) -> float:
    room = WIDTH - LEFT - RIGHT - 24
    return LEFT + 12 + (room * at / (len(places) - 1) if len(places) > 1 else room / 2)


def _y(part: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - part)
