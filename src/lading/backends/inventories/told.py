"""Inventories as children tell them and as the cache keeps them: compressed JSON, parsed strictly."""

from __future__ import annotations

import json

from lading.backends.inventories.messages import AnswerInvalid, unpacked
from lading.inventory.layer import ImageInventory, LayerInventory
from lading.inventory.layer_json import InventoryInvalid, read_image, read_layer


def told_layer(content: bytes) -> LayerInventory:
    """Raises AnswerInvalid."""
    try:
        return read_layer(_value(content))
    except InventoryInvalid as error:
        raise AnswerInvalid(str(error)) from error


def told_image(content: bytes) -> ImageInventory:
    """Raises AnswerInvalid."""
    try:
        return read_image(_value(content))
    except InventoryInvalid as error:
        raise AnswerInvalid(str(error)) from error


def _value(content: bytes) -> object:
    try:
        return json.loads(unpacked(content))
    except (ValueError, RecursionError) as error:
        raise AnswerInvalid("it is no JSON") from error
