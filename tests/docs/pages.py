"""The documents as the tests read them: their fenced blocks, the marks above these, their tables of commands, and the
calls that their sentences name.

A fence says by its language what it holds:

    sh        lines to type, run one after the other; what they print is not shown
    console   `$ ` and a command, then what is printed: run, and compared where something is shown
    text      a drawing or a form of words: nothing to type
    json      a message, or several, one a line
    others    a file or a message, which a mark accounts for

Marks are HTML comments right above the fence, so that readers do not see them:

    <!-- on: laptop -->             typed on another machine of the page: a home of its own
    <!-- keeps running -->          its last command does not end: what it shows has to appear, then the page goes on
    <!-- file: PATH -->             no command: the block is written to that file
    <!-- held by: tests/FILE.py --> that test reads this page and holds the block to the program
    <!-- not run: REASON -->        what it needs is not to be had here; its calls must be ones that can be typed
    <!-- each row is run -->        above a table: the commands of its cells are run in their order
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs"
RUN = frozenset({"sh", "console"})
MARK = re.compile(r"<!-- ([a-z][a-z ]*[a-z])(?:: (.*?))? -->")
MARKS = frozenset({"on", "keeps running", "file", "held by", "not run", "each row is run"})
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Step:
    """One command and what the page says it prints; None where it says nothing."""

    command: str
    shown: str | None = None


@dataclass(frozen=True)
class Block:
    """A fence, or a table whose rows are run, with its marks."""

    page: Path
    line: int
    language: str
    text: str
    marks: Mapping[str, str]

    @property
    def where(self) -> str:
        """As an editor opens it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_run(self) -> bool:
        """Whether it is carried out here: a file is written, a command runs."""
        return "file" in self.marks or (self.language in RUN and not {"not run", "held by"} & set(self.marks))

    def steps(self) -> Iterator[Step]:
        """The commands, in their order."""
        if self.language == "sh":
            yield from (Step(command) for command in _whole_commands(self.text.splitlines()))
            return
        for call in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            lines = call.splitlines()
            (command, *_) = _whole_commands(lines)
            rest = lines[command.count("\n") + 1 :]
            yield Step(command, "".join(f"{line}\n" for line in rest) if rest else None)


def documents() -> list[Path]:
    """Every page for people: those of docs/ and those at the top."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
    return [*top, *sorted(FOLDER.rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """All fences of a page, and its tables that are run, from the top."""
    text = page.read_text(encoding="utf-8")
    found = [_block(page, text, match.start(), match[1], match[2]) for match in FENCE.finditer(text)]
    return sorted([*found, *_tables(page, text)], key=lambda block: block.line)


def prose(page: Path) -> str:
    """A page without its fences."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def calls(page: Path) -> list[str]:
    """The calls of `lading` that its sentences and tables name, without the program's name."""
    spans = [span.replace("\\|", "|") for span in SPAN.findall(prose(page))]
    return sorted({call for span in spans for call in re.findall(r"(?:^|\| |\$\()lading ([^|)]+)", span)})


def lading_calls(block: Block) -> list[str]:
    """The calls of `lading` in a block of commands, without the program's name."""
    lines = [line for step in block.steps() for line in step.command.splitlines()]
    return [call for line in lines for call in re.findall(r"(?:^|\| |\$\()lading ([^|)<>]+)", line)]


def _block(page: Path, text: str, start: int, language: str, body: str) -> Block:
    return Block(page, text.count("\n", 0, start) + 1, language, body, _marks_above(text, start))


def _marks_above(text: str, start: int) -> dict[str, str]:
    marks: dict[str, str] = {}
    for line in reversed(text[:start].splitlines()):
        if not (match := MARK.fullmatch(line)):
            return marks
        marks[match[1]] = match[2] or ""
    return marks


def _tables(page: Path, text: str) -> Iterator[Block]:
    for match in re.finditer(r"^<!-- each row is run -->\n((?:\|.*\n)+)", text, re.MULTILINE):
        rows = match[1].splitlines()[2:]
        spans = [SPAN.findall(row.replace("\\|", "|").split("|", 2)[2]) for row in rows]
        lines = [span for row in spans for span in row if span.startswith(("lading ", "REF=$(lading "))]
        yield Block(page, text.count("\n", 0, match.start(1)) + 1, "sh", "\n".join(lines) + "\n", {})


def _whole_commands(lines: list[str]) -> Iterator[str]:
    """Lines put together to commands: a backslash goes on, and a document or a quote lasts to its end."""
    taken: list[str] = []
    for line in lines:
        taken.append(line)
        text = "\n".join(taken)
        document = re.search(r"<<-? ?'?(\w+)'?", text)
        open_document = document is not None and not re.search(rf"\n{document[1]}$", text)
        quotes = re.sub(r"\\'|\"[^\"]*\"", "", text).count("'")
        if line.endswith("\\") or open_document or quotes % 2:
            continue
        taken = []
        if text.strip() and not text.startswith("#"):
            yield textwrap.dedent(text)
