"""Logins, users, roles and API tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from lading.fronts.rest_api.answers import Json, role_json, token_json, user_json
from lading.fronts.rest_api.bodies import LoginBody, PasswordBody, RoleBody, TokenBody, UserBody, UserChange
from lading.fronts.rest_api.cookies import forget_session, session_of, set_session
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded, VisitNeeded
from lading.fronts.rest_api.paging import ListNeeded
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.shapes.accounts import Role, Session, Token, TokenMade, User
from lading.fronts.rest_api.told import listed, one
from lading.services.access import Actor, Grant, NotLoggedIn
from lading.services.identity.roles import RoleForm, grant_json
from lading.services.identity.tokens import TokenForm
from lading.services.identity.user_records import UserRow
from lading.services.identity.users import UserEdit, UserForm

router = APIRouter(prefix="/api", tags=["people"])


@router.post("/auth/login", responses=one(Session))
def log_in(request: Request, product: ProductNeeded, visit: VisitNeeded, body: LoginBody) -> JSONResponse:
    """Log in with a password; the answer sets the session cookie."""
    session = product.authentication.login(visit, body.username, body.password, session_of(request))
    response = JSONResponse(_session_json(session.actor))
    set_session(request, response, session)
    return response


@router.post("/auth/logout", status_code=204)
def log_out(request: Request, product: ProductNeeded, visit: VisitNeeded) -> Response:
    """End the session."""
    cookie = session_of(request)
    if cookie is not None:
        product.authentication.logout(visit, cookie)
    response = Response(status_code=204)
    forget_session(request, response)
    return response


@router.get("/auth/session", responses=one(Session))
def who_am_i(product: ProductNeeded, actor: ActorNeeded) -> Json:
    """Who you are, and what you may; `issuer` is the provider, where you are one of single sign-on."""
    if actor.user is None and not actor.grants:
        raise NotLoggedIn
    sign_on = product.sign_on
    issuer = None if sign_on is None or actor.user is None else sign_on.issuer_of(actor.user)
    return _session_json(actor) | ({} if issuer is None else {"issuer": issuer})


@router.post("/auth/password", status_code=204)
def change_password(request: Request, product: ProductNeeded, actor: ActorNeeded, body: PasswordBody) -> Response:
    """Change your own password; your other sessions end."""
    product.authentication.change_password(actor, body.old_password, body.new_password, session_of(request))
    return Response(status_code=204)


@router.get("/auth/tokens", responses=listed(Token))
def list_tokens(
    product: ProductNeeded,
    actor: ActorNeeded,
    wanted: ListNeeded,
    everybody: Annotated[bool, Query(description="Those of all users.")] = False,
) -> object:
    """Your API tokens, without their secrets."""
    rows = product.tokens.list(actor, everybody=everybody)
    return wanted.listed(rows, lambda row: [row.name, row.prefix], token_json)


@router.post("/auth/tokens", status_code=201, responses=one(TokenMade, 201))
def add_token(product: ProductNeeded, actor: ActorNeeded, body: TokenBody) -> Json:
    """Make an API token; its secret is in this answer and never again."""
    scopes = None if body.scopes is None else frozenset(body.scopes)
    expires = None if body.expires_in is None else product.clock() + body.expires_in
    made = product.tokens.add(actor, TokenForm(body.name, scopes, expires, body.user_id))
    return token_json(made.row) | {"token": made.secret}


@router.delete("/auth/tokens/{id}", status_code=204)
def remove_token(product: ProductNeeded, actor: ActorNeeded, id: int) -> Response:  # noqa: A002  a row's own word
    """From now on it opens nothing."""
    product.tokens.remove(actor, id)
    return Response(status_code=204)


@router.get("/users", responses=listed(User))
def list_users(
    product: ProductNeeded,
    actor: ActorNeeded,
    wanted: ListNeeded,
) -> object:
    """All users."""
    rows, known = product.users.list(actor), product.users.signed_on()
    return wanted.listed(rows, lambda row: [row.name], lambda row: user_json(row, known))


@router.post("/users", status_code=201, responses=one(User, 201))
def add_user(product: ProductNeeded, actor: ActorNeeded, body: UserBody) -> Json:
    """Add a user."""
    return user_json(product.users.add(actor, UserForm(body.username, body.password, tuple(body.roles))), {})


@router.get("/users/{id}", responses=one(User))
def get_user(product: ProductNeeded, actor: ActorNeeded, id: int) -> Json:  # noqa: A002  a row's own word
    """One user."""
    return _user_json(product, product.users.get(actor, id))


@router.put("/users/{id}", responses=one(User))
@router.patch("/users/{id}", responses=one(User), operation_id="patchUser")
def change_user(product: ProductNeeded, actor: ActorNeeded, id: int, body: UserChange) -> Json:  # noqa: A002
    """Change what is sent; the rest stays."""
    roles = None if body.roles is None else tuple(body.roles)
    edit = UserEdit(body.username, body.password, body.active, roles)
    return _user_json(product, product.users.change(actor, id, edit))


@router.delete("/users/{id}", status_code=204)
def remove_user(product: ProductNeeded, actor: ActorNeeded, id: int) -> Response:  # noqa: A002  a row's own word
    """Remove a user, with sessions and tokens."""
    product.users.remove(actor, id)
    return Response(status_code=204)


@router.get("/roles", responses=listed(Role))
def list_roles(
    product: ProductNeeded,
    actor: ActorNeeded,
    wanted: ListNeeded,
) -> object:
    """All roles, and what they give."""
    return wanted.listed(product.roles.list(actor), lambda row: [row.name], role_json)


@router.get("/roles/{id}", responses=one(Role))
def get_role(product: ProductNeeded, actor: ActorNeeded, id: int) -> Json:  # noqa: A002  a row's own word
    """One role."""
    return role_json(product.roles.get(actor, id))


@router.post("/roles", status_code=201, responses=one(Role, 201))
def add_role(product: ProductNeeded, actor: ActorNeeded, body: RoleBody) -> Json:
    """Add a role."""
    return role_json(product.roles.add(actor, _role(body)))


@router.put("/roles/{id}", responses=one(Role))
def change_role(product: ProductNeeded, actor: ActorNeeded, id: int, body: RoleBody) -> Json:  # noqa: A002
    """Replace a role."""
    return role_json(product.roles.change(actor, id, _role(body)))


@router.delete("/roles/{id}", status_code=204)
def remove_role(product: ProductNeeded, actor: ActorNeeded, id: int) -> Response:  # noqa: A002  a row's own word
    """Remove a role; those who had it have it no longer."""
    product.roles.remove(actor, id)
    return Response(status_code=204)


def _user_json(product: Product, row: UserRow) -> Json:
    return user_json(row, product.users.signed_on(row.id))


def _role(body: RoleBody) -> RoleForm:
    grants = tuple(
        Grant(
            frozenset(each.permissions),
            None if each.environments is None else frozenset(each.environments),
            None if each.repositories is None else tuple(each.repositories),
        )
        for each in body.grants
    )
    return RoleForm(body.name, grants)


def _session_json(actor: Actor) -> Json:
    return {
        "username": actor.name,
        "userId": actor.user,
        "grants": [grant_json(grant) for grant in actor.grants],
        "scopes": None if actor.scopes is None else sorted(actor.scopes),
    }
