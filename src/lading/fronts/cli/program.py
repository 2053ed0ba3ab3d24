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
from lading.fronts.cli.lazy import Entry, LazyGroup

MOVE, KEEP, REGISTRY, LADING = "Move images", "Images kept here", "Registries", "Lading itself"
SERVICE = "The service, on its own machine"

COMMANDS: Mapping[str, Entry] = {
    "pull": Entry("pull:pull", MOVE, "Bring images from registries into the local store.", begins=True),
    "push": Entry("push:push", MOVE, "Send an image to one or more registries.", begins=True),
    "copy": Entry("copy:copy", MOVE, "Copy an image between registries, layouts, archives, Docker hosts.", begins=True),
    "save": Entry("archives:save", MOVE, "Write images from the local store to an archive."),
    "load": Entry("archives:load", MOVE, "Read the images of an archive into the local store.", begins=True),
    "import": Entry("archives:import_", MOVE, "Make an image of a tar of a root file system.", begins=True),
    "images": Entry("images:images", KEEP, "List the images of the local store."),
    "tag": Entry("names:tag", KEEP, "Give an image of the local store further names."),
    "untag": Entry("names:untag", KEEP, "Take names from images, or with --remote tags from registries."),
    "rmi": Entry("names:rmi", KEEP, "Remove images of the local store, and the content that only they held."),
    "gc": Entry("names:gc", KEEP, "Remove content of the local store that nothing keeps."),
    "inspect": Entry("inspect:inspect", KEEP, "Show what an image is made of: platforms, configs and layers."),
    "history": Entry(
        "inspect:history", KEEP, "Show the steps that made an image, the newest first, and what each added."
    ),
    "diff": Entry("inspect:diff", KEEP, "Show what differs between two images: layers and settings."),
    "scan": Entry("scan:scan", KEEP, "Hold an image against what is known of vulnerabilities.", begins=True),
    "sbom": Entry("scan:sbom", KEEP, "Print what is installed in an image, as CycloneDX 1.6 in JSON.", begins=True),
    "advisories": Entry(
        "advisories:advisories", KEEP, "What scans know of vulnerabilities: its age, updates, imports.", begins=True
    ),
    "login": Entry("logins:login", REGISTRY, "Keep a registry's login, encrypted, after checking it.", begins=True),
    "logout": Entry("logins:logout", REGISTRY, "Forget a registry's login that Lading keeps."),
    "ls": Entry("remote:ls", REGISTRY, "List the tags of a repository, or the repositories of a registry."),
    "search": Entry("remote:search", REGISTRY, "Find repositories of a registry by name."),
    "digest": Entry("remote:digest", REGISTRY, "Print the digest a registry holds under a name."),
    "registry": Entry("registry:registry", SERVICE, "The registries that the service is configured with."),
    "repository": Entry("repository:repository", SERVICE, "Our own registry: who may read what, rules and tags."),
    "lock": Entry("locking:lock", SERVICE, "Make tags of our own registry immutable."),
    "unlock": Entry("locking:unlock", SERVICE, "Let go of an immutable tag, once or for a time."),
    "policy": Entry("policy:policy", SERVICE, "How long tags of our own registry stay, and letting go of them."),
    "environment": Entry(
        "environment:environment", SERVICE, "Where images live: Lading's own store, and Docker hosts."
    ),
    "jobs": Entry("jobs:jobs", SERVICE, "Pushes, pulls and copies that the service runs or has run."),
    "user": Entry("user:user", SERVICE, "Users, their roles and passwords."),
    "token": Entry("token:token", SERVICE, "API tokens, for programs and as registry passwords."),
    "audit": Entry("audit:audit", SERVICE, "The audit trail: read, export and verify it."),
    "serve": Entry(
        "serve:serve",
        LADING,
        "Run the API and the registry: users, environments, registries, jobs and the audit trail.",
        begins=True,
    ),
    "demo": Entry("demo:demo", LADING, "Push, share, copy, pull back, prove and scan; nothing to set up.", begins=True),
    "doctor": Entry("doctor:doctor", LADING, "Check this machine and the registries named."),
    "config": Entry("config:config", LADING, "Show or check the settings, or change the secret key."),
    "completion": Entry("completion:completion", LADING, "Print the completion script of a shell."),
    "version": Entry("version:version", LADING, "Print the version."),
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
