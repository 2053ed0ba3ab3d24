from __future__ import annotations

import json

import pytest

from lading.oci.digest import Digest
from lading.oci.image_config import ConfigInvalid, HistoryStep, ImageConfig, history_label
from lading.oci.platform import Platform

BASE, TOP = Digest.of(b"base"), Digest.of(b"top")
MEMBERS: dict[str, object] = {
    "created": "2026-01-02T03:04:05.678901234Z",
    "author": "someone",
    "architecture": "arm64",
    "os": "linux",
    "variant": "v8",
    "config": {
        "User": "1000:1000",
        "ExposedPorts": {"80/tcp": {}, "443/tcp": {}},
        "Env": ["PATH=/bin", "EMPTY="],
        "Entrypoint": None,
        "Cmd": ["sh", "-c", "echo"],
        "Volumes": None,
        "WorkingDir": "/srv",
        "Labels": {"a": "b"},
        "StopSignal": "SIGQUIT",
        "OnBuild": None,
    },
    "rootfs": {"type": "layers", "diff_ids": [str(BASE), str(TOP)]},
    "history": [
        {"created": "2026-01-01T00:00:00Z", "created_by": "/bin/sh -c #(nop) ADD file:1 in / "},
        {"created_by": '/bin/sh -c #(nop)  CMD ["sh"]', "empty_layer": True},
        {"created_by": "RUN /bin/sh -c apt-get update # buildkit", "comment": "buildkit.dockerfile.v0"},
    ],
}


def test_a_config_says_what_runs_and_how_it_came_to_be() -> None:
    raw = json.dumps(MEMBERS, indent=1).encode()

    config = ImageConfig.parse(raw)

    assert config.raw == raw
    assert config.platform == Platform("linux", "arm64", "v8")
    assert (config.created, config.author) == (MEMBERS["created"], "someone")
    assert config.execution.env == ("PATH=/bin", "EMPTY=")
    assert config.execution.entrypoint == ()
    assert config.execution.cmd == ("sh", "-c", "echo")
    assert config.execution.exposed_ports == ("80/tcp", "443/tcp")
    assert config.execution.labels == {"a": "b"}
    assert (config.execution.user, config.execution.working_dir) == ("1000:1000", "/srv")
    assert config.execution.stop_signal == "SIGQUIT"
    assert config.diff_ids == (BASE, TOP)
    assert [step.empty_layer for step in config.history] == [False, True, False]


def test_layers_are_labelled_with_the_steps_that_made_them() -> None:
    config = ImageConfig.parse(json.dumps(MEMBERS).encode())

    assert config.layer_labels == ("ADD file:1 in /", "RUN apt-get update")


@pytest.mark.parametrize("steps", [0, 1, 3, 5])
def test_a_history_that_does_not_fit_leaves_labels_empty(steps: int) -> None:
    history = [HistoryStep(created_by=f"step {number}") for number in range(steps)]

    labels = ImageConfig.build(Platform("linux", "amd64"), None, [BASE, TOP, BASE], history).layer_labels

    assert labels == tuple(f"step {number}" if number < steps else "" for number in range(3))


@pytest.mark.parametrize(
    ("created_by", "label"),
    [
        ("/bin/sh -c #(nop)  ENV A=b", "ENV A=b"),
        ("/bin/sh -c apt-get update &&     apt-get upgrade", "RUN apt-get update && apt-get upgrade"),
        ("RUN /bin/sh -c make # buildkit", "RUN make"),
        ("RUN |2 A=1 B=2 /bin/sh -c make # buildkit", "RUN make"),
        ("|1 A=1 /bin/bash -c make", "RUN make"),
        ("COPY . /app # buildkit", "COPY . /app"),
        ("ADD\tfile\n in /", "ADD file in /"),
        ("bazel build ...", "bazel build ..."),
        ("", "imported"),
    ],
)
def test_a_step_is_shown_as_its_dockerfile_line(created_by: str, label: str) -> None:
    assert history_label(HistoryStep(created_by=created_by, comment="imported")) == label


@pytest.mark.parametrize("line", ["|1 " + "a=b=c= " * 60, "|1 " + "=" * 60_000, "|9 " + "a " * 60_000])
def test_a_line_made_to_be_matched_in_many_ways_is_shown_as_it_is(line: str) -> None:
    assert history_label(HistoryStep(created_by=line)) == line.strip()


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"rootfs": {"diff_ids": ["x"]}}, "rootfs.diff_ids[0]"),
        ({"rootfs": []}, "rootfs"),
        ({"history": [{"empty_layer": "yes"}]}, "history[0].empty_layer"),
        ({"config": {"Env": "A=b"}}, "config.Env"),
        ({"config": {"Labels": {"a": 1}}}, "config.Labels[a]"),
        ({"os": 1}, "os"),
        ({"created": 1}, "created"),
    ],
)
def test_a_bad_config_names_its_field(members: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        ImageConfig.parse(json.dumps(members).encode())

    assert refused.value.field == field
    assert "the image config is not valid" in str(refused.value)


def test_a_config_that_says_nothing_is_of_an_unknown_platform() -> None:
    config = ImageConfig.parse(b"{}")

    assert str(config.platform) == "unknown/unknown"
    assert config.layer_labels == ()


def test_a_built_config_reads_back_as_itself() -> None:
    built = ImageConfig.build(
        Platform("linux", "arm", "v7"),
        "2026-01-02T03:04:05Z",
        [BASE],
        [HistoryStep("2026-01-02T03:04:05Z", "import", comment="from rootfs.tar")],
    )

    assert ImageConfig.parse(built.raw) == built
    assert json.loads(built.raw)["rootfs"] == {"type": "layers", "diff_ids": [str(BASE)]}
