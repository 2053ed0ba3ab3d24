"""The images of an environment."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

WorstSeverity = Literal["critical", "high", "medium", "low", "negligible", "unknown", "none"]


class Image(TypedDict):
    """An image in a list; names as docker writes them. The last four are told of one image, and in lists that are asked
    for with `page`."""

    id: Annotated[str, "The digest of its root; at a Docker host whatever its daemon says."]
    tags: list[str]
    digests: list[str]
    created: str | None
    size: Annotated[int, "Bytes."]
    labels: dict[str, str]
    platforms: list[str]
    uniqueSize: NotRequired[
        Annotated[
            int | None,
            "Bytes that no other image of the environment has and no other tag of our own registry, of those that you "
            "may see. Null where nobody knows, as at Docker hosts.",
        ]
    ]
    severity: NotRequired[
        Annotated[
            WorstSeverity | None,
            "The worst that the newest scans found, `none` where that is nothing. Null: nobody looked.",
        ]
    ]
    locked: NotRequired[
        Annotated[
            bool | None,
            "Whether a rule protects one of its tags. Null where none of its names is a tag of our own registry.",
        ]
    ]
    signed: NotRequired[
        Annotated[
            bool | None,
            "Whether its signatures were what the server's trust policy asks for when they were looked at last, under "
            "each of its names that was. Null: nobody looked, or no rule is about it.",
        ]
    ]


class ImageDetails(Image):
    """An image with what it is made of."""

    digest: str | None
    platform: str
    layers: Annotated[list[str], "Digests, from the base up."]
    config: Annotated[dict[str, object], "Its own settings (Env, Cmd, …) as the image-spec names them."]


class HistoryStep(TypedDict):
    """A step that made an image."""

    id: str
    created: str | None
    createdBy: str
    size: Annotated[int, "Bytes."]
    comment: str


class Tagged(TypedDict):
    """A further name."""

    tag: str


class Pruned(TypedDict):
    """What is gone."""

    deleted: list[str]
    spaceReclaimed: Annotated[int, "Bytes."]


class Arriving(TypedDict):
    """An archive that comes by pieces."""

    id: str
    offset: Annotated[int, "How many bytes have arrived."]
