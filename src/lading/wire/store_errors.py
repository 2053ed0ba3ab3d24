"""What an object store says when it refuses: Amazon S3, those that speak as it does, and Azure.

<Error><Code>AccessDenied</Code><Message>Request has expired</Message>…</Error>
"""

from __future__ import annotations

import re

_CODE, _MESSAGE = re.compile(r"<Code>(\w{1,64})</Code>"), re.compile(r"<Message>([^<]{1,160})</Message>")


def said(body: str) -> str:
    """Its code and message, in brackets and behind a blank; empty where it says neither. Never the rest, which may
    repeat what was signed."""
    told = [found[1] for each in (_CODE, _MESSAGE) if (found := each.search(body))]
    return f" ({': '.join(told)})" if told else ""
