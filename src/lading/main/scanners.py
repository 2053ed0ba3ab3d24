"""The scanners of a data folder, and what ours stands on: inventories of layers, and advisories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from lading import __version__
from lading.backends.inventories.reader import CACHE, InventoryReader
from lading.inventory.matching import AdvisoryLookup
from lading.main.inventory_child import COMMAND
from lading.services.clocks import Clocks
from lading.services.findings.scanner import Scanner
from lading.services.inventories.inventories import Inventories
from lading.services.scans.osv_scanner import OsvScanner
from lading.services.scans.scanner_choice import ScannerChoice

Lookups = Callable[[], AbstractContextManager[AdvisoryLookup]]
"""Opens the advisories as they are now."""


def inventory_reader(data: Path, stack: ExitStack) -> InventoryReader:
    """Closed with the stack; what it reads is kept in the data folder, for every process."""
    reader = InventoryReader(data / CACHE, COMMAND)
    stack.callback(reader.close)
    return reader


def scanner_choice(
    inventories: Inventories, advisories: Lookups, programs: Mapping[str, Scanner], clocks: Clocks
) -> ScannerChoice:
    """Ours, and those that are programs."""
    ours = OsvScanner(inventories, advisories, clocks, __version__)
    return ScannerChoice({ours.name: ours, **programs}, clocks)
