"""The program: the table of commands, one call from arguments to exit code, and how it fails."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence

import click

from lading.fronts.cli.application import Start
from lading.fronts.cli.console import OutputLost, Streams
from lading.fronts.cli.failures import DONE, FAILED, exit_code
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import APART, Entry, LazyGroup

MOVE, KEEP, REGISTRY, LADING = "Move images", "Images kept here", "Registries", "Lading itself"
SERVICE = "The service, on its own machine or with --server"

COMMANDS: Mapping[str, Entry] = {
    "pull": Entry(
        "pull:pull", MOVE, "Bring images from registries into the local store.", begins=True, far="moving:pull"
    ),
    "push": Entry("push:push", MOVE, "Send an image to one or more registries.", begins=True, far="moving:push"),
    "copy": Entry(
        "copy:copy",
        MOVE,
        "Copy an image between registries, layouts, archives, Docker hosts.",
        begins=True,
        far="moving:copy",
    ),
    "save": Entry("archives:save", MOVE, "Write images from the local store to an archive.", far="archives:save"),
    "load": Entry(
        "archives:load", MOVE, "Read the images of an archive into the local store.", begins=True, far="archives:load"
    ),
    "import": Entry(
        "archives:import_",
        MOVE,
        "Make an image of a tar of a root file system.",
        begins=True,
        far="archives:import_",
    ),
    "images": Entry("images:images", KEEP, "List the images of the local store.", far="images:images"),
    "tag": Entry("names:tag", KEEP, "Give an image of the local store further names.", far="images:tag"),
    "untag": Entry(
        "names:untag", KEEP, "Take names from images, or with --remote tags from registries.", far="untagging:untag"
    ),
    "rmi": Entry(
        "names:rmi", KEEP, "Remove images of the local store, and the content that only they held.", far="images:rmi"
    ),
    "gc": Entry("names:gc", KEEP, "Remove content of the local store that nothing keeps.", far="content:gc"),
    "inspect": Entry(
        "inspect:inspect", KEEP, "Show what an image is made of: platforms, configs and layers.", far="images:inspect"
    ),
    "history": Entry(
        "inspect:history",
        KEEP,
        "Show the steps that made an image, the newest first, and what each added.",
        far="images:history",
    ),
    "diff": Entry(
        "diff:diff", KEEP, "Show what differs between two images: layers, settings, packages.", far="images:diff"
    ),
    "scan": Entry(
        "scan:scan", KEEP, "Hold an image against what is known of vulnerabilities.", begins=True, far="scan:scan"
    ),
    "sbom": Entry(
        "scan:sbom",
        KEEP,
        "Print what is installed in an image, as CycloneDX 1.6 in JSON.",
        begins=True,
        far="images:sbom",
    ),
    "advisories": Entry(
        "advisories:advisories",
        KEEP,
        "What scans know of vulnerabilities: its age, updates, imports.",
        begins=True,
        far="advisories",
    ),
    "sign": Entry("signing:sign", KEEP, "Sign an image at its registry with a key of yours."),
    "verify": Entry("signing:verify", KEEP, "Hold the signatures of an image against keys, or a policy.", begins=True),
    "trust": Entry("trust:trust", KEEP, "Content trust: keys, signed tags and who may sign.", begins=True, far=APART),
    "login": Entry(
        "logins:login", REGISTRY, "Keep a registry's login, encrypted, after checking it.", begins=True, far=APART
    ),
    "logout": Entry("logins:logout", REGISTRY, "Forget a registry's login that Lading keeps.", far=APART),
    "ls": Entry(
        "remote:ls", REGISTRY, "List the tags of a repository, or the repositories of a registry.", far="remote:ls"
    ),
    "search": Entry("remote:search", REGISTRY, "Find repositories of a registry by name.", far="remote:search"),
    "digest": Entry("remote:digest", REGISTRY, "Print the digest a registry holds under a name."),
    "registry": Entry(
        "registry:registry", SERVICE, "The registries that the service is configured with.", far="registry"
    ),
    "repository": Entry(
        "repository:repository", SERVICE, "Our own registry: who may read what, rules and tags.", far="repository"
    ),
    "lock": Entry("locking:lock", SERVICE, "Make tags of our own registry immutable.", far="locking:lock"),
    "unlock": Entry("locking:unlock", SERVICE, "Let go of an immutable tag, once or for a time.", far="locking:unlock"),
    "policy": Entry(
        "policy:policy", SERVICE, "How long tags of our own registry stay, and letting go of them.", far="policy"
    ),
    "environment": Entry(
        "environment:environment",
        SERVICE,
        "Where images live: Lading's own store, and Docker hosts.",
        far="environment",
    ),
    "jobs": Entry("jobs:jobs", SERVICE, "Pushes, pulls and copies that the service runs or has run.", far="jobs"),
    "user": Entry("user:user", SERVICE, "Users, their roles and passwords.", far="user"),
    "token": Entry("token:token", SERVICE, "API tokens, for programs and as registry passwords.", far="token"),
    "audit": Entry("audit:audit", SERVICE, "The audit trail: read, export and verify it.", far="audit"),
    "serve": Entry(
        "serve:serve",
        LADING,
        "Run the API and the registry: users, environments, registries, jobs and the audit trail.",
        begins=True,
        far=APART,
    ),
    "worker": Entry(
        "worker:worker",
        LADING,
        "Do the jobs that `lading serve --workers` hands over: pushes, pulls, copies, scans.",
        begins=True,
        far=APART,
    ),
    "agent": Entry(
        "agent:agent",
        LADING,
        "Let a server elsewhere use this machine's Docker host, over a connection from here.",
        begins=True,
        far=APART,
    ),
    "demo": Entry(
        "demo:demo",
        LADING,
        "Push, share, copy, pull back, prove, scan and sign; nothing to set up.",
        begins=True,
        far=APART,
    ),
    "context": Entry(
        "context:context", LADING, "Servers that have names here, and the one that commands speak to.", far=APART
    ),
    "doctor": Entry("doctor:doctor", LADING, "Check this machine and the registries named.", far=APART),
    "backup": Entry("backup:backup", LADING, "Keep rows and content in a folder or file, while everybody works on."),
    "restore": Entry("backup:restore", LADING, "Make an empty data folder what it was when it was backed up."),
    "config": Entry("config:config", LADING, "Show or check the settings, or change the secret key.", far=APART),
    "completion": Entry("completion:completion", LADING, "Print the completion script of a shell.", far=APART),
    "openapi": Entry(
        "openapi:openapi", LADING, "Print the API's description, an OpenAPI 3.1 document in JSON.", far=APART
    ),
    "version": Entry("version:version", LADING, "Print the version.", far=APART),
}

PROGRAM = LazyGroup(
    "lading",
    COMMANDS,
    "Lading moves container images: it pulls, pushes, copies, keeps and proves them.\n\n"
    "Images are named as docker names them. Besides names there are oci:DIR[:NAME] (an OCI image layout), "
    "archive:FILE (an image archive), docker:[HOST//]NAME (an image of a Docker host) and - (an archive on "
    "standard input or output).",
)


def run(start: Start, arguments: Sequence[str], streams: Streams, environment: Mapping[str, str]) -> int:
    """One call of `lading`; returns its exit code and raises nothing."""
    invocation = Invocation(start, streams, environment)
    try:
        return _call(invocation, arguments)
    except BrokenPipeError:
        _leave_pipe(streams)
        return FAILED
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the one door: everything becomes an exit code
        if isinstance(error.__cause__, BrokenPipeError):
            _leave_pipe(streams)
            return FAILED
        if isinstance(error, OutputLost):
            _leave_pipe(streams)
        invocation.console.failure(error, invocation.command)
        return exit_code(error)


def _call(invocation: Invocation, arguments: Sequence[str]) -> int:
    try:
        code = PROGRAM.main(list(arguments), "lading", standalone_mode=False, obj=invocation)
        return code if isinstance(code, int) else DONE
    except click.exceptions.NoArgsIsHelpError as error:
        invocation.console.print(error.format_message())
        return DONE
    except SystemExit as end:  # click's own way out, of a broken pipe and of a shell's completion
        _leave_pipe(invocation.console.streams)
        return end.code if isinstance(end.code, int) else FAILED
    finally:
        invocation.close()


def _leave_pipe(streams: Streams) -> None:
    """Nobody takes our output any more, which has been told or is no news: keep the interpreter from saying so at its
    end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), streams.stdout.fileno())
