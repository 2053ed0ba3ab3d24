"""Debian's Chromium as tests drive it: nothing of its own goes out, and it is the same for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright

from tests.peers import programs

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def launched(playing: Playwright, *flags: str) -> Iterator[Browser]:
    """Without a window; `flags` beside the usual ones. `playing` is the fixture of that name."""
    browser = playing.chromium.launch(executable_path=programs.find("chromium"), args=[*FLAGS, *flags])
    try:
        yield browser
    finally:
        browser.close()
