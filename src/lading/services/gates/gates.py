"""Gates: before an image comes, goes or is promoted, every policy that is concerned says what it thinks of it.

Each verdict is kept, and is on the trail; an enforcing policy that does not allow it raises GateRefused. Policies and
exceptions are read when they are asked, so what counts is what stands at that moment, however long the transfer took.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from lading.oci.digest import Digest
from lading.services.access import Actor
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.environment_images import Summary
from lading.services.findings.rows import ScanRow
from lading.services.findings.scanner import ScannerName, ScanResult, ScanStatus
from lading.services.gate_parts import Parts, sent
from lading.services.gates.policy import Action, Mode, Place
from lading.services.gates.records import GateRecords, PolicyRow, VerdictRow
from lading.services.gates.refusals import MOST_TOLD, GateRefused, Given, blocking_json
from lading.services.gates.scans import Examined, KnownScans, examined, unexamined
from lading.services.gates.verdicts import judge
from lading.services.jobs.job import JsonObject
from lading.services.platforms import Wanted

MOST_NAMED = 20
"""Findings named in one record of the trail."""

Find = Callable[[], tuple[Digest, Parts]]
"""Looks at an image of a registry: its root, and its platforms' manifests."""


def verdicts_json(given: Sequence[Given]) -> JsonObject:
    """What a job's result says of its gate: nothing where no policy was asked."""
    return {"verdicts": [each.json for each in given]} if given else {}


class Gates:
    """For any number of threads."""

    def __init__(self, records: GateRecords, scans: KnownScans, trail: Trail, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since 1970."""
        self._records, self._scans, self._trail, self._clock = records, scans, trail, clock

    def asks(self, action: Action, place: Place) -> bool:
        """Whether any policy is concerned now. Raises StorageFailed."""
        return bool(self._concerned(action, place))

    def enforces(self, action: Action, place: Place) -> bool:
        """Whether a policy could stop it now. Raises StorageFailed."""
        return any(policy.mode is Mode.ENFORCE for policy in self._concerned(action, place))

    def pull(
        self,
        actor: Actor,
        place: Place,
        name: str,
        image: str,
        *,
        parts: Parts,
        rows: Sequence[ScanRow],
        tried: ScannerName | None,
    ) -> Sequence[Given]:
        """Judge what has arrived with the id `image`, to be called `name`, by scans that were just made of it; as
        failed, where what was `tried` came to none at all; where nobody tried, by stored ones. Raises GateRefused,
        StorageFailed."""
        concerned = self._concerned(Action.PULL, place)
        if not concerned:
            return ()
        if tried is not None and not rows:
            nothing = ScanResult(tried.value, "", ScanStatus.FAILED, self._clock(), 0.0, error="the job's lines tell")
            failed = [replace(each, results=(nothing,)) for each in self._known((), name, image, parts)]
            return self._judged(actor, place, concerned, failed)
        counting = rows or self._scans.of_image(image, place.environment)
        return self._judged(actor, place, concerned, self._known(counting, name, image, parts))

    def push(
        self, actor: Actor, place: Place, name: str, look: Callable[[], Summary], wanted: Wanted | None
    ) -> Sequence[Given]:
        """Judge an image of an environment, which `look` finds, by stored scans before it goes to `place` as `name`.
        Raises GateRefused, StorageFailed, and what the look does."""
        concerned = self._concerned(Action.PUSH, place)
        if not concerned:
            return ()
        image = look()
        scans = self._scans.of_image(image.id, place.environment)
        found = self._known(scans, name, image.id, sent(image.parts, wanted), image.names)
        return self._judged(actor, place, concerned, found)

    def move(self, actor: Actor, action: Action, place: Place, name: str, find: Find) -> Sequence[Given]:
        """Judge an image of a registry, which `find` finds, by stored scans before it is promoted or copied to `place`
        as `name`. Raises GateRefused, StorageFailed, and what finding it does."""
        concerned = self._concerned(action, place)
        if not concerned:
            return ()
        root, parts = find()
        rows = [
            row
            for digest in dict.fromkeys((root, *(part for part, _ in parts)))
            for row in self._scans.of_image(str(digest), place.environment)
        ]
        return self._judged(actor, place, concerned, self._known(rows, name, str(root), parts))

    def _concerned(self, action: Action, place: Place) -> Sequence[PolicyRow]:
        return [each for each in self._records.policies() if each.action is action and each.scope.covers(place)]

    def _known(
        self, rows: Iterable[ScanRow], name: str, image: str, parts: Parts, names: Sequence[str] = ()
    ) -> Sequence[Examined]:
        """What is known of each platform that is concerned; of one that nobody looked at, that."""
        found = examined(rows, name, names)
        if not parts:
            return found or [unexamined(name, image, names)]
        by_manifest = {each.manifest: each for each in found}
        by_platform = {each.platform: each for each in found if each.manifest is None}  # at a Docker host
        return [
            by_manifest.get(digest) or by_platform.get(platform) or unexamined(name, str(digest), names, platform)
            for digest, platform in parts
        ]

    def _judged(
        self, actor: Actor, place: Place, concerned: Sequence[PolicyRow], images: Sequence[Examined]
    ) -> Sequence[Given]:
        exceptions, now = self._records.exceptions(), self._clock()
        given = []
        for policy in concerned:
            for image in images:
                compared = policy.limits.baseline
                baseline = (
                    None if compared is None else self._scans.findings_of(compared, image.platform, place.environment)
                )
                verdict = judge(policy, image.image, image.results, exceptions, now=now, baseline=baseline)
                given.append(Given(verdict, image))
        for each in given:
            self._keep(actor, place, each, now)
        if any(each.verdict.stops for each in given):
            raise GateRefused(concerned[0].action, images[0].name, given)
        return given

    def _keep(self, actor: Actor, place: Place, given: Given, now: float) -> None:
        """In its row and on the trail."""
        verdict, image, policy = given.verdict, given.image, given.verdict.policy
        doubts = tuple(doubt.text for doubt in verdict.doubts)
        row = VerdictRow(
            0,
            now,
            policy.id,
            policy.name,
            policy.action,
            policy.mode,
            place.environment,
            image.name,
            image.id,
            image.config,
            image.platform,
            actor.name,
            verdict.allowed,
            tuple(blocking_json(finding) for finding in verdict.blocking[:MOST_TOLD]),
            len(verdict.blocking),
            verdict.suppressed,
            doubts,
        )
        kept = self._records.add_verdict(row)
        details = {
            "policy": policy.name,
            "policyId": policy.id,
            "gate": policy.action.value,
            "mode": policy.mode.value,
            "allowed": verdict.allowed,
            "verdict": kept.id,
            "blocked": len(verdict.blocking),
            "blocking": [finding.id for finding in verdict.blocking[:MOST_NAMED]],
            "suppressed": verdict.suppressed,
            "doubts": doubts,
        }
        deed = Deed("judge", "image", image.id, image.name, place.environment, details)
        self._trail.record(actor, deed, Result.DENIED if verdict.stops else Result.DONE)
