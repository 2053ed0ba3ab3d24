"""Pulls and pushes that failed, in Docker's words: what the registry said is passed on as Docker passes it on, in the
form `code: message`; where nobody said anything, the cause tells the sentence."""

from __future__ import annotations

from lading import errors
from lading.fronts.docker_api.refusals import Failure, Told, status_of
from lading.oci.platform import Platform
from lading.oci.reference import Reference, Repository
from lading.services.blotting import without_secrets
from lading.services.platforms import PlatformMissing, PlatformsIncomplete
from lading.wire.registry_errors import Code
from lading.wire.registry_urls import api_host

_UNSAID = {
    Code.UNAUTHORIZED: "authentication required",
    Code.DENIED: "requested access to the resource is denied",
    Code.MANIFEST_UNKNOWN: "manifest unknown",
    Code.NAME_UNKNOWN: "repository name not known to registry",
    Code.TOOMANYREQUESTS: "the registry asks to wait",
}
"""What a code means, where an answer had no body to say it in, as to HEAD."""


def pull_told(reference: Reference, platform: Platform, failure: Failure) -> Told:
    """`platform` is the one that was wanted."""
    answered = failure.answered
    if answered is not None and not answered.status:
        return _passed_on(failure, answered.message)
    if failure.is_a(errors.AccessDenied):
        return _pull_denied(reference, failure)
    if failure.is_a(errors.NotFound) and failure.code == PlatformMissing.code:
        return Told(404, f"no matching manifest for {platform} in the manifest list entries")
    if failure.is_a(errors.NotFound):
        code = _code(failure, Code.MANIFEST_UNKNOWN)
        if code == Code.NAME_UNKNOWN:
            return Told(404, f"repository {reference.repository.familiar} not found: {_said(failure, code)}")
        return Told(404, f"manifest for {reference.familiar} not found: {_said(failure, code)}")
    return _otherwise(reference.repository, failure)


def _pull_denied(reference: Reference, failure: Failure) -> Told:
    code = _code(failure, Code.UNAUTHORIZED, Code.DENIED)
    if code != Code.DENIED:
        return Told(401, _said(failure, code))
    whose = f"pull access denied for {reference.repository.familiar}"
    return Told(404, f"{whose}, repository does not exist or may require 'docker login': {_said(failure, code)}")


def push_told(reference: Reference, platform: Platform | None, failure: Failure) -> Told:
    """`platform` is the one that was asked for, if one was."""
    answered = failure.answered
    if answered is not None and not answered.status:
        return _passed_on(failure, answered.message)
    if failure.is_a(errors.AccessDenied):
        return Told(401, _said(failure, _code(failure, Code.UNAUTHORIZED, Code.DENIED)))
    if failure.code == PlatformsIncomplete.code:
        return Told(409, f"multiple matching manifests found but no specific platform requested: {failure.text}")
    if failure.code == PlatformMissing.code and platform is not None:
        found = f"image with reference {reference.familiar} was found"
        return Told(404, f"{found} but does not provide the specified platform ({platform})")
    if failure.is_a(errors.NotFound) and answered is None:
        return Told(404, f"tag does not exist: {reference.familiar}")
    return _otherwise(reference.repository, failure)


def concerns_registry(error: errors.LadingError) -> bool:
    """Whether it was the registry's answer, or the way there."""
    kinds = (errors.AccessDenied, errors.NotFound, errors.NetworkFailed, errors.RateLimited, errors.ProtocolBroken)
    return isinstance(error, kinds)


def login_told(registry: str, failure: Failure) -> Told:
    """A login that was not taken."""
    place, answered = f"https://{api_host(registry)}/v2/", failure.answered
    if answered is None or not answered.message:
        return Told(401, f"login attempt to {place} failed with status: {_status_line(failure)}")
    return Told(401, f'Get "{place}": {_said(failure, _code(failure, Code.UNAUTHORIZED, Code.DENIED))}')


def _status_line(failure: Failure) -> str:
    forbidden = failure.answered is not None and failure.answered.status == 403
    return "403 Forbidden" if forbidden else "401 Unauthorized"


def reached_told(registry: str, failure: Failure) -> Told:
    """A registry that could not be asked: with the words by which programs tell the kinds of it apart."""
    words = "tls: " if failure.is_a(errors.TlsRefused) else "dial tcp: " if failure.is_a(errors.NetworkFailed) else ""
    return Told(500, f'Get "https://{api_host(registry)}/v2/": {words}{without_secrets(failure.text)}')


def _otherwise(repository: Repository, failure: Failure) -> Told:
    if failure.is_a(errors.NetworkFailed):
        return reached_told(repository.registry, failure)
    if failure.answered is not None:
        return Told(status_of(failure.kind), _said(failure, _code(failure, Code.UNKNOWN)))
    return failure.told()


def _passed_on(failure: Failure, message: str) -> Told:
    """A Docker host's own sentence is in these words already."""
    return Told(status_of(failure.kind), without_secrets(message))


def _code(failure: Failure, otherwise: Code, *others: Code) -> str:
    """The registry's code; of an answer without a body the one that its status means."""
    if failure.answered is None:
        return otherwise
    if failure.answered.code:
        return failure.answered.code
    return next((code for code in others if code is Code.DENIED and failure.answered.status == 403), otherwise)


def _said(failure: Failure, code: str) -> str:
    """`manifest unknown: manifest unknown`, as Docker's programs write a registry's error."""
    answered = failure.answered
    message = answered.message if answered is not None else ""
    known = Code(code) if code in Code.__members__ else None
    said = message or (_UNSAID.get(known) if known is not None else None) or failure.text
    return without_secrets(f"{code.lower().replace('_', ' ')}: {said}")
