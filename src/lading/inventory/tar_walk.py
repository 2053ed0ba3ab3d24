"""A layer's tar while it passes once: every member is shown to the cataloger, and what it asks for is gathered.

Layers are taken as the runtimes take them: a tar without its end mark is whole where a member ends there, and what
follows the first thing that is no header is lost, with a note.
"""

from __future__ import annotations

from collections.abc import Generator

from lading.inventory.cataloger import LayerCataloger
from lading.oci.tar import BLOCK, Member, Passing, Reading, TarInvalid, read_members


class LayerWalk:
    """Takes a layer's bytes, uncompressed, in pieces of any size; the cataloger has all that was found when it ends."""

    def __init__(self, cataloger: LayerCataloger) -> None:
        self._cataloger = cataloger
        self._member: Member | None = None
        self._size = 0
        self._passing = Passing(self._steps())

    def update(self, piece: memoryview) -> None:
        """The next bytes."""
        self._size += len(piece)
        self._passing.update(piece)

    def finish(self) -> None:
        """Nothing more comes."""
        self._passing.finish()

    def _steps(self) -> Reading:
        members = read_members(self._found)
        wanted = next(members)
        while True:
            raw = yield wanted
            try:
                wanted = members.send(raw)
            except StopIteration as end:
                return int(end.value)
            except TarInvalid as invalid:
                if raw or invalid.position - BLOCK >= self._size > 0:
                    self._cataloger.broke_off(str(invalid))
                return wanted[0]
            if self._member is not None:
                member, self._member = self._member, None
                yield from self._content(member)

    def _found(self, member: Member) -> None:
        self._member = member

    def _content(self, member: Member) -> Generator[tuple[int, int], bytes, None]:
        """Answers the cataloger's questions for more and more of the member's beginning."""
        asking = self._cataloger.add(member)
        if asking is None:
            return
        content = b""
        try:
            count = next(asking)
            while True:
                content += yield member.position + len(content), count - len(content)
                count = asking.send(content)
        except StopIteration:
            return
