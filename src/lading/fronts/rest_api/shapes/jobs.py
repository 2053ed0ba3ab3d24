"""Jobs: how they stand, what they tell, and how they end."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict, get_args

from lading.fronts.rest_api.shapes.gates import Verdict
from lading.fronts.rest_api.shapes.repositories import Amount
from lading.fronts.rest_api.shapes.scans import ScanSummary, ScanTold
from lading.fronts.rest_api.shapes.signatures import SignatureVerdict
from lading.services.jobs.job import JobState


class JobStarted(TypedDict):
    """A job that was made."""

    jobId: str


class Totals(TypedDict):
    """Bytes, of all targets together, each content counted once."""

    image: Annotated[int | None, "All of it; null while a size is not known."]
    sent: int
    kept: Annotated[int, "Of a transfer that was gone on with, what was there by then."]
    exists: int
    mounted: int
    left: Annotated[int | None, "To be sent still; null while a size is not known."]


# ── how jobs end


class Done(TypedDict):
    """A job that was done."""

    status: Literal["complete"]


class PushDone(Done):
    """A push or a copy."""

    message: str
    targetTag: str
    digest: str | None
    size: int | None
    targets: list[str]
    note: NotRequired[str]
    totals: NotRequired[Totals]
    dryRun: NotRequired[bool]
    relayed: NotRequired[Annotated[bool, "Whether it went through this server."]]
    signed: NotRequired[Annotated[bool, "Whether it was signed."]]
    verdicts: NotRequired[list[Verdict]]
    trust: NotRequired[Annotated[SignatureVerdict, "Of a copy: what was found of its source's signatures."]]


class PullDone(Done):
    """A pull."""

    message: str
    image: str
    imageId: str
    digest: str | None
    note: NotRequired[str]
    current: NotRequired[Annotated[bool, "It was there already."]]
    totals: NotRequired[Totals]
    scans: NotRequired[list[ScanSummary]]
    verdicts: NotRequired[list[Verdict]]
    trust: NotRequired[Annotated[SignatureVerdict, "What was found of its signatures, where a rule asks for some."]]


class HostEnd(TypedDict):
    """What became of a distribution at one host."""

    environment: int
    name: str
    status: Literal["done", "error"]
    digest: str
    current: NotRequired[bool]
    scans: NotRequired[list[ScanSummary]]
    verdicts: NotRequired[list[Verdict]]
    error: NotRequired[str]
    code: NotRequired[str]
    hint: NotRequired[str]
    detail: NotRequired[str]


class DistributeDone(Done):
    """A distribution."""

    message: str
    image: str
    digest: str
    results: list[HostEnd]


class ImageLoaded(TypedDict):
    """An image of an archive."""

    id: str
    name: str | None


class ImportDone(Done):
    """An archive that was loaded."""

    message: str
    images: list[ImageLoaded]


class SweepDone(Done):
    """Content that was collected, or would be."""

    removed: int
    bytes: int
    dryRun: bool
    usedLately: Amount
    unfinished: Amount
    notes: list[str]


class RetentionDone(Done):
    """Tags that were let go of."""

    repositories: int
    tags: int
    manifests: int


class ScanDone(Done):
    """A scan."""

    message: str
    image: str
    scans: list[ScanSummary]


class RoundDone(Done):
    """Scans of all images."""

    message: str
    images: int
    failed: int
    unreachable: list[str]
    summary: dict[str, int]
    forgotten: int


class RematchDone(Done):
    """Images that were held against newer advisories."""

    message: str
    images: int
    changed: int
    unread: int


class SourceImported(TypedDict):
    """A source of advisories that was brought."""

    source: str
    records: int
    new: int
    changed: int
    gone: int
    unread: int
    built: str | None


class AdvisoriesDone(Done):
    """Advisories that were brought up to date."""

    sources: list[SourceImported]


class ScannerUpdated(TypedDict):
    """A scanner's database."""

    updated: bool
    dbVersion: str | None


class UpdateDone(Done):
    """Scanners whose databases were brought up to date."""

    scanners: dict[str, ScannerUpdated]


class OtherSide(TypedDict):
    """What a registry or a Docker host answered."""

    message: str
    status: NotRequired[int]
    code: NotRequired[str]


class JobFailed(TypedDict):
    """A job that was not done: its error, whose fault it is, and what the other side said."""

    status: Literal["error"]
    error: str
    code: NotRequired[str]
    side: NotRequired[str]
    cause: NotRequired[str]
    hint: NotRequired[str]
    detail: NotRequired[str]
    reason: NotRequired[str]
    answered: NotRequired[OtherSide]
    verdicts: NotRequired[list[Verdict]]
    results: NotRequired[list[HostEnd]]


JobResult = (
    PushDone
    | PullDone
    | DistributeDone
    | ImportDone
    | SweepDone
    | RetentionDone
    | ScanDone
    | RoundDone
    | RematchDone
    | AdvisoriesDone
    | UpdateDone
    | JobFailed
)

RESULTS: tuple[type, ...] = tuple(each for each in get_args(JobResult) if each is not JobFailed)
"""Of jobs that were done."""

# ── what jobs tell


class ByteCount(TypedDict):
    """How far a layer has come."""

    current: NotRequired[int]
    total: NotRequired[int]


class LayerLine(TypedDict):
    """A layer's state, as docker words it; of a distribution, a host's."""

    id: str
    status: str
    progressDetail: NotRequired[ByteCount]
    progress: NotRequired[Annotated[str, "A bar, as docker draws it."]]
    size: NotRequired[Annotated[int, "Of a layer that is planned, where it is known."]]
    label: NotRequired[Annotated[str, "Of a layer that is planned: the history line that made it."]]
    target: NotRequired[Annotated[str, "Of a job with several targets, where it goes, from the second on."]]
    image: NotRequired[Annotated[str, "Of a host that has it: under which name."]]
    digest: NotRequired[str]
    hint: NotRequired[str]


class StepLine(TypedDict):
    """Something that is about no layer: tagging, scanning, a note."""

    status: str
    message: str
    host: NotRequired[str]
    until: NotRequired[float | None]
    tag: NotRequired[str]
    digest: NotRequired[str]
    size: NotRequired[int]
    stage: NotRequired[str]
    progress: NotRequired[Annotated[int, "Percent."]]
    scanner: NotRequired[str]
    results: NotRequired[list[ScanTold]]


class RematchLine(TypedDict):
    """An image that newer advisories tell something else of."""

    status: Literal["rematched"]
    message: str
    image: str
    imageId: str
    environment: int
    scanId: int
    new: Annotated[list[str], "Of vulnerabilities, the first ids."]
    fixed: list[str]


LineData = LayerLine | StepLine | RematchLine | JobResult

LINES: tuple[type, ...] = get_args(LineData)
"""What a line may be."""


class JobLine(TypedDict):
    """A line of a job; the last one has `event` `result`."""

    event: NotRequired[Literal["result"]]
    data: LineData


class JobProgress(TypedDict):
    """How far it has come."""

    totals: Totals | None
    layers: NotRequired[Annotated[list[LayerLine], "Those that are on their way, where this server runs it."]]


class Job(TypedDict):
    """A job as it stands, in a list without its lines."""

    id: str
    kind: str
    status: JobState
    result: Annotated[JobResult | None, "The data of its last line, once it has ended."]
    createdAt: str
    updatedAt: str
    cursor: Annotated[int, "The number of the last line given."]
    cancelable: bool
    progress: JobProgress
    username: str
    environmentId: int | None
    image: Annotated[str | None, "What it is about, where that is an image."]
    targets: Annotated[list[str], "References that it goes to."]
    startedAt: NotRequired[Annotated[str, "When it began for the first time."]]
    endedAt: NotRequired[str]
    waiting: NotRequired[Annotated[str, "Why nothing moves: `queue`, or the rate limit of a host."]]
    waitingUntil: NotRequired[Annotated[str, "Until when, where the host said."]]
    retryOf: NotRequired[Annotated[str, "The job that this one tries again."]]
    importId: NotRequired[Annotated[str, "The archive that it loads."]]


class JobWithLines(Job):
    """A job with its lines."""

    lines: list[JobLine]
    more: NotRequired[Annotated[bool, "There are lines after `cursor` already."]]


# ── server-sent events of one job


class JobSnapshot(TypedDict):
    """`event: snapshot`, the first one."""

    id: str
    kind: str
    status: JobState
    cursor: int
    progress: Totals | None
    layers: Annotated[list[LayerLine], "Those that are on their way."]


class JobTick(TypedDict):
    """`event: tick`: byte counts, without an id."""

    layers: list[LayerLine]
    progress: Totals


class JobData(TypedDict):
    """`event: data`: a line, with its number as the event's id; `event: progress` tells the same bare, and of the last
    one `event: result`."""

    data: LineData
