"""What people do with the docker command, as stories that any engine can be told; each step has a name.

Where Lading prints something else on purpose, the table of differences (test_docker_door_commands) names the step.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

from tests.peers import docker_images
from tests.peers.docker_command import DockerCommand, Said
from tests.peers.docker_images import Images

Steps = Iterator[tuple[str, Said]]
Scenario = Callable[[DockerCommand, Images, Path], Steps]

IMAGE_FIELDS = "{{.Repository}}|{{.Tag}}"


def pulling(docker: DockerCommand, images: Images, _: Path) -> Steps:
    yield "pull", docker("pull", images.name("app:1"))
    yield "pull what is here", docker("pull", images.name("app:1"))
    yield "pull what shares a layer", docker("pull", images.name("app:2"))
    yield "pull quietly", docker("pull", "-q", images.name("app:2"))
    yield "pull an index", docker("pull", images.name("multi:1"))
    yield "pull a tag that is not there", docker("pull", images.name("app:none"))
    yield "pull a repository that is not there", docker("pull", images.name("nothing"))
    yield "pull what is no name", docker("pull", images.name("App:1"))
    yield "pull a platform that is not there", docker("pull", "--platform", "linux/s390x", images.name("multi:1"))
    yield "pull from nobody", docker("pull", "127.0.0.1:1/a/b")
    yield "pull scratch", docker("pull", "scratch")
    digest = docker("image", "inspect", "-f", "{{(index .RepoDigests 0)}}", images.name("app:1")).out.strip()
    yield "the digest", Said(0, digest)
    yield "pull by digest", docker("pull", digest)
    yield "pull all tags", docker("pull", "-a", images.name("app"))


def pulling_on_a_terminal(docker: DockerCommand, images: Images, _: Path) -> Steps:
    yield "pull", docker.on_terminal("pull", images.name("app:1"))
    yield "pull what is here", docker.on_terminal("pull", images.name("app:1"))
    yield "pull what shares a layer", docker.on_terminal("pull", images.name("app:2"))
    fresh = images.fresh()
    yield "tag", docker("tag", images.name("app:1"), f"{fresh}:1")
    yield "push", docker.on_terminal("push", f"{fresh}:1")
    yield "push again", docker.on_terminal("push", f"{fresh}:1")


def listing(docker: DockerCommand, images: Images, _: Path) -> Steps:
    yield "pull", docker("pull", "-q", images.name("app:1"))
    yield "pull the second", docker("pull", "-q", images.name("app:2"))
    yield "images", docker("images")
    yield "images -a", docker("images", "-a")
    yield "images -q", docker("images", "-q")
    yield "images --no-trunc", docker("images", "--no-trunc")
    yield "images --digests", docker("images", "--digests")
    yield "images of a repository", docker("images", images.name("app"))
    yield "images of a tag", docker("images", images.name("app:2"))
    yield "images of a pattern", docker("images", "127.0.0.1:*/*/app")
    yield "images of nothing", docker("images", "nothing")
    yield "images by label", docker("images", "--filter", "label=tier=web")
    yield "images by another label", docker("images", "--filter", "label=tier=none")
    yield "images that dangle", docker("images", "--filter", "dangling=true")
    yield "images by reference", docker("images", "--filter", f"reference={images.name('app')}:1")
    yield "images by a filter that is none", docker("images", "--filter", "colour=blue")
    yield "images as a template", docker("images", "--format", IMAGE_FIELDS)
    yield "ps", docker("ps", "-a")
    yield "volumes", docker("volume", "ls")


def looking(docker: DockerCommand, images: Images, _: Path) -> Steps:
    name = images.name("app:1")
    yield "pull", docker("pull", "-q", name)
    run = "{{json .Config.Env}} {{json .Config.Entrypoint}} {{json .Config.Cmd}} {{json .Config.WorkingDir}} "
    run += "{{json .Config.User}} {{json .Config.Labels}} {{json .Config.ExposedPorts}} {{json .Config.Volumes}}"
    yield "what runs", docker("image", "inspect", "-f", run, name)
    made = "{{.Created}} {{.Os}} {{.Architecture}} {{.Author}} {{.RootFS.Type}} {{json .RootFS.Layers}}"
    yield "how it was made", docker("image", "inspect", "-f", made, name)
    yield "names", docker("image", "inspect", "-f", "{{.RepoTags}} {{.RepoDigests}}", name)
    yield "inspect what is not there", docker("image", "inspect", "nothing")
    yield "inspect anything that is not there", docker("inspect", "nothing")
    yield "inspect anything", docker("inspect", "-f", "{{.Os}}", name)
    yield "history", docker("history", name)
    yield "history whole", docker("history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}", name)
    yield "history of nothing", docker("history", "nothing")


def naming(docker: DockerCommand, images: Images, _: Path) -> Steps:
    name = images.name("app:1")
    yield "pull", docker("pull", "-q", name)
    yield "tag", docker("tag", name, "other:9")
    yield "tag again", docker("tag", name, "other:9")
    yield "tag without a tag", docker("tag", name, "plain")
    yield "tag what is not there", docker("tag", "nothing", "other:1")
    yield "tag as what is no name", docker("tag", name, "Other:1")
    yield "images", docker("images", "--format", IMAGE_FIELDS)
    short = docker("images", "-q", name).out.strip()
    yield "remove one of several names", docker("rmi", "other:9")
    yield "remove by id with several repositories", docker("rmi", short)
    yield "remove what is not there", docker("rmi", "nothing")
    yield "remove by id with force", docker("rmi", "-f", short)
    yield "images after", docker("images", "--format", IMAGE_FIELDS)
    yield "pull again", docker("pull", "-q", name)
    yield "remove the last name", docker("rmi", name)
    yield "images at the end", docker("images", "--format", IMAGE_FIELDS)


def pushing(docker: DockerCommand, images: Images, _: Path) -> Steps:
    yield "pull", docker("pull", "-q", images.name("app:1"))
    fresh = images.fresh()
    yield "tag", docker("tag", images.name("app:1"), f"{fresh}:1")
    yield "push", docker("push", f"{fresh}:1")
    yield "push again", docker("push", f"{fresh}:1")
    yield "tag two", docker("tag", images.name("app:1"), f"{fresh}:2")
    yield "push all tags", docker("push", "-a", fresh)
    yield "push quietly", docker("push", "-q", f"{fresh}:1")
    yield "push what is not there", docker("push", f"{fresh}:none")
    yield "push a repository that is not there", docker("push", images.name("nothing"))
    yield "tag for nobody", docker("tag", images.name("app:1"), "127.0.0.1:1/a:1")
    yield "push to nobody", docker("push", "127.0.0.1:1/a:1")
    yield "push a digest", docker("push", f"{fresh}@sha256:{'0' * 64}")


def logging_in(docker: DockerCommand, images: Images, _: Path) -> Steps:
    locked, login = images.locked, ("login", "-u", docker_images.USER, "--password-stdin", images.locked)
    name = f"{locked}/team/fresh-{uuid4().hex[:8]}:1"
    yield "pull what is open", docker("pull", "-q", images.name("app:1"))
    yield "tag", docker("tag", images.name("app:1"), name)
    yield "push without a login", docker("push", name)
    yield "pull without a login", docker("pull", f"{locked}/team/nothing:1")
    yield "log in wrongly", docker(*login, given=b"another word")
    yield "log in", docker(*login, given=docker_images.PASSWORD.encode())
    yield "push", docker("push", name)
    yield "pull", docker("pull", name)
    yield "pull what is not there", docker("pull", f"{locked}/team/nothing:1")
    wrong = base64.b64encode(f"{docker_images.USER}:another".encode()).decode()
    (docker.home / ".docker" / "config.json").write_text(json.dumps({"auths": {locked: {"auth": wrong}}}))
    yield "push with a wrong password", docker("push", name)
    yield "pull with a wrong password", docker("pull", name)
    yield "log out", docker("logout", locked)
    yield "pull after all", docker("pull", name)


def keeping(docker: DockerCommand, images: Images, folder: Path) -> Steps:
    name, file = images.name("app:1"), str(folder / "saved.tar")
    yield "pull", docker("pull", "-q", name)
    yield "save", docker("save", "-o", file, name)
    yield "save two", docker("save", "-o", str(folder / "two.tar"), name, name)
    yield "save what is not there", docker("save", "-o", str(folder / "none.tar"), "nothing")
    yield "remove", docker("rmi", "-f", name)
    yield "load", docker("load", "-i", file)
    yield "load again", docker("load", "-i", file)
    yield "load quietly", docker("load", "-q", "-i", file)
    yield "load what is no archive", docker("load", given=b"this is no archive")
    yield "images", docker("images", "--format", IMAGE_FIELDS)


def importing(docker: DockerCommand, _: Images, folder: Path) -> Steps:
    tar = folder / "root.tar"
    yield "import", docker("import", str(tar), "made:1")
    changed = docker("import", "-c", "ENV A=b", "-c", 'CMD ["run", "me"]', "-m", "made by hand", str(tar), "made:2")
    yield "import with changes", changed
    yield "what it says", docker("image", "inspect", "-f", "{{json .Config.Env}} {{json .Config.Cmd}}", "made:2")
    yield "its history", docker("history", "--format", "{{.Comment}}", "made:2")
    yield "import with what is no change", docker("import", "-c", "FROM x", str(tar), "made:3")
    yield "import without a name", docker("import", str(tar))
    yield "images", docker("images", "--format", IMAGE_FIELDS)


def cleaning(docker: DockerCommand, images: Images, folder: Path) -> Steps:
    yield "pull", docker("pull", "-q", images.name("app:1"))
    yield "import without a name", docker("import", str(folder / "root.tar"))
    yield "images that dangle", docker("images", "-f", "dangling=true", "--format", IMAGE_FIELDS)
    yield "prune by a label", docker("image", "prune", "-f", "--filter", "label=tier=none")
    yield "prune", docker("image", "prune", "-f")
    yield "prune again", docker("image", "prune", "-f")
    yield "images", docker("images", "--format", IMAGE_FIELDS)
    yield "how much", docker("system", "df", "--format", "{{.Type}}|{{.TotalCount}}|{{.Active}}")
    yield "prune all", docker("image", "prune", "-a", "-f")
    yield "images at the end", docker("images", "--format", IMAGE_FIELDS)


def moving_a_name(docker: DockerCommand, images: Images, _: Path) -> Steps:
    yield "pull", docker("pull", "-q", images.name("app:1"))
    yield "pull the second", docker("pull", "-q", images.name("app:2"))
    short = docker("images", "-q", images.name("app:1")).out.strip()
    yield "tag over it", docker("tag", images.name("app:2"), images.name("app:1"))
    yield "images", docker("images", "--format", IMAGE_FIELDS)
    yield "the one that lost its name", docker("tag", short, "found:1")
    yield "images at the end", docker("images", "--format", IMAGE_FIELDS)


SCENARIOS: Sequence[Scenario] = (
    pulling,
    pulling_on_a_terminal,
    listing,
    looking,
    naming,
    pushing,
    logging_in,
    keeping,
    importing,
    cleaning,
    moving_a_name,
)
