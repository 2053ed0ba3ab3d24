"""One person at one browser, and everything that the browser complains of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request, Response

from tests.browser.installed import ROOT

AXE = ROOT / "ui/node_modules/axe-core/axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

LOOKS_ON = """() => {
  window.longTasks = [];
  new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((each) => each.duration)))
    .observe({ type: 'longtask', buffered: true });
}"""

BREAKS = """async (rules) => {
  const told = ({ id, nodes }) => nodes.map((node) => `${id}: ${node.target} – ${node.failureSummary}`);
  const found = await axe.run(document, { runOnly: rules, resultTypes: ['violations'] });
  return found.violations.flatMap(told);
}"""

LOOKS_DONE = """() => {
  const ends = (each) => each.effect?.getComputedTiming().iterations !== Infinity;
  return !document.querySelector('[aria-busy="true"]') && !document.getAnimations().some(ends);
}"""
"""Whether all that is asked for is there, and nothing moves any more but what always does."""


@dataclass
class Visit:
    """A page of the service at `url`. What goes wrong in it is kept; `clean` tells, and is asked after every test."""

    page: Page
    url: str
    pictures: Path
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    expected: list[re.Pattern[str]] = field(default_factory=list)

    def begin(self) -> None:
        """From now on it is looked at."""
        self.page.add_init_script(f"({LOOKS_ON})()")
        self.page.on("console", self._told)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def open(self, path: str) -> None:
        """A page of the app or of the server, by its path."""
        self.page.goto(f"{self.url}{path}")

    def log_in(self, username: str, password: str, then: str = "/") -> None:
        """By the form, and on to `then`."""
        self.open(f"/login?next={then}")
        self.page.fill("#username", username)
        self.page.fill("#password", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(f"{self.url}{then}")

    def expects(self, pattern: str) -> None:
        """What the browser says of this is meant to be, like `403.*/api/images/push`: `<status> <METHOD> <path>` of an
        answer, or the console's own text."""
        self.expected.append(re.compile(pattern))

    def check(self, name: str, *, full: bool = False) -> None:
        """In both themes: nothing that axe-core finds, and a picture of it, `<name>-<theme>.png`."""
        for theme in THEMES:
            self.page.emulate_media(color_scheme=theme)
            self.page.wait_for_function(LOOKS_DONE)
            self.page.screenshot(path=self.pictures / f"{name}-{theme}.png", full_page=full)
            assert self.violations() == [], f"{name}, {theme}"
        self.page.emulate_media(color_scheme=None)

    def violations(self) -> list[str]:
        """What axe-core finds against WCAG 2.2 AA, as it is shown now."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text("utf-8"))
        found: list[str] = self.page.evaluate(BREAKS, list(RULES))
        return found

    def long_tasks(self) -> list[float]:
        """Milliseconds of each task since the page was loaded that took over 50: while one runs, nothing moves."""
        found: list[float] = self.page.evaluate("() => window.longTasks")
        return found

    def clean(self) -> None:
        """No error in the console (so no breach of the policy either), nothing uncaught, nothing asked of others."""
        unexpected = [text for text in self.complaints if not any(each.search(text) for each in self.expected)]
        assert unexpected == []
        assert self.foreign == []

    def _told(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource:"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _answered(self, response: Response) -> None:
        """What the console calls a resource that failed to load, with its name."""
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.request.method} {_path(response.url)}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(("data:", "blob:", f"{self._origin}/")):
            self.foreign.append(request.url)

    @property
    def _origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
