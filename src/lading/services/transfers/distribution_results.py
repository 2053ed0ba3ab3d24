"""What became of a distribution at each host, and how the whole of it ends where some host failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lading.engine.stores import SHOWN_NAMES, some_of
from lading.errors import AccessDenied, LadingError, NetworkFailed, PartlyDone, Side, TlsRefused
from lading.oci.digest import Digest
from lading.services.environments.environment import ConnectionType
from lading.services.gates.gates import verdicts_json
from lading.services.gates.refusals import GateRefused
from lading.services.jobs.job import JsonObject
from lading.services.transfers.failures import TransferFailed, unworded
from lading.wire.docker_faults import PlatformNotOffered

DONE, FAILED = "done", "error"


@dataclass(frozen=True, slots=True)
class HostResult:
    """What became of the image at one environment, `name`. `current`: it was there already, and nothing moved.
    `learned` is what its gate said. `error` None means that it is there, under its name."""

    environment: int
    name: str
    digest: Digest
    current: bool = False
    learned: JsonObject = field(default_factory=dict)
    error: LadingError | None = None

    @property
    def json(self) -> JsonObject:
        """For the job's result."""
        told: dict[str, object] = {
            "environment": self.environment,
            "name": self.name,
            "status": DONE if self.error is None else FAILED,
            "digest": str(self.digest),
        }
        if self.error is None:
            return {**told, "current": self.current, **self.learned}
        said = {"error": self.error.afar, "code": self.error.code, "hint": self.error.hint, "detail": self.error.why}
        judged = verdicts_json(self.error.given) if isinstance(self.error, GateRefused) else {}
        return {**told, **{name: text for name, text in said.items() if text is not None}, **judged}


class DistributionIncomplete(PartlyDone):
    """Some hosts have the image, others do not."""

    side = Side.HOST
    hint = "Try the job again: it goes to those alone that have not got it."

    def __init__(self, image: str, results: Sequence[HostResult]) -> None:
        super().__init__(image, results)
        self.image, self.results = image, tuple(results)
        self.why = each_failure(results)

    def __str__(self) -> str:
        failed = [result.name for result in self.results if result.error is not None]
        count = len(self.results) - len(failed)
        return f"{self.image} is at {count} of {len(self.results)} hosts; it is not at {some_of(failed)}"


class DistributionFailed(TransferFailed):
    """No host has the image. The first one's cause speaks for all; each has its own in the results."""

    def __init__(self, image: str, results: Sequence[HostResult], cause: LadingError) -> None:
        names = some_of([result.name for result in results])
        text = f"{image} came to none of {names}" if len(results) > 1 else f"{image} did not come to {names}"
        super().__init__(text, cause)
        self.args = (image, results, cause)
        self.image, self.results = image, tuple(results)
        self.why = each_failure(results)


def each_failure(results: Sequence[HostResult]) -> str:
    """A sentence for each of the first hosts that failed, and how many more there are."""
    said = [f"{result.name}: {result.error.afar}" for result in results if result.error is not None]
    more = len(said) - SHOWN_NAMES
    return "; ".join(said[:SHOWN_NAMES]) + (f"; and {more} more" if more > 0 else "")


def raise_failures(image: str, results: Sequence[HostResult]) -> None:
    """Raises DistributionIncomplete, DistributionFailed where any failed."""
    errors = [result.error for result in results if result.error is not None]
    if not errors:
        return
    if len(errors) < len(results):
        raise DistributionIncomplete(image, results)
    raise DistributionFailed(image, results, unworded(errors[0]))


def host_failed(cause: LadingError, connection: ConnectionType, registry: str, host: str = "the host") -> LadingError:
    """One host's error in a sentence of its own, where what failed lies between it and our registry. A cause that says
    enough speaks for itself."""
    match cause:
        case PlatformNotOffered():
            return cause
        case TlsRefused():
            return TransferFailed(f"{host} does not trust {registry}", cause, _trust_hint(connection, registry))
        case NetworkFailed():
            hint = f"{registry} is the public address of this server's registry: that host must be able to reach it."
            return TransferFailed(f"{host} cannot reach {registry}", cause, hint)
        case AccessDenied():
            hint = (
                f"What answers at {registry} must be this server's registry, with nothing before it that wants a login."
            )
            return TransferFailed(f"{registry} did not take the login that {host} was lent", cause, hint)
        case _:
            return cause


def _trust_hint(connection: ConnectionType, registry: str) -> str:
    if connection is ConnectionType.EMBEDDED:
        return f"The certificate of {registry} must be one that this server trusts."
    return (
        f"Put the CA of its certificate into /etc/docker/certs.d/{registry}/ca.crt on that host; "
        f"where it speaks plain HTTP, add {registry} to insecure-registries in its /etc/docker/daemon.json."
    )
