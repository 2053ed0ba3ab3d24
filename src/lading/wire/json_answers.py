"""JSON in the answers of registries and token services, read as tolerantly as they write it.

What is kept as content is read strictly instead (`lading.oci.document`): these answers are only looked into.
"""

from __future__ import annotations

import json


def read_json(body: bytes) -> object:
    """What the body says. Raises ValueError where it is no JSON, or nested so deeply that reading it gives up."""
    try:
        value: object = json.loads(body)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value
