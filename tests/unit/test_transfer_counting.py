"""What is counted of jobs and registries."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from lading.main.transfer_counting import MOST_HOSTS, TransferCounting
from lading.services.audit.audit import Deed
from lading.services.jobs.job import JobRequest, JobState
from lading.services.running.worked import Worked

TOTALS = {"image": 10, "sent": 4, "kept": 1, "exists": 2, "mounted": 3, "left": None}


def request(kind: str, image: str, *targets: str) -> JobRequest:
    fields = {"targets": list(targets)} if targets else {}
    return JobRequest(kind, fields, deed=Deed(kind, "image", image, image))


@pytest.mark.parametrize(
    ("asked", "direction", "registry"),
    [
        (request("push", "app:1", "r.example:5000/team/app:1", "s.example/x"), "out", "r.example:5000"),
        (request("copy", "a.example/app:1", "b.example/app:1"), "out", "b.example"),
        (request("pull", "alpine:3"), "in", "docker.io"),
        (request("import", "archive"), "in", "own"),
        (request("distribute", "app:1"), "in", "own"),
    ],
)
def test_bytes_are_counted_by_where_they_went(asked: JobRequest, direction: str, registry: str) -> None:
    kept = CollectorRegistry()
    counting = TransferCounting(kept)

    counting.worked(Worked(asked, JobState.DONE, TOTALS, 2.0))
    counting.worked(Worked(asked, None, {"sent": 6}, 1.0))

    labels = {"direction": direction, "registry": registry}
    assert kept.get_sample_value("lading_transfer_bytes_total", labels) == 10
    assert kept.get_sample_value("lading_transfer_saved_bytes_total") == 6
    ended = {"kind": asked.kind, "state": "done"}
    assert kept.get_sample_value("lading_job_duration_seconds_count", ended) == 1
    assert kept.get_sample_value("lading_job_duration_seconds_sum", ended) == 2.0


def test_a_scan_moves_nothing() -> None:
    kept = CollectorRegistry()
    TransferCounting(kept).worked(Worked(request("scan", "app:1"), JobState.ERROR, TOTALS, 0.5))

    assert kept.get_sample_value("lading_transfer_saved_bytes_total") == 0
    assert kept.get_sample_value("lading_job_duration_seconds_count", {"kind": "scan", "state": "error"}) == 1


def test_users_make_only_so_many_labels() -> None:
    kept = CollectorRegistry()
    counting = TransferCounting(kept)
    for number in range(MOST_HOSTS + 50):
        counting.requested(f"host-{number}.example", 200)
    counting.requested("host-1.example", 200)

    samples = [each for family in kept.collect() for each in family.samples if each.name.endswith("requests_total")]
    values = {each.labels["registry"]: each.value for each in samples}
    assert len(values) == MOST_HOSTS - 1  # nothing was asked of our own
    assert (values["host-1.example"], values["other"]) == (2, 52)
