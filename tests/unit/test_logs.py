from __future__ import annotations

import io
import json
import logging
import re

from lading.errors import Unavailable
from lading.main.logs import AGAIN_SECONDS, SeldomAway, logged_to


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


class Away(Unavailable):
    def __str__(self) -> str:
        return "the cellar does not answer"


def test_what_is_away_is_no_defect_and_has_no_traceback() -> None:
    for stream in (io.StringIO(), Terminal()):
        with logged_to(stream):
            try:
                raise Away
            except Away:
                logging.getLogger("lading.somewhere").exception("nothing can be sealed")

        assert "Traceback" not in stream.getvalue()
        assert "the cellar does not answer" in stream.getvalue()
        assert len(stream.getvalue().splitlines()) == 1


def test_what_is_said_of_something_away_is_said_once_in_a_while() -> None:
    now, passed = [0.0], list[str]()
    seldom = SeldomAway(lambda: now[0])

    def said(text: str, *arguments: object, error: Exception | None = None) -> None:
        found = (type(error), error, None) if error else None
        record = logging.LogRecord("lading.somewhere", logging.WARNING, "", 0, text, arguments, found)
        if seldom.filter(record):
            passed.append(record.getMessage())

    for _ in range(3):
        said("it is tried again: %s", Away())
        said("it is tried again", error=Away())
        said("job %s waits: %s", 1, Away())
        said("job %s waits: %s", 2, Away())
        said("something else: %s", ValueError("x"))
    first = passed.copy()
    now[0] += AGAIN_SECONDS
    said("it is tried again: %s", Away())

    assert first == [
        "it is tried again: the cellar does not answer",
        "it is tried again",
        "job 1 waits: the cellar does not answer",
        "job 2 waits: the cellar does not answer",
        *["something else: x"] * 3,
    ]
    assert passed[len(first) :] == ["it is tried again: the cellar does not answer"]
