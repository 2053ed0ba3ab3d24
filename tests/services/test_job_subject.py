"""What a job is about, in the words of whoever asked for it."""

from __future__ import annotations

import pytest

from lading.services.audit.audit import Deed
from lading.services.jobs.job import JobRequest, JsonObject
from lading.services.watching.subject import Subject, subject_of


def asked(kind: str, fields: JsonObject, id: str = "", name: str = "", **details: object) -> JobRequest:  # noqa: A002
    return JobRequest(kind, fields, deed=Deed(kind, "image", id, name, None, details))


@pytest.mark.parametrize(
    ("request_", "subject"),
    [
        (
            asked("push", {"name": "app:1", "asked": "sha256:1", "targets": ["docker.io/library/app:1", "r:5/a:1"]}),
            Subject("app:1", ("app:1", "r:5/a:1")),
        ),
        (asked("push", {"name": None, "asked": "app", "targets": []}, name="r:5/a:1"), Subject("app", ())),
        (asked("push", {"form": {}}, "app:2", "r:5/a:1", targetTag="r:5/a:1"), Subject("app:2", ("r:5/a:1",))),
        (asked("pull", {"image": "docker.io/library/alpine:3"}, "alpine", "alpine"), Subject("alpine", ())),
        (
            asked("copy", {"targets": ["no: reference", 7]}, "x", "a.example/b:1"),
            Subject("a.example/b:1", ("no: reference",)),
        ),
        (asked("import", {"import": "12"}, "12", "archive"), Subject(None, ())),
        (JobRequest("prune", {}, deed=Deed("prune", "content", "", "")), Subject(None, ())),
        (JobRequest("pull", {"image": "alpine"}), Subject(None, ())),
    ],
)
def test_a_job_is_called_what_people_call_it(request_: JobRequest, subject: Subject) -> None:
    assert subject_of(request_) == subject
