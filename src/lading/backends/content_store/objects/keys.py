"""The keys of objects (drawn in this package's docstring)."""

from __future__ import annotations

from lading.oci.digest import Digest

BLOBS, REFERRERS, PARTIAL, UPLOADS, DAMAGED = "blobs", "referrers", "partial", "uploads", "damaged"


def blob(digest: Digest) -> str:
    return f"{BLOBS}/{digest.algorithm}/{digest.encoded}"


def damaged(digest: Digest) -> str:
    return f"{DAMAGED}/{digest.algorithm}/{digest.encoded}"


def partial(digest: Digest) -> str:
    """The folder of its segments."""
    return f"{PARTIAL}/{digest.algorithm}/{digest.encoded}"


def upload(session: str) -> str:
    """The folder of a session."""
    return f"{UPLOADS}/{session}"


def segment(folder: str, start: int, writer: str) -> str:
    """In order of key, segments are in order of start. `writer` is whoever wrote it, so that nobody's is replaced."""
    return f"{folder}/{start:020d}-{writer}"


def segment_start(key: str) -> int | None:
    """None where it is no segment."""
    start, _, writer = key.rpartition("/")[2].partition("-")
    return int(start) if writer and start.isdecimal() and len(start) == 20 else None


def referrers(subject: Digest) -> str:
    """The folder of what refers to it."""
    return f"{REFERRERS}/{subject.algorithm}/{subject.encoded}"


def referrer(subject: Digest, referrer: Digest) -> str:
    return f"{referrers(subject)}/{referrer.algorithm}-{referrer.encoded}"


def referrer_at(key: str) -> Digest | None:
    """Which manifest this key below referrers/ stands for; None where it is none of ours."""
    return Digest.if_valid(key.rpartition("/")[2].replace("-", ":", 1))


def digest_at(key: str) -> Digest | None:
    """Whose blob, or damaged content, has this key; None where it is none of ours."""
    return Digest.if_valid(key.partition("/")[2].replace("/", ":", 1))
