"""All kinds of evidence: what a cataloger looks for."""

from __future__ import annotations

from lading.inventory.apk import APK
from lading.inventory.chisel import CHISEL
from lading.inventory.dotnet_packages import EVIDENCE as DOTNET
from lading.inventory.dpkg import DPKG
from lading.inventory.evidence import Evidence
from lading.inventory.java_packages import EVIDENCE as JAVA
from lading.inventory.npm_packages import EVIDENCE as NPM
from lading.inventory.os_release import OS_RELEASE
from lading.inventory.php_packages import EVIDENCE as PHP
from lading.inventory.program_packages import EVIDENCE as PROGRAM
from lading.inventory.python_packages import EVIDENCE as PYTHON
from lading.inventory.rpm import RpmDatabase, rpm_evidence
from lading.inventory.ruby_packages import EVIDENCE as RUBY

_LANGUAGES = (*PYTHON, *NPM, *PROGRAM, *JAVA, *RUBY, *DOTNET, *PHP)


def evidence_kinds(read_sqlite: RpmDatabase) -> tuple[Evidence, ...]:
    """`read_sqlite` opens rpm's databases of that form, as this room does no input or output."""
    return (OS_RELEASE, *DPKG, CHISEL, APK, *rpm_evidence(read_sqlite), *_LANGUAGES)
