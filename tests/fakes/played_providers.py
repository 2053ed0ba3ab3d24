"""Providers of registries, played on one server, each with its habits: logins that end, limits of the rate, pages.

    providers = PlayedProviders(clock)
    with ScriptedServer(providers) as server:
        providers.url = server.url("")

/aws /google /entra /hub /github /gitlab /quay are the APIs; Harbor's and Azure's are at the registry itself, which is
/v2/ and takes only logins that were minted here and have not ended. Signatures are checked by the rules that the
providers publish, and by no code of ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fakes.scripted_server import Asked, Reply

KEY_ID, SECRET_KEY, SESSION = "AKIDPLAYED", "aws-secret-key", "aws-session-token"
TENANT, CLIENT, CLIENT_SECRET = "contoso.example", "client-id", "client-secret"
HUB_USER, HUB_SECRET = "ann", "hub-secret"
TOKEN = "api-token"
ROBOT, ROBOT_SECRET = "robot$ann", "harbor-secret"
NULL_USER = "00000000-0000-0000-0000-000000000000"
ACCOUNT = "builder@project.iam.gserviceaccount.com"

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/ecr/aws4_request, "
    r"SignedHeaders=(?P<names>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


def service_key(private: rsa.RSAPrivateKey) -> str:
    """A service account's key as Google hands it out, on several lines."""
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    members = {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "key-1",
        "private_key": pem.decode(),
        "client_email": ACCOUNT,
        "token_uri": "https://elsewhere.example/token",
    }
    return json.dumps(members, indent=2)


@dataclass
class PlayedProviders:
    """`clock` is their own, in seconds since 1970. `limits` are answers to give before all others, `life` the seconds
    that minted logins last, `names` the repositories there are, `page` how many are given at a time."""

    clock: Callable[[], float]
    url: str = ""
    account: rsa.RSAPublicKey | None = None
    life: float = 3600.0
    page: int = 2
    names: Sequence[str] = ("team/a", "team/b", "team/c", "team/d", "team/e")
    limits: list[Reply] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    minted: dict[tuple[str, str], float] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> Reply:
        """Whatever is asked, by its path."""
        body = asked.receive()
        with self.lock:
            self.asked[asked.path] += 1
            self.cookies += [value for name, value in asked.fields if name == "cookie"]
            if self.limits and not asked.path.startswith("/v2"):
                return self.limits.pop(0)
        for beginning, play in self._plays().items():
            if asked.path.startswith(beginning):
                return play(asked, asked.path.removeprefix(beginning), body)
        return Reply(404)

    def _plays(self) -> Mapping[str, Callable[[Asked, str, bytes], Reply]]:
        return {
            "/aws/": self._aws,
            "/google/token": self._google_token,
            "/google/v1/": self._google_list,
            "/entra/": self._entra,
            "/oauth2/exchange": self._exchange,
            "/hub/v2/": self._hub,
            "/github/": self._github,
            "/gitlab/api/v4/": self._gitlab,
            "/quay/api/v1/repository": self._quay,
            "/api/v2.0/": self._harbor,
            "/v2/": self._registry,
        }

    def _mint(self, username: str, secret: str) -> tuple[str, float]:
        """A login that the registry takes from now on; and its end."""
        with self.lock:
            numbered = f"{secret}-{len(self.minted) + 1}"
            ends = self.minted[username, numbered] = self.clock() + self.life
        return numbered, ends

    # ── the registry

    def _registry(self, asked: Asked, path: str, _body: bytes) -> Reply:
        scheme, _, encoded = asked.headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(encoded).decode().partition(":") if scheme == "Basic" else ("", "", "")
        if self.minted.get((name, secret), 0.0) <= self.clock():
            return Reply(401, [("www-authenticate", 'Basic realm="played"')])
        return Reply(404) if path else Reply(200, body=b"{}")

    # ── Amazon

    def _aws(self, asked: Asked, _path: str, body: bytes) -> Reply:
        refused = self._aws_refusal(asked, body)
        if refused:
            return _json({"__type": f"com.amazonaws.ecr#{refused}", "message": "no"}, 400)
        wanted = json.loads(body)
        action = asked.headers["x-amz-target"].partition(".")[2]
        if action == "GetAuthorizationToken":
            secret, ends = self._mint("AWS", "ecr")
            token = base64.b64encode(f"AWS:{secret}".encode()).decode()
            return _json({"authorizationData": [{"authorizationToken": token, "expiresAt": ends}]})
        begins = int(wanted.get("nextToken", "0"))
        answer: dict[str, object] = {
            "repositories": [{"repositoryName": name} for name in self.names[begins : begins + self.page]]
        }
        if begins + self.page < len(self.names):
            answer["nextToken"] = str(begins + self.page)
        return _json(answer)

    def _aws_refusal(self, asked: Asked, body: bytes) -> str:
        """By the rules of Signature Version 4, said anew."""
        match = _AUTHORIZATION.fullmatch(asked.headers.get("authorization", ""))
        if match is None:
            return "MissingAuthenticationToken"
        if match["id"] != KEY_ID:
            return "UnrecognizedClientException"
        stamp = asked.headers["x-amz-date"]
        if stamp[:8] != match["day"]:
            return "InvalidSignatureException"
        lines = ["POST", asked.path, asked.query]
        lines += [f"{name}:{asked.headers[name]}" for name in match["names"].split(";")]
        lines += ["", match["names"], hashlib.sha256(body).hexdigest()]
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{match['day']}/{match['region']}/ecr/aws4_request\n{digest}"
        key = b"AWS4" + SECRET_KEY.encode()
        for part in (match["day"], match["region"], "ecr", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        if hmac.new(key, text.encode(), hashlib.sha256).hexdigest() != match["signature"]:
            return "InvalidSignatureException"
        session = asked.headers.get("x-amz-security-token")
        return "ExpiredTokenException" if session not in {None, SESSION} else ""

    # ── Google

    def _google_token(self, _asked: Asked, _path: str, body: bytes) -> Reply:
        form = parse_qs(body.decode())
        head, claims, signature = form["assertion"][0].split(".")
        assert self.account is not None
        try:
            self.account.verify(_decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return _json({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        told = json.loads(_decoded(claims))
        late = not told["iat"] - 600 <= self.clock() <= told["exp"]
        if json.loads(_decoded(head))["alg"] != "RS256" or told["iss"] != ACCOUNT or late:
            return _json({"error": "invalid_grant", "error_description": "Invalid JWT."}, 400)
        token, _ = self._mint("oauth2accesstoken", "google")
        return _json({"access_token": token, "expires_in": int(self.life), "token_type": "Bearer"})

    def _google_list(self, asked: Asked, path: str, _body: bytes) -> Reply:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if ("oauth2accesstoken", token) not in self.minted:
            return _json({"error": {"code": 401, "status": "UNAUTHENTICATED"}}, 401)
        where = "projects/project/locations/europe/repositories"
        if path == where:
            found = [{"name": f"{where}/team", "format": "DOCKER"}, {"name": f"{where}/jars", "format": "MAVEN"}]
            return _json({"repositories": found})
        if path != f"{where}/team/packages":
            return _json({"error": {"code": 404}}, 404)
        begins = int(_query(asked, "pageToken") or "0")
        names = [name.partition("/")[2] for name in self.names]
        shown = [{"name": f"{where}/team/packages/{name}"} for name in names[begins : begins + self.page]]
        more = begins + self.page < len(names)
        return _json({"packages": shown} | ({"nextPageToken": str(begins + self.page)} if more else {}))

    # ── Azure

    def _entra(self, _asked: Asked, path: str, body: bytes) -> Reply:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if path != f"{TENANT}/oauth2/v2.0/token":
            return _json({"error": "invalid_request"}, 400)
        if (form["client_id"], form["client_secret"]) != (CLIENT, CLIENT_SECRET):
            return _json({"error": "invalid_client", "error_description": "AADSTS7000215"}, 401)
        return _json({"access_token": "entra-token", "expires_in": 3599})

    def _exchange(self, _asked: Asked, _path: str, body: bytes) -> Reply:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if form["access_token"] != "entra-token" or form["tenant"] != TENANT:
            return Reply(401)
        ends = self.clock() + self.life
        claims = base64.urlsafe_b64encode(json.dumps({"exp": ends}).encode()).rstrip(b"=").decode()
        token, _ = self._mint(NULL_USER, f"e30.{claims}.signature")
        return _json({"refresh_token": token})

    # ── lists alone

    def _hub(self, asked: Asked, path: str, body: bytes) -> Reply:
        if path == "auth/token":
            given = json.loads(body)
            right = (given["identifier"], given["secret"]) == (HUB_USER, HUB_SECRET)
            return _json({"access_token": TOKEN}) if right else _json({"detail": "Incorrect"}, 401)
        if path == "user/orgs":
            mine = asked.headers.get("authorization") == f"Bearer {TOKEN}"
            return _json({"results": [{"orgname": "team"}], "next": None}) if mine else _json({}, 401)
        if path == "namespaces/ann/repositories":
            return _json({"results": [{"name": "own", "namespace": "ann"}], "next": None})
        page = int(_query(asked, "page") or "1")
        shown, more = self._paged(page)
        after = f"{self.url}/hub/v2/{path}?page_size=100&page={page + 1}" if more else None
        return _json({"results": [{"name": name.partition("/")[2]} for name in shown], "next": after})

    def _github(self, asked: Asked, path: str, _body: bytes) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return _json({"message": "Bad credentials"}, 401)
        if path == "orgs/ann/packages":
            return _json({"message": "Not Found"}, 404)
        assert _query(asked, "package_type") == "container"
        page = int(_query(asked, "page") or "1")
        shown, more = self._paged(page)
        found = [{"name": name.partition("/")[2], "owner": {"login": "Team"}} for name in shown]
        following = f'<{self.url}/github/{path}?package_type=container&per_page=100&page={page + 1}>; rel="next"'
        return _json(found, fields=[("link", following)] if more else [])

    def _gitlab(self, asked: Asked, path: str, _body: bytes) -> Reply:
        if asked.headers.get("private-token") != TOKEN:
            return _json({"message": "401 Unauthorized"}, 401)
        if path == "projects":
            return _json([{"id": 1}, {"id": 2}])
        if path == "projects/2/registry/repositories":
            return _json({"message": "404 Not Found"}, 404)
        if unquote(path) == "groups/team/app/registry/repositories":
            return _json({"message": "404 Group Not Found"}, 404)
        page = int(_query(asked, "page") or "1")
        shown, more = self._paged(page)
        following = f'<{self.url}/gitlab/api/v4/{path}?per_page=100&page={page + 1}>; rel="next"'
        return _json([{"path": name} for name in shown], fields=[("link", following)] if more else [])

    def _quay(self, asked: Asked, _path: str, _body: bytes) -> Reply:
        mine = asked.headers.get("authorization") == f"Bearer {TOKEN}"
        if _query(asked, "namespace") != "team":
            return _json({"repositories": []})
        begins = int(_query(asked, "next_page") or "0")
        names = self.names if mine else self.names[:1]
        shown = [{"namespace": "team", "name": name.partition("/")[2]} for name in names[begins : begins + self.page]]
        more = begins + self.page < len(names)
        return _json({"repositories": shown} | ({"next_page": str(begins + self.page)} if more else {}))

    def _harbor(self, asked: Asked, path: str, _body: bytes) -> Reply:
        expected = base64.b64encode(f"{ROBOT}:{ROBOT_SECRET}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {expected}":
            return _json({"errors": [{"code": "UNAUTHORIZED", "message": "unauthorized"}]}, 401)
        page = int(_query(asked, "page"))
        shown, more = self._paged(page)
        link = f'</api/v2.0/{path}?page={page + 1}&page_size=100>; rel="next"'
        fields = [("set-cookie", "sid=harbor; Path=/"), *([("link", link)] if more else [])]
        return _json([{"name": name} for name in shown], fields=fields)

    def _paged(self, page: int) -> tuple[Sequence[str], bool]:
        end = page * self.page
        return self.names[end - self.page : end], end < len(self.names)


def _json(value: object, status: int = 200, fields: Sequence[tuple[str, str]] = ()) -> Reply:
    return Reply(status, [("content-type", "application/json"), *fields], json.dumps(value).encode())


def _query(asked: Asked, name: str) -> str:
    return parse_qs(asked.query).get(name, [""])[0]


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
