"""What a process that serves the registry begins with, and what is counted of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lading.fronts.http.limits import Limits
from lading.main.counting import Counting
from lading.main.registry_processes import Order
from lading.settings import resolve


def test_an_order_says_every_setting_but_where_it_came_from(tmp_path: Path) -> None:
    said = {"LADING_SECRET_KEY": "of the database", "LADING_TRUSTED_PROXIES": "10.0.0.0/8"}
    settings = resolve({}, said, [], tmp_path, lambda _: "")
    order = Order(settings, Limits(connections=7), 5)

    read = Order.read(order.written())

    assert (read.limits, read.listener, read.settings.origins) == (order.limits, 5, ())
    assert read.settings.secret_key == "of the database"
    assert read.settings.trusted_proxies == settings.trusted_proxies


def test_an_order_shows_nobody_what_is_secret(tmp_path: Path) -> None:
    settings = resolve({}, {"LADING_SECRET_KEY": "of the database"}, [], tmp_path, lambda _: "")

    assert "of the database" not in repr(Order(settings, Limits(), 5))


NOBODY = 2**31 - 1
"""No process has such a number."""


@dataclass
class Running:
    """Fulfils lading.main.counting.Beside."""

    running: Mapping[int, int]
    begun_again: int = 3


def test_each_process_is_counted_by_its_number() -> None:
    counting = Counting()
    counting.processes("registry", Running({1: os.getpid(), 2: os.getppid()}))

    lines = counting.render().decode().splitlines()

    assert "lading_registry_processes 2.0" in lines
    assert "lading_registry_processes_begun_again 3.0" in lines
    for number in (1, 2):
        memory = next(
            line
            for line in lines
            if line.startswith(f'lading_registry_process_resident_memory_bytes{{process="{number}"}}')
        )
        assert float(memory.split()[1]) > 0
    assert lines.count("# TYPE lading_registry_process_cpu_seconds_total counter") == 1


def test_one_that_has_ended_is_left_out() -> None:
    counting = Counting()
    counting.processes("registry", Running({1: NOBODY}))

    assert "lading_registry_process_" not in counting.render().decode()
