"""Who may do what in the repositories of our own registry: what the roles say, what the token that was shown opens, and
what is public. Every route of /v2/ asks here, and so does whoever gives out tokens for it.

    the roles allow it, and the token opens it     admitted
    it is a pull, and the repository is public     admitted, whoever it is
    the token does not open it, or nobody is known a login is wanted
    otherwise                                      denied, and on the trail

The answers to who may not read are the same whether there is such a repository or not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from lading.oci.reference import ReferenceInvalid, check_path
from lading.services.access import Actor, NotLoggedIn, Permission
from lading.services.identity.registry_tokens import ACTIONS, Visitor
from lading.services.repositories.audit import RepositoryAudit
from lading.wire.authorize import CATALOG, Scope

PULL = Permission.REPOSITORIES_PULL


class ScopeMissing(NotLoggedIn):
    """The token that was shown is not for this; another one may be."""


class RepositoryAdmission:
    """For any number of threads."""

    def __init__(
        self,
        audit: RepositoryAudit,
        is_public: Callable[[str], bool],
        public_among: Callable[[Collection[str]], Collection[str]],
    ) -> None:
        """`is_public` says of a repository, which need not be there, whether everybody may pull from it;
        `public_among` of many, which nobody asks about again soon."""
        self._audit, self._is_public, self._public_among = audit, is_public, public_among

    def admit(self, visitor: Visitor, permission: Permission, repository: str, name: str | None = None) -> None:
        """`name` is what scopes call the repository, where that is not its path: its GUN, for what is signed there.

        Raises NotLoggedIn, ScopeMissing, Denied, StorageFailed.
        """
        allowed = visitor.actor.may(permission, None, repository)
        if allowed and visitor.opens(Scope(name or repository, (ACTIONS[permission],))):
            return
        if permission is PULL and self._is_public(repository):
            return
        if allowed or not visitor.is_known:
            raise NotLoggedIn if visitor.scopes is None else ScopeMissing
        self._audit.refuse(visitor.actor, permission, repository)

    def admit_to_mount(self, visitor: Visitor, origin: str) -> None:
        """Who may pull from there, but shows a token that does not say so, is asked for one that does. Who may not goes
        on without: then it is no mount but an upload. Raises ScopeMissing."""
        if visitor.actor.may(PULL, None, origin) and not self.may_pull(visitor, origin):
            raise ScopeMissing

    def admit_to_list(self, visitor: Visitor) -> None:
        """To the list of all repositories, of which `shown` then leaves out some. Who wants to see only what is public
        shows a token for it, as everybody gets: so that one who has a login is asked for it.

        Raises NotLoggedIn, ScopeMissing, Denied, StorageFailed.
        """
        if not visitor.is_known and visitor.scopes is None:
            raise NotLoggedIn
        if not visitor.opens(CATALOG):
            raise ScopeMissing
        if visitor.is_known and not visitor.actor.may_somewhere(Permission.REPOSITORIES_VIEW):
            self._audit.refuse(visitor.actor, Permission.REPOSITORIES_VIEW, None)

    def shown(self, visitor: Visitor, repositories: Sequence[str]) -> Sequence[str]:
        """Those of them that a list names to this visitor. Raises StorageFailed."""
        hidden = [name for name in repositories if not visitor.actor.may(PULL, None, name)]
        if not hidden:
            return repositories
        withheld = set(hidden).difference(self._public_among(hidden))
        return [name for name in repositories if name not in withheld]

    def may_pull(self, visitor: Visitor, repository: str) -> bool:
        """Whether blobs may be mounted from there."""
        opened = visitor.opens(Scope(repository, (ACTIONS[PULL],)))
        return (opened and visitor.actor.may(PULL, None, repository)) or self._is_public(repository)

    def granted(
        self, actor: Actor, asked: Iterable[Scope], path_of: Callable[[str], str | None] = lambda _: None
    ) -> Sequence[Scope]:
        """What of it the actor may, one scope for each repository; what nobody knows is left out. `path_of` gives the
        repository of ours that a GUN names, as clients sign under that name; None where it names none.

        A text may be both, a GUN and a path: then the scope holds what either allows. What it is used for is held
        against the actor's own rights once more, so that nobody gains by it.
        """
        wanted: dict[tuple[str, str], dict[str, None]] = {}
        for scope in asked:
            wanted.setdefault((scope.kind, scope.name), {}).update(dict.fromkeys(scope.actions))
        each = (self._of(actor, Scope(name, tuple(actions), kind), path_of) for (kind, name), actions in wanted.items())
        return [scope for scope in each if scope.actions]

    def _of(self, actor: Actor, asked: Scope, path_of: Callable[[str], str | None]) -> Scope:
        if (asked.kind, asked.name) == (CATALOG.kind, CATALOG.name):
            known = actor.user is not None or actor.token is not None
            allowed = not known or actor.may_somewhere(Permission.REPOSITORIES_VIEW)
            return CATALOG if allowed and asked.actions else Scope(CATALOG.name, (), CATALOG.kind)
        named = (asked.name if _is_path(asked.name) else None, path_of(asked.name))
        paths = [path for path in named if path is not None] if asked.kind == "repository" else ()
        any_of = {action for path in paths for action in self._actions(actor, path)}
        may = tuple(action for action in ACTIONS.values() if action in any_of)
        given = may if "*" in asked.actions else tuple(action for action in asked.actions if action in may)
        return Scope(asked.name, given)

    def _actions(self, actor: Actor, repository: str) -> tuple[str, ...]:
        may = [action for permission, action in ACTIONS.items() if actor.may(permission, None, repository)]
        if ACTIONS[PULL] not in may and self._is_public(repository):
            may.insert(0, ACTIONS[PULL])
        return tuple(may)


def _is_path(text: str) -> bool:
    try:
        check_path(text, text)
    except ReferenceInvalid:
        return False
    return True
