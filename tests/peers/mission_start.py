"""Starting all that is in `mission_place`: certificates, names, programs, and the rows that the service has of them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tests.fakes.certificates import Authority, Certificate
from tests.fakes.scripted_server import ScriptedServer
from tests.fakes.signed_tokens import SignedTokens
from tests.fakes.token_server import TokenService
from tests.peers import layouts, programs
from tests.peers.mission_place import HOST, HUB_FINDS, HUB_NAMES, LOGIN, PLATFORMS, SEARCH_NAME, Place, TlsService
from tests.peers.programs import RunningRegistry


@contextlib.contextmanager
def place(folder: Path) -> Iterator[Place]:
    """Started in a second or two; `folder` keeps its traces. Needs root, and an address besides loopback's."""
    address = programs.own_address()
    assert address, "this machine has no address but loopback's, where dockerd checks nobody"
    known, private, unknown = (_authority(folder, name) for name in ("known", "private", "unknown"))
    tokens = TokenService(login=LOGIN, withheld=frozenset({"locked/app:push", "catalog:*"}))
    signed = SignedTokens(known)
    tokens.mint = signed.mint
    with contextlib.ExitStack() as stack:
        hub_address, search_address = _address_with_port_443(1), _address_with_port_443(2)
        shown = known.server(*HUB_NAMES, SEARCH_NAME, HOST, hub_address, "127.0.0.1")

        def registry(name: str, certificate: Certificate | None = None, **fields: object) -> RunningRegistry:
            tls = (certificate.certificate, certificate.key) if certificate else None
            fields = {"htpasswd": LOGIN, **fields}
            return stack.enter_context(programs.docker_registry(folder / name, tls=tls, **fields))  # type: ignore[arg-type]

        token_service = stack.enter_context(ScriptedServer(tokens))
        tokens.url = token_service.url("/token")
        hub = registry("hub", shown, address=hub_address, port=443)
        _fill(folder, hub)
        within = _hosts(folder, {**dict.fromkeys(HUB_NAMES, hub_address), SEARCH_NAME: search_address})
        trust = {"SSL_CERT_FILE": str(known.certificate)}
        port = programs.free_port()
        docker = stack.enter_context(
            programs.docker_engine(
                folder / "docker", _door(known, port), within=within, SSL_CERT_FILE=_bundle(folder, known, private)
            )
        )
        opened = registry("private")
        two_faced, limited, counting = stack.enter_context(_in_between(folder, opened, shown, search_address))
        service = _service(folder, shown, known, within, trust)
        stack.enter_context(service.running())
        made = Place(
            folder,
            service,
            docker,
            hub,
            opened,
            registry("secure", private.server(address), address=address),
            registry("strange", unknown.server(address), address=address),
            registry("plain", address=address),
            registry("tokens", htpasswd=None, token=signed.settings(tokens.url)),
            two_faced,
            limited,
            counting,
            known,
            private,
            {},
        )
        yield _configured(made, port)


def _authority(folder: Path, name: str) -> Authority:
    (folder / name).mkdir()
    return Authority(folder / name, name)


def _address_with_port_443(last: int) -> str:
    """A loopback address of which nobody else has the port that Docker Hub is asked at."""
    for number in range(200):
        address = f"127.{64 + (os.getpid() + number) % 128}.77.{last}"
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((address, 443))
            return address
    raise AssertionError("no loopback address has its port 443 free")


def _bundle(folder: Path, *authorities: Authority) -> str:
    bundle = folder / "bundle.pem"
    bundle.write_text("".join(each.certificate.read_text() for each in authorities))
    return str(bundle)


@contextlib.contextmanager
def _in_between(folder: Path, registry: RunningRegistry, shown: Certificate, search: str) -> Iterator[Sequence[str]]:
    """nginx before a registry: one that knows nothing where somebody else than docker asks for a manifest, one that
    wants to be left alone, one that counts. And Docker Hub's search, which knows one repository and a half."""
    ports = [programs.free_port() for _ in range(3)]
    passed = f"proxy_pass http://{registry.host}; proxy_set_header Host $http_host; proxy_request_buffering off;"
    fields = 'add_header RateLimit-Limit "100;w=21600" always; add_header RateLimit-Remaining "37;w=21600" always;'
    refusal = '{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}'
    servers = f"""
        map $request_method:$http_user_agent $known {{ default 0; ~:docker/ 1; ~^(PUT|POST|PATCH): 1; }}
        server {{ listen 127.0.0.1:{ports[0]};
            location ~ /manifests/ {{ if ($known = 0) {{ return 404; }} {passed} }}
            location / {{ {passed} }} }}
        server {{ listen 127.0.0.1:{ports[1]}; default_type application/json;
            location = /v2/ {{ return 200 '{{}}'; }}
            location / {{ add_header Retry-After 3600 always; return 429 '{refusal}'; }} }}
        server {{ listen 127.0.0.1:{ports[2]}; location / {{ {passed} {fields} }} }}
        server {{ listen {search}:443 ssl; default_type application/json;
            ssl_certificate {shown.certificate}; ssl_certificate_key {shown.key};
            location = /v1/_ping {{ return 200 '{{"standalone":false}}'; }}
            location = /v1/search {{ if ($arg_q = nginx) {{ return 200 '{json.dumps(HUB_FINDS)}'; }}
                return 200 '{{"num_results":0,"query":"","results":[]}}'; }} }}
    """
    with programs.nginx(folder / "nginx", servers, ports[-1]):
        yield [f"127.0.0.1:{port}" for port in ports]


def _hosts(folder: Path, names: Mapping[str, str]) -> Sequence[str]:
    """What runs a command with these names known."""
    hosts = folder / "hosts"
    rows = [f"{address} {name}" for name, address in names.items()]
    hosts.write_text(Path("/etc/hosts").read_text() + "\n" + "\n".join(rows) + "\n")
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts)]


def _door(authority: Authority, port: int) -> Sequence[str]:
    """dockerd's second door: TCP, for whoever shows a certificate of the authority's."""
    server = authority.server("127.0.0.1", days=(-1, 29))
    return [
        f"--host=tcp://127.0.0.1:{port}",
        "--tlsverify",
        f"--tlscacert={authority.certificate}",
        f"--tlscert={server.certificate}",
        f"--tlskey={server.key}",
    ]


def _service(
    folder: Path, shown: Certificate, authority: Authority, within: Sequence[str], trust: Mapping[str, str]
) -> TlsService:
    settings = {
        "LADING_TLS_CERT": str(shown.certificate),
        "LADING_TLS_KEY": str(shown.key),
        "LADING_PUBLIC_URL": f"https://{HOST}",
        **trust,
    }
    return TlsService(folder / "data", settings, within=within, authority=authority.certificate)


def _configured(place: Place, port: int) -> Place:
    """With rows for all that there is."""
    client = place.authority.client()
    environments: dict[str, dict[str, object]] = {
        "socket": {"connectionType": "socket", "socketPath": str(place.docker.socket)},
        "tls": {
            "connectionType": "direct",
            "host": "127.0.0.1",
            "port": port,
            "tlsCa": place.authority.certificate.read_text(),
            "tlsCert": client.certificate.read_text(),
            "tlsKey": client.key.read_text(),
        },
    }
    ids = {"embedded": 1}
    for name, fields in environments.items():
        made = place.ask("POST", "/api/environments", {"name": name, **fields})
        assert made.status == 201, made
        ids[name] = int(str(made.body["id"]))
    me = {"username": LOGIN[0], "password": LOGIN[1]}
    ca = place.private_authority.certificate.read_text()
    rows = {
        "hub": place.configure("hub", "https://hub.docker.com", **me),
        "private": place.configure("private", f"http://{place.private.host}", **me),
        "secure": place.configure("secure", f"https://{place.secure.host}", ca=ca, **me),
        "strange": place.configure("strange", f"https://{place.strange.host}", **me),
        "plain": place.configure("plain", f"https://{place.plain.host}", **me),
        "tokens": place.configure("tokens", f"http://{place.tokens.host}", **me),
        "two-faced": place.configure("two-faced", f"http://{place.two_faced}", **me),
        "limited": place.configure("limited", f"http://{place.limited}"),
        "counting": place.configure("counting", f"http://{place.counting}", **me),
    }
    return replace(place, environments=ids, registries=rows)


def _fill(folder: Path, hub: RunningRegistry) -> None:
    """library/nginx, built for three platforms."""
    layout = folder / "nginx"
    images = [
        layouts.write_image(layout, [layouts.layer("nginx", 200_000), layouts.layer(each, 50_000)], each)
        for each in PLATFORMS
    ]
    index = {"schemaVersion": 2, "mediaType": layouts.INDEX, "manifests": images}
    root = {"mediaType": layouts.INDEX} | layouts.write_blob(layout, json.dumps(index).encode())
    layouts.write_layout(layout, "latest", root)
    target = f"docker://{hub.host}/library/nginx:latest"
    login = ["--dest-tls-verify=false", f"--dest-creds={':'.join(LOGIN)}"]
    programs.skopeo("copy", "--all", *login, f"oci:{layout}:latest", target)
