"""The token service: logins in, tokens out (Docker's token specification, its GET and its OAuth2 form).

nobody          gets a token too: for what is public, or for nothing
a login         gets the scopes that were asked for and that it may have; the rest is left out, and refused when used
a wrong one     401
"""

from __future__ import annotations

from dataclasses import dataclass

from lading.fronts.http.endpoints import FormTooLong, MethodRefused
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.registry_api.bodies import read_whole
from lading.fronts.registry_api.doorstep import Doorstep, LoginWanted
from lading.fronts.registry_api.replies import json_answer
from lading.oci.instants import instant
from lading.services.access import Actor, NotLoggedIn
from lading.services.identity.authentication import Authentication, Visit
from lading.services.identity.registry_tokens import RegistryTokens
from lading.services.repositories.admission import RepositoryAdmission
from lading.wire.authorization import BasicLogin
from lading.wire.challenge import Challenge
from lading.wire.token_request import RefreshLogin, TokenRequest, from_form, from_query

FORM_LIMIT = 64 * 1024
"""Bytes of a form: room for all the scopes it may name."""

FORM_SECONDS = 10.0
"""As long as a head may take: nobody is known yet who sends a form."""

BASIC = Challenge("basic", {"realm": "Lading"})
_PRIVATE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
"""RFC 6749, 5.1."""


@dataclass(frozen=True, slots=True)
class TokenDoor:
    """Answers /v2/token."""

    doorstep: Doorstep
    authentication: Authentication
    tokens: RegistryTokens
    admission: RepositoryAdmission

    def __call__(self, request: IncomingRequest) -> Answer:
        """Raises ForeignCaller, LoginWanted, TokenRequestInvalid, FormTooLong, MethodRefused, TooManyAttempts,
        PasswordsBusy, StorageFailed; RequestRefused (503) where too many strangers are here; Stalled."""
        visit = self.doorstep.visit(request)
        request.let_in(visit.address, False)
        try:
            if request.method == "GET":
                asked = from_query(request.query)
                return self._given(request, asked, self._shown(request, visit))
            if request.method == "POST":
                form = read_whole(request.body, FORM_LIMIT, FormTooLong, FORM_SECONDS)
                asked = from_form(form.decode("utf-8", "replace"))
                return self._given(request, asked, self._told(request, visit, asked.login), oauth=True)
        except NotLoggedIn as error:
            raise LoginWanted(BASIC, str(error)) from error
        raise MethodRefused(request.method, ("GET", "POST"))

    def _shown(self, request: IncomingRequest, visit: Visit) -> Actor:
        return self.authentication.authenticate(visit, None, request.headers.get("authorization"))

    def _told(self, request: IncomingRequest, visit: Visit, login: BasicLogin | RefreshLogin | None) -> Actor:
        match login:
            case RefreshLogin():
                return self.tokens.refreshed(visit, login.token, self.doorstep.service(request))
            case BasicLogin():
                return self.authentication.recognise(visit, login)
        return self._shown(request, visit)

    def _given(self, request: IncomingRequest, asked: TokenRequest, actor: Actor, *, oauth: bool = False) -> Answer:
        service = self.doorstep.service(request)
        granted = self.admission.granted(actor, asked.scopes, lambda gun: self.doorstep.repository_of(request, gun))
        token = self.tokens.access(actor, service, granted)
        told: dict[str, object] = {
            "token": token.text,
            "access_token": token.text,
            "expires_in": token.lifetime,
            "issued_at": instant(token.issued),
        }
        if oauth:
            told["scope"] = " ".join(map(str, token.scopes))
        refresh = self.tokens.refresh(actor, service) if asked.offline else None
        if refresh is not None:
            told["refresh_token"] = refresh
        return json_answer(told, fields=_PRIVATE)
