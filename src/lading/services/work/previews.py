"""What a push or a pull would come to, before anybody asks for it: by the very rules of services.work.pushes and
services.work.pulls, and without a word to any registry or Docker host.

Of an image at a Docker host only what the form says of it is known: whether it is there, and how it is called, turns
out when the push is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from lading.errors import InputInvalid, NotFound
from lading.oci.reference import HUB, ImageHasNoTag, Reference, ReferenceInvalid
from lading.services.access import Actor, Permission
from lading.services.environment_images import Summary
from lading.services.environments.environment import ConnectionType
from lading.services.environments.environments import Environments
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.lookup import may_be_id
from lading.services.platforms import Wanted
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.registries.providers import TEMPLATES
from lading.services.registries.records import RegistryRow
from lading.services.transfers.failures import IMAGE_UNKNOWN
from lading.services.work.pulls import PullForm, PullIncomplete
from lading.services.work.push_forms import PushContradicts, PushForm, targets_of
from lading.wire.message import Cancel

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field of the request, in a sentence."""

    field: str
    text: str


@dataclass(slots=True)
class Problems:
    """Those that were found so far."""

    all: list[Problem] = field(default_factory=list)

    def add(self, field: str, text: str) -> None:
        """One more."""
        self.all.append(Problem(field, text))

    def of(self, field: str, read: Callable[[], T]) -> T | None:
        """What is read; None where something is wrong with it."""
        try:
            return read()
        except (InputInvalid, NotFound) as error:
            self.add(field, error.afar)
            return None


@dataclass(frozen=True, slots=True)
class Preview:
    """Where it goes, or from where: `targets` none where that cannot be told; which configured registry serves it, and
    who logs in there, in a sentence: neither where the actor may not go."""

    targets: tuple[Reference, ...]
    registry: RegistryRow | None
    credential: str | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class TransferPreviews:
    """For any number of threads."""

    environments: Environments
    registries: ConfiguredRegistries

    def push(self, actor: Actor, environment: int | None, form: PushForm, cancel: Cancel) -> Preview:
        """Raises RowUnknown where there is no such environment, Denied, NotLoggedIn."""
        opened = self.environments.open(actor, environment)
        opened.admit_push(None)
        problems = Problems()
        image = self._image(opened, form, problems, cancel)
        problems.of("platform", lambda: Wanted.of(form.platform))
        row = self._chosen(form, problems)
        targets = () if row is None and not form.target else _targets(form, row, image, problems)
        if targets and not actor.may(Permission.IMAGES_PUSH, opened.id, targets[0].repository):
            known = bool(form.target) or actor.may(Permission.REGISTRIES_VIEW)
            there = f"to {targets[0].repository.familiar}" if known else "there"
            problems.add(_place_of(form), f"You may not push {there}.")
            return Preview(targets if known else (), None, None, tuple(problems.all))
        serving = row if row is not None or not targets else self.registries.serving(targets[0].repository)
        return _preview(actor, targets, serving, problems)

    def pull(self, actor: Actor, environment: int | None, form: PullForm) -> Preview:
        """Raises as `push`."""
        opened = self.environments.open(actor, environment)
        opened.admit_pull(None)
        problems = Problems()
        reference = problems.of("image", lambda: _wanted(form))
        problems.of("platform", lambda: Wanted.of(form.platform))
        if reference is None:
            return Preview((), None, None, tuple(problems.all))
        if not actor.may(Permission.IMAGES_PULL, opened.id, reference.repository):
            problems.add("image", f"You may not pull {reference.repository.familiar} there.")
            return Preview((reference,), None, None, tuple(problems.all))
        return _preview(actor, (reference,), self.registries.serving(reference.repository), problems)

    def _image(
        self, environment: GuardedEnvironment, form: PushForm, problems: Problems, cancel: Cancel
    ) -> Summary | None:
        """As it is in our own engine; else as the form calls it."""
        if not form.image:
            problems.add("imageId", "No image is chosen.")
            return None
        if environment.connection_type is not ConnectionType.EMBEDDED:
            return _believed(form.image, form.name)
        try:
            return environment.find(form.image, cancel)
        except (InputInvalid, NotFound):
            problems.add("imageId", IMAGE_UNKNOWN)
            return None

    def _chosen(self, form: PushForm, problems: Problems) -> RegistryRow | None:
        """The configured registry that the form names."""
        if form.registry is None and not form.target:
            problems.add("registryId", "No registry is chosen.")
        if form.registry is not None and form.target:
            problems.add("target", str(PushContradicts()))
        chosen = form.registry
        return None if chosen is None else problems.of("registryId", lambda: self.registries.row(chosen))


def _wanted(form: PullForm) -> Reference:
    """Raises PullIncomplete, ReferenceInvalid."""
    if not form.image:
        raise PullIncomplete
    return Reference.parse(form.image).or_latest


def _believed(image: str, name: str | None) -> Summary | None:
    """An image that nobody looks up, called as somebody says; None where nobody does."""
    for text in (name, None if may_be_id(image) else image):
        try:
            named = Reference.parse(text).or_latest if text else None
        except ReferenceInvalid:
            continue
        if named is not None:
            return Summary(image, (str(named),), (), None, 0)
    return None


def _targets(
    form: PushForm, row: RegistryRow | None, image: Summary | None, problems: Problems
) -> tuple[Reference, ...]:
    """Without an image, as far as they do not depend on its names."""
    place = None if row is None else "/".join(filter(None, (row.host, row.path)))
    known = image or Summary("", (), (), None, 0)
    if image is None and place is not None and not form.new_tag:
        return ()
    first: tuple[Reference, ...] = ()
    try:
        first = targets_of(replace(form, tags=()), place, known)
    except ImageHasNoTag as error:
        problems.add("newTag", str(error))
    except InputInvalid as error:
        problems.add(_place_of(form), error.afar)
    if not first or not form.tags:
        return first
    return problems.of("tags", lambda: targets_of(form, place, known)) or first


def _place_of(form: PushForm) -> str:
    """The field that says where it goes."""
    return "target" if form.target else "newTag" if form.new_tag else "registryId"


def _preview(actor: Actor, targets: tuple[Reference, ...], row: RegistryRow | None, problems: Problems) -> Preview:
    credential = _credential(actor, targets[0], row) if targets else None
    return Preview(targets, row, credential, tuple(problems.all))


def _credential(actor: Actor, reference: Reference, row: RegistryRow | None) -> str:
    """As whom, only for who may look at registries."""
    if row is None:
        host = "Docker Hub" if reference.repository.registry == HUB else reference.repository.registry
        return f"No login: no configured registry serves {host}."
    if row.sealed is None or not row.username:
        return f"No login: {row.name} has none."
    minted = ", changed for one that ends" if TEMPLATES[row.provider].minted else ""
    if not actor.may(Permission.REGISTRIES_VIEW):
        return f"The login of {row.name}{minted}."
    return f"{row.username}, the login of {row.name}{minted}."
