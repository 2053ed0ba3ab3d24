"""Image configs: what to run, for which platform, and how the layers came to be (image-spec, config.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lading.oci.digest import Digest
from lading.oci.document import DocumentInvalid, Fields, read_object, write_json
from lading.oci.platform import Platform

NO_LABELS: Mapping[str, str] = MappingProxyType({})
NOTHING_SET: Mapping[str, object] = MappingProxyType({})


class ConfigInvalid(DocumentInvalid):
    """An image config that breaks its specification; names the field and the rule."""

    what = "the image config"


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One line of `lading history`: a step of the build, which made a layer unless `empty_layer`."""

    created: str | None = None
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


@dataclass(frozen=True, slots=True)
class Execution:
    """What a container of the image runs unless told otherwise; None where the image does not say."""

    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    working_dir: str = ""
    user: str = ""
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS, hash=False)
    stop_signal: str = ""


NOTHING_TO_RUN = Execution()


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The config blob of an image; its digest is what Docker calls the image id. `raw` is exact.

    `created` is RFC 3339 text as it was written. `diff_ids` name the layers uncompressed, from the base up.
    """

    raw: bytes = field(repr=False)
    platform: Platform
    created: str | None = None
    author: str = ""
    execution: Execution = NOTHING_TO_RUN
    diff_ids: tuple[Digest, ...] = ()
    history: tuple[HistoryStep, ...] = ()

    @classmethod
    def parse(cls, raw: bytes) -> ImageConfig:
        """Raises ConfigInvalid, naming the field."""
        fields = read_object(raw, ConfigInvalid)
        execution = fields.inner("config")
        root = fields.inner("rootfs")
        return cls(
            raw,
            Platform.read(fields),
            fields.text("created") or None,
            fields.text("author") or "",
            NOTHING_TO_RUN if execution is None else _execution(execution),
            () if root is None else root.digests("diff_ids"),
            tuple(_step(step) for step in fields.each("history")),
        )

    @classmethod
    def build(
        cls,
        platform: Platform,
        created: str | None,
        diff_ids: Iterable[Digest],
        history: Iterable[HistoryStep],
        settings: Mapping[str, object] = NOTHING_SET,
    ) -> ImageConfig:
        """A new one, in the spec's order of fields and without spaces; `settings` are its `config`. Raises
        ConfigInvalid where they are wrong."""
        layers, steps = tuple(diff_ids), tuple(history)
        members: dict[str, object] = {
            **({"created": created} if created else {}),
            **platform.written(),
            "config": dict(settings),
            "rootfs": {"type": "layers", "diff_ids": [str(layer) for layer in layers]},
            "history": [_written_step(step) for step in steps],
        }
        return cls.parse(write_json(members))

    @property
    def layer_labels(self) -> tuple[str, ...]:
        """For each layer, from the base up, the step that made it; empty where the history does not say."""
        labels = [history_label(step) for step in self.history if not step.empty_layer]
        missing = len(self.diff_ids) - len(labels)
        return tuple(labels[: len(self.diff_ids)] + [""] * missing)


_SHELL = re.compile(r"^(?:RUN )?(?:\|\d+ (?:[^\s=]+=\S* )*)?/bin/(?:ba)?sh -c (?P<nop>#\(nop\)\s*)?")
_SPACES = re.compile(r"\s+")


def history_label(step: HistoryStep) -> str:
    """A step as its Dockerfile line, on one line: without the shell that Docker's builder writes around it."""
    line = _SPACES.sub(" ", step.created_by or step.comment).strip()
    match = _SHELL.match(line)
    if match is None:
        return line.removesuffix(" # buildkit")
    rest = line[match.end() :].removesuffix(" # buildkit").strip()
    return rest if match["nop"] else f"RUN {rest}"


def _execution(fields: Fields) -> Execution:
    return Execution(
        env=fields.texts("Env"),
        entrypoint=fields.texts("Entrypoint"),
        cmd=fields.texts("Cmd"),
        working_dir=fields.text("WorkingDir") or "",
        user=fields.text("User") or "",
        exposed_ports=fields.keys("ExposedPorts"),
        volumes=fields.keys("Volumes"),
        labels=fields.mapping("Labels") or NO_LABELS,
        stop_signal=fields.text("StopSignal") or "",
    )


def _step(fields: Fields) -> HistoryStep:
    return HistoryStep(
        fields.text("created") or None,
        fields.text("created_by") or "",
        fields.text("author") or "",
        fields.text("comment") or "",
        fields.flag("empty_layer"),
    )


def _written_step(step: HistoryStep) -> dict[str, object]:
    members = {
        "created": step.created,
        "created_by": step.created_by,
        "author": step.author,
        "comment": step.comment,
        "empty_layer": step.empty_layer,
    }
    return {name: value for name, value in members.items() if value}
