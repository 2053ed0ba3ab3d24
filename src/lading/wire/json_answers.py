"""JSON in the answers of registries and token services, read as tolerantly as they write it.

What is kept as content is read strictly instead (`lading.oci.document`): these answers are only looked into.
"""

from __future__ import annotations

import json
import re

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def read_json(body: bytes) -> object:
    """What the body says; where it has half a character, which nobody could write down again, U+FFFD stands in its
    place. Raises ValueError where it is no JSON, or nested so deeply that reading it gives up."""
    text = body.decode(json.detect_encoding(body))
    if _HALF.search(text):
        text = _ESCAPE.sub(lambda escape: r"\ufffd" if escape[1] else escape[0], text)
    try:
        value: object = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value
