from __future__ import annotations

import io
import json
import logging
import re

from lading.main.logs import logged_to


def test_a_record_is_one_line_of_json_with_its_own_fields() -> None:
    stream = io.StringIO()
    with logged_to(stream):
        logging.getLogger("lading.somewhere").warning("no room on\n%s", "disk", extra={"request": "r1"})
    logging.getLogger("lading.somewhere").warning("nobody listens now")

    (line,) = stream.getvalue().splitlines()
    record = json.loads(line)
    assert record.pop("time").endswith("Z")
    assert record == {
        "level": "warning",
        "logger": "lading.somewhere",
        "message": "no room on\ndisk",
        "request": "r1",
    }


def test_a_traceback_is_in_the_line_and_a_secret_in_it_is_not() -> None:
    stream = io.StringIO()
    with logged_to(stream):
        try:
            raise ValueError("https://ann:hidden@registry.corp")
        except ValueError:
            logging.getLogger("lading.somewhere").exception("it failed with Bearer hidden-too")

    record = json.loads(stream.getvalue())
    assert "Traceback" in record["exception"]
    assert "hidden" not in stream.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_at_a_terminal_a_record_is_a_line_to_read() -> None:
    stream = Terminal()
    with logged_to(stream):
        logging.getLogger("lading.somewhere").warning("no room on\n%s\x1b[31m", "disk", extra={"request": "r1"})
        try:
            raise ValueError("https://ann:hidden@registry.corp")
        except ValueError:
            logging.getLogger("lading.somewhere").exception("it failed")

    first, second, *traceback = stream.getvalue().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d warning: no room on\\ndisk\\x1b\[31m request=r1", first)
    assert second.endswith(" error: it failed")
    assert traceback[0].startswith("Traceback")
    assert traceback[-1] == "ValueError: https://***@registry.corp"
