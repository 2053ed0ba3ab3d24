"""A journey of one blob with a witness that takes notes, and the words of its requests and answers."""

from __future__ import annotations

from collections.abc import Callable

from lading.oci.digest import Digest
from lading.wire.endpoint import Profile
from lading.wire.message import BytesContent, ConnectionLost, Response, Stalled
from lading.wire.registry_errors import (
    Code,
)
from lading.wire.sending import Goods
from lading.wire.upload import Hopes, Landed, Landing, upload
from tests.fakes.conversation import Played, play
from tests.fakes.played_registry import refusal

HELD = bytes(range(100))
DIGEST = Digest.of(HELD)
GOODS = Goods("https://reg.example", "a/b", DIGEST, BytesContent(HELD))
LARGE = Goods("https://reg.example", "a/b", DIGEST, BytesContent(bytes(10 * 1024 * 1024)))
SESSION = "/v2/a/b/blobs/uploads/1?_state=x"
MOUNT = f"POST /v2/a/b/blobs/uploads/?mount={DIGEST}&from=a/b"
POST = "POST /v2/a/b/blobs/uploads/"
HEAD = f"HEAD /v2/a/b/blobs/{DIGEST}"
STATUS = f"GET {SESSION}"
PATCH = f"PATCH {SESSION}"
PUT = f"PUT {SESSION}&digest=sha256%3A{DIGEST.encoded}"
LOST = ConnectionLost("reg.example", "reset")

STARTED = Response(202, {"location": SESSION})
CREATED = Response(201)
ABSENT = Response(404)
PRESENT = Response(200, {"content-length": "100"})
GONE = refusal(Code.BLOB_UPLOAD_UNKNOWN)
SENT = Landed(Landing.SENT)


def stands(end: int) -> Response:
    """The registry's upload status."""
    return Response(204, {"location": SESSION, "range": f"0-{end}"})


class Notes:
    """A Witness that writes everything down."""

    def __init__(self) -> None:
        self.sessions: list[str | None] = []
        self.offsets: list[int] = []
        self.forgettings = 0
        self.profile = Profile()

    def begun(self, session: str) -> None:
        self.sessions.append(session)

    def ended(self) -> None:
        self.sessions.append(None)

    def resumed(self, offset: int) -> None:
        self.offsets.append(offset)

    def forgotten(self) -> None:
        self.forgettings += 1

    def learned(self, lesson: Callable[[Profile], Profile]) -> None:
        self.profile = lesson(self.profile)


def journey(
    *outcomes: Response | ConnectionLost | Stalled,
    goods: Goods = GOODS,
    profile: Profile = Profile(),  # noqa: B008
    notes: Notes | None = None,
    hopes: Hopes = Hopes(),  # noqa: B008
) -> Played[Landed]:
    return play(upload(goods, profile, notes or Notes(), hopes), *outcomes)
