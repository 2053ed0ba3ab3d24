"""What rules of retention let go of in one repository: one evaluation, for the preview and for the run. Pure.

    a tag that a person gave   goes where a rule is about it and none of those keeps it, unless it is protected
    a list of what is attached `sha256-<hex>`, and cosign's tags: stays and goes with the image that it is about
    a manifest                 goes where no tag needs it, so long after it lost its last tag as the rules say, unless
                               somebody was told of it lately: a client pushes nothing that is there already;
                               what an index or an image that stays needs, or what refers to that, stays

Protection wins, and says so: by the same judgement as every other deletion (repositories.protection). Of several rules,
a tag stays that one of them keeps, and what has no tag stays as long as the longest says. Bytes go by collection.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from lading.engine.removal_order import parents_first
from lading.oci.digest import Digest
from lading.oci.reference import fallback_tag
from lading.services.repositories.edits import DropManifest, DropTag, Edit
from lading.services.repositories.protection import Protection, is_attached
from lading.services.repositories.records import Decide, RepositoryView
from lading.services.repositories.retention_rules import DAY, RetentionRule
from lading.services.repositories.rows import ManifestRow, NamedTag
from lading.services.repositories.rules import Rule, Step, matches_one

NO_RULE = "no rule is about it"

Leased = Callable[[Collection[Digest]], Collection[Digest]]
"""Which of these somebody was told of lately."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a tag stays, by which rule and why; `rule` None: by none."""

    tag: NamedTag
    kept: bool
    rule: RetentionRule | Rule | None
    why: str


class Retention:
    """One repository's, while somebody looks or a decision is made; everything is read once, if it is asked."""

    def __init__(
        self,
        view: RepositoryView,
        repository: str,
        now: float,
        rules: Sequence[RetentionRule] | None = None,
        spared: Collection[Digest] = (),
    ) -> None:
        """`rules` None: those that there are; else these in place of the repository's own. `now` is in seconds since
        1970. What is `spared` somebody was just told of, and counts on."""
        self._view, self._repository, self._now, self._own, self._spared = view, repository, now, rules, spared
        self._protection = Protection(view, repository, now)

    @cached_property
    def rules(self) -> Sequence[RetentionRule]:
        """Those that concern the repository; its own first."""
        own = self._view.own_retention() if self._own is None else self._own
        return [*own, *(rule for rule in self._view.wide_retention() if rule.concerns(self._repository))]

    def verdicts(self) -> Sequence[Verdict]:
        """Of every tag, in order."""
        return sorted([*self.of_tags(), *self.of_lists()], key=lambda verdict: verdict.tag.name)

    def of_tags(self) -> Iterator[Verdict]:
        """Of those that people gave, in order."""
        newest = [(rule, self._newest(rule)) for rule in self.rules]
        for tag in self._given:
            yield self._verdict(tag, [(rule, names) for rule, names in newest if rule.names(tag.name)])

    def of_lists(self) -> Iterator[Verdict]:
        """Of those that are about images, in order. Where nothing without a tag goes, all stay."""
        for tag in self._lists:
            protected = self._protection.judged(tag, Step.DELETE).rule
            if protected is not None:
                yield Verdict(tag, kept=True, rule=protected, why=_protected(protected))
            elif self._is_young(tag.pointed) or not self._attached_to(tag).isdisjoint(self._staying):
                yield Verdict(tag, kept=True, rule=None, why="it stays with the image that it is about")
            else:
                yield Verdict(tag, kept=False, rule=self._sweeping, why="the image that it is about goes, or is gone")

    def untagged(self) -> Sequence[ManifestRow]:
        """What goes because no tag needs it, each before what it needs itself."""
        if self._sweeping is None:
            return []
        going = {digest: row for digest, row in self._rows.items() if digest not in self._staying}
        below = {digest: [child for child in row.children if child in going] for digest, row in going.items()}
        return [going[digest] for digest in parents_first(going, below)]

    # ── tags

    def _verdict(self, tag: NamedTag, about: Sequence[tuple[RetentionRule, Collection[str]]]) -> Verdict:
        if not about:
            return Verdict(tag, kept=True, rule=None, why=NO_RULE)
        protected = self._protection.judged(tag, Step.DELETE).rule
        if protected is not None:
            return Verdict(tag, kept=True, rule=protected, why=_protected(protected))
        for rule, newest in about:
            why = self._why_kept(tag, rule, newest)
            if why is not None:
                return Verdict(tag, kept=True, rule=rule, why=why)
        return Verdict(tag, kept=False, rule=about[0][0], why=_why_gone([rule for rule, _ in about]))

    def _why_kept(self, tag: NamedTag, rule: RetentionRule, newest: Collection[str]) -> str | None:
        if matches_one(tag.name, rule.keep_tags):
            return f"a pattern keeps it: {', '.join(rule.keep_tags)}"
        if tag.name in newest:
            return f"it is one of the newest {rule.keep_newest}"
        if self._within(tag.pointed, rule.keep_pushed_days):
            return f"it moved within {rule.keep_pushed_days:g} days"
        if rule.keep_pulled_days is not None and self._within(self._used(tag), rule.keep_pulled_days):
            return f"it was pulled, or moved, within {rule.keep_pulled_days:g} days"
        return None

    def _newest(self, rule: RetentionRule) -> Collection[str]:
        """Tags that moved in the same instant: the last by name are the newer ones."""
        if not rule.keep_newest:
            return ()
        about = [tag for tag in self._given if rule.names(tag.name)]
        about.sort(key=lambda tag: (tag.pointed, tag.created, tag.name), reverse=True)
        return {tag.name for tag in about[: rule.keep_newest]}

    def _used(self, tag: NamedTag) -> float:
        """When somebody last asked for it or for what it names, or it came to name that: Docker asks by digest."""
        row = self._rows.get(tag.digest)
        named = [] if row is None else [row, *(self._rows[child] for child in row.children)]
        return max(tag.pointed, tag.pulled or 0.0, *(each.pulled or 0.0 for each in named))

    def _within(self, at: float, days: float | None) -> bool:
        return days is not None and self._now - at < days * DAY

    # ── what has no tag

    @cached_property
    def _sweeping(self) -> RetentionRule | None:
        """The rule whose time for what has no tag is the longest; None where all of it stays."""
        telling = [rule for rule in self.rules if rule.untagged_after_days is not None]
        return max(telling, key=lambda rule: rule.untagged_after_days or 0.0, default=None)

    def _is_young(self, *times: float | None) -> bool:
        if self._sweeping is None:
            return True
        return self._within(max(at or 0.0 for at in times), self._sweeping.untagged_after_days)

    @cached_property
    def _staying(self) -> Collection[Digest]:
        """What tags need, kept or about to go, which leave it behind for a while; and what is too young to go."""
        young = [row.digest for row in self._rows.values() if self._is_young(row.pushed, row.pulled, row.untagged)]
        lists = [tag for tag in self._lists if self._is_young(tag.pointed) or self._is_protected(tag)]
        return self._needed([*(tag.digest for tag in (*self._given, *lists)), *young, *self._spared])

    def _needed(self, roots: Iterable[Digest]) -> Collection[Digest]:
        """All that is held below these, what refers to it, and the lists of that."""
        about = _by_subject(self._rows.values())
        lists = _by_base(self._lists)
        found: set[Digest] = set()
        waiting = list(roots)
        while waiting:
            digest = waiting.pop()
            row = self._rows.get(digest)
            if digest in found or row is None:
                continue
            found.add(digest)
            waiting += [*row.children, *about.get(digest, ()), *lists.get(fallback_tag(digest), ())]
        return found

    def _attached_to(self, tag: NamedTag) -> set[Digest]:
        return self._by_fallback.get(tag.name.partition(".")[0], set())

    def _is_protected(self, tag: NamedTag) -> bool:
        return self._protection.judged(tag, Step.DELETE).rule is not None

    # ── what is read

    @cached_property
    def _tags(self) -> Sequence[NamedTag]:
        return self._view.all_tags()

    @cached_property
    def _given(self) -> Sequence[NamedTag]:
        return [tag for tag in self._tags if not is_attached(tag.name)]

    @cached_property
    def _lists(self) -> Sequence[NamedTag]:
        return [tag for tag in self._tags if is_attached(tag.name)]

    @cached_property
    def _rows(self) -> Mapping[Digest, ManifestRow]:
        return {row.digest: row for row in self._view.manifest_rows()}

    @cached_property
    def _by_fallback(self) -> Mapping[str, set[Digest]]:
        found: dict[str, set[Digest]] = {}
        for digest in self._rows:
            found.setdefault(fallback_tag(digest), set()).add(digest)
        return found


def drop_tags(repository: str, now: float, most: int) -> Decide:
    """At most so many of those that the rules let go of."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        protection, edits = Protection(view, repository, now), list[Edit]()
        gone = [verdict.tag for verdict in Retention(view, repository, now).of_tags() if not verdict.kept]
        for tag in gone[:most]:
            edits += [*protection.delete(tag), DropTag(tag.name)]
        return edits

    return decide


def drop_untagged(repository: str, now: float, most: int, spared: Collection[Digest] = ()) -> Decide:
    """At most so many manifests that no tag needs, with the lists that name them or were about them; but for what is
    `spared`."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        retention = Retention(view, repository, now, spared=spared)
        protection = Protection(view, repository, now)
        rows = retention.untagged()
        lists: dict[Digest, list[NamedTag]] = {}
        for verdict in retention.of_lists():
            if not verdict.kept:
                lists.setdefault(verdict.tag.digest, []).append(verdict.tag)
        going = {row.digest for row in rows}
        left = [tag for digest, tags in lists.items() if digest not in going for tag in tags]
        edits: list[Edit] = []
        for tag in left[:most]:  # of what stays under another name
            edits += [*protection.delete(tag), DropTag(tag.name)]
        for row in rows[:most]:
            edits += protection.keep(row.digest, Step.DELETE)
            for tag in lists.get(row.digest, ()):
                edits += [*protection.delete(tag), DropTag(tag.name)]
            edits.append(DropManifest(row.digest))
        return list(dict.fromkeys(edits))

    return decide


def _protected(rule: Rule) -> str:
    return f"a rule protects it: {rule}"


def _why_gone(rules: Sequence[RetentionRule]) -> str:
    """What it would have taken to stay."""
    asked = []
    for rule in rules:
        if rule.keep_newest is not None:
            asked.append(f"not one of the newest {rule.keep_newest}" if rule.keep_newest else "none is kept by number")
        if rule.keep_pushed_days is not None:
            asked.append(f"not moved within {rule.keep_pushed_days:g} days")
        if rule.keep_pulled_days is not None:
            asked.append(f"neither pulled nor moved within {rule.keep_pulled_days:g} days")
    return "; ".join(dict.fromkeys(asked))


def _by_subject(rows: Iterable[ManifestRow]) -> Mapping[Digest, Sequence[Digest]]:
    found: dict[Digest, list[Digest]] = {}
    for row in rows:
        if row.subject is not None:
            found.setdefault(row.subject, []).append(row.digest)
    return found


def _by_base(lists: Iterable[NamedTag]) -> Mapping[str, Sequence[Digest]]:
    found: dict[str, list[Digest]] = {}
    for tag in lists:
        found.setdefault(tag.name.partition(".")[0], []).append(tag.digest)
    return found
