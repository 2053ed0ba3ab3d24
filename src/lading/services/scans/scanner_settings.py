"""Which scanner looks at images: one is chosen for all environments, and any of them may have its own.

setting `scanner`                 for all; not set: none, so nothing runs until somebody chooses
environment row's `scanner`       for one; empty: the one for all
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lading.errors import InputInvalid
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.audit.trail import admit, admit_somewhere
from lading.services.environments.records import EnvironmentRecords, EnvironmentRow
from lading.services.findings.scanner import Probe, ScannerName
from lading.services.named_rows import RowUnknown
from lading.services.scans.scanner_choice import ScannerChoice
from lading.services.setting_records import SettingRecords
from lading.wire.message import Cancel

SETTING = "scanner"


class ScannerUnknown(InputInvalid):
    """A scanner that is none of ours."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self.hint = f"Choose one of {', '.join(ScannerName)}."

    def __str__(self) -> str:
        return f"there is no scanner {self.text!r}"


class ScannerUnsaid(InputInvalid):
    """The one for all must be one."""

    hint = f"Send scanner as one of {', '.join(ScannerName)}; only an environment may follow the one for all."

    def __str__(self) -> str:
        return "scanner is required"


def scanner_named(text: str | None) -> ScannerName | None:
    """None where nothing is said. Raises ScannerUnknown."""
    if text is None:
        return None
    try:
        return ScannerName(text)
    except ValueError:
        raise ScannerUnknown(text) from None


@dataclass(frozen=True, slots=True)
class ScannerSetting:
    """What looks at images here; `inherited`: it is the one for all. `probes` say of each scanner whether it can."""

    scanner: ScannerName
    inherited: bool
    probes: Mapping[str, Probe]


class ScannerSettings:
    """For any number of threads."""

    def __init__(
        self, environments: EnvironmentRecords, settings: SettingRecords, choice: ScannerChoice, trail: Trail
    ) -> None:
        self._environments, self._settings, self._choice, self._trail = environments, settings, choice, trail

    def chosen(self, own: ScannerName | None) -> ScannerName:
        """What an environment's own choice comes to. Raises StorageFailed."""
        return _chosen(self._settings, own)

    def get(self, actor: Actor, environment: int | None, cancel: Cancel) -> ScannerSetting:
        """Of one environment; None: of all. Raises Denied, RowUnknown, StorageFailed, Cancelled."""
        own: ScannerName | None = None
        if environment is None:
            admit_somewhere(self._trail, actor, Permission.SCANS_VIEW, _deed("view", None, "", {}))
        else:
            admit(self._trail, actor, Permission.SCANS_VIEW, _deed("view", environment, "", {}))
            own = self._row(environment).scanner
        return ScannerSetting(self.chosen(own), environment is not None and own is None, self._choice.probes(cancel))

    def put(self, actor: Actor, environment: int | None, scanner: ScannerName | None) -> None:
        """For one environment, None there: the one for all; or for all. Raises Denied, RowUnknown, ScannerUnsaid,
        StorageFailed."""
        details: dict[str, object] = {"scanner": scanner and scanner.value}
        if environment is not None:
            admit(self._trail, actor, Permission.ENVIRONMENTS_EDIT, _deed("update", environment, "", details))
            name = self._choose(environment, scanner)
        else:
            admit(self._trail, actor, Permission.SETTINGS_EDIT, _deed("update", None, "", details))
            if scanner is None:
                raise ScannerUnsaid
            self._settings.put_setting(SETTING, scanner.value)
            name = ""
        self._trail.record(actor, _deed("update", environment, name, details), Result.DONE)

    def _choose(self, environment: int, scanner: ScannerName | None) -> str:
        while True:  # again where somebody else changed the row in between
            row = self._row(environment)
            if self._environments.change_environment(row, replace(row, scanner=scanner)):
                return row.name

    def _row(self, environment: int) -> EnvironmentRow:
        row = self._environments.environment(environment)
        if row is None:
            raise RowUnknown("environment", environment)
        return row


def chosen_in(environments: EnvironmentRecords, settings: SettingRecords, environment: int) -> ScannerName:
    """What looks at images of this environment, or would where it is gone. Raises StorageFailed."""
    row = environments.environment(environment)
    return _chosen(settings, row.scanner if row is not None else None)


def _chosen(settings: SettingRecords, own: ScannerName | None) -> ScannerName:
    if own is not None:
        return own
    kept = settings.setting(SETTING)
    return ScannerName(kept) if isinstance(kept, str) and kept in set(ScannerName) else ScannerName.NONE


def _deed(action: str, environment: int | None, name: str, details: dict[str, object]) -> Deed:
    return Deed(action, "scanner", SETTING, name or SETTING, environment, details)
