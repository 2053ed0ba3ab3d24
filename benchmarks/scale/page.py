"""The page that is published: a section for each command, each of which writes its own alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.scale.ledger import Count
from benchmarks.scale.storm import Outcome, Storm

TITLE = "# Beyond one machine: load and faults"


def put_section(path: Path, title: str, lines: Sequence[str]) -> str:
    """Writes the page anew with this section in place of the one of this title, or behind all others. Returns it."""
    text = path.read_text() if path.exists() else TITLE + "\n"
    head, *sections = text.split("\n## ")
    kept = {section.partition("\n")[0]: section.partition("\n")[2].strip() for section in sections}
    kept[title] = "\n".join(lines).strip()
    whole = "".join([head.strip() + "\n", *(f"\n## {name}\n\n{body}\n" for name, body in kept.items())])
    path.write_text(whole)
    return whole


def storm_lines(storm: Storm, outcome: Outcome, circumstances: str, command: str) -> Sequence[str]:
    """What happened, and what was lost."""
    ledger, verified = outcome.ledger, outcome.verified
    losses = [f"- **lost**: {each}" for each in ledger.losses]
    broken = [f"- the runner stumbled: {each.strip().splitlines()[-1]}" for each in ledger.broken]
    return [
        f"{circumstances} {storm.replicas} replicas (`lading serve --workers`), {storm.workers} workers, {storm.agents}"
        f" agents, PostgreSQL, SeaweedFS and haproxy without sticky sessions share the machine with all clients;"
        f" {storm.weather.seconds / 60:g} minutes of faults, one every {storm.weather.gap:g} s in the mean, seed"
        f" {storm.seed}. Made by `{command}`.",
        "",
        "*Attempted* is what clients began, *acknowledged* what they were told was done. Whoever is cut off or sent"
        " away tries again, as docker and scripts do; *asked again* counts those requests by what was answered, *given"
        " up* what did not come about in two and a half minutes or was refused.",
        "",
        "| scenario | attempted | acknowledged | given up | asked again |",
        "|---|---:|---:|---|---|",
        *(_count(name, count) for name, count in ledger.counts.items() if count.attempted),
        "",
        "| fault | times |",
        "|---|---:|",
        *(f"| {kind} | {times} |" for kind, times in sorted(ledger.faults.items())),
        "",
        "| looked at afterwards | how many |",
        "|---|---:|",
        f"| acknowledged manifests, read and hashed | {verified.manifests} |",
        f"| acknowledged blobs, read and hashed | {verified.blobs} |",
        f"| tags listed, all of whole images | {verified.tags} |",
        f"| jobs, each with exactly one end | {sum(verified.jobs.values())} ({_told(verified.jobs)}) |",
        f"| lines of jobs, numbered without a gap | {verified.lines} |",
        f"| followers, each told every line once and the end once | {verified.followers}"
        f" ({verified.reconnects} further answers to their coming again) |",
        f"| records of the audit trail, its chain whole | {verified.audit[0]} (numbers left out in"
        f" {verified.audit[1]} places: a database that crashes leaves out those it had made ready) |",
        f"| **losses** | **{len(ledger.losses)}** |",
        "",
        "| jobs | done | ended otherwise |",
        "|---|---:|---|",
        *_jobs(ledger.counts),
        "",
        f"Exits of processes that nobody caused: {_told(Counter(f'{name} {code}' for name, code in outcome.ended))}."
        f" Tracebacks in their logs: {_told(outcome.tracebacks)}.",
        *(["", *losses, *broken] if losses or broken else []),
    ]


def _count(name: str, count: Count) -> str:
    return f"| {name} | {count.attempted} | {count.acknowledged} | {_told(count.failed)} | {_told(count.retried)} |"


def _jobs(counts: Mapping[str, Count]) -> Sequence[str]:
    kinds = sorted({name.removeprefix("… ").removesuffix(": done") for name in counts if name.startswith("…")})
    return [
        f"| {kind} | {counts[f'… {kind}: done'].acknowledged if f'… {kind}: done' in counts else 0} |"
        f" {_told(counts[f'… {kind}'].failed) if f'… {kind}' in counts else 'none'} |"
        for kind in kinds
    ]


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in sorted(counts.items(), key=lambda each: -each[1])) or "none"
