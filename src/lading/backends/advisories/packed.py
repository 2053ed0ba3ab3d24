"""Parts of records as they are kept: JSON without blanks, deflated from a dictionary of what most of them say.

Records are short, so without the dictionary each would pay again for the names of its fields.
"""

from __future__ import annotations

import json
import zlib

PART_LIMIT = 64 * 1024 * 1024
"""The longest part, in bytes, that is unpacked."""

_LEVEL = 6
_COMMON = b"".join(
    (
        b'"database_specific":{"malicious-packages-origins":[{"source":"ossf-package-analysis","sha256":"',
        b'"import_time":"2025-01-01T00:00:00.000000000Z","modified_time":"2024-12-31T00:00:00Z","versions":["1.0.0"]}]}',
        b'"credits":[{"name":"","contact":["https://"],"type":"FINDER"}]',
        b'"ecosystem_specific":{"imports":[{"path":"github.com/","symbols":[""]}],"severity":"Moderate","urgency":',
        b'"not yet assigned","ubuntu_priority":"medium","binaries":[{"binary_name":"lib","binary_version":"1.0-1',
        b'"availability":"No subscription required","affects":{"arch":[],"os":[],"functions":[]},"informational":null',
        b'"database_specific":{"severity":"MODERATE","github_reviewed":true,"github_reviewed_at":"2024-01-01T00:00:00Z"',
        b'"nvd_published_at":"2024-01-01T00:00:00Z","cwe_ids":["CWE-79"],"last_known_affected_version_range":"<= ',
        b'"review_status":"REVIEWED","url":"https://pkg.go.dev/vuln/GO-2024-"',
        b'"source":"https://github.com/github/advisory-database/blob/main/advisories/github-reviewed/2024/01/GHSA-"',
        b'"severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}]',
        b'"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]',
        b'"references":[{"type":"ADVISORY","url":"https://nvd.nist.gov/vuln/detail/CVE-2024-"},{"type":"WEB",',
        b'"url":"https://github.com/"},{"type":"FIX","url":"https://github.com/pull/"},{"type":"REPORT","url":"https://',
        b'{"type":"PACKAGE","url":"https://www.npmjs.com/package/"}',
        b'"summary":"Malicious code in  (npm)","details":"The package was found to contain malicious code. ',
        b"An attacker could use this vulnerability to allows remote attackers to execute arbitrary code via a crafted ",
        b'{"schema_version":"1.7.0","id":"GHSA-","modified":"2024-01-01T00:00:00Z","published":"2024-01-01T00:00:00Z",',
        b'"aliases":["CVE-2024-","GHSA-"],"upstream":["CVE-2024-"],"related":["CVE-2024-"],"withdrawn":"202',
        b'"versions":["1.0.0","1.0.1","1.1.0","1.2.0","2.0.0","0.1.0","0.0.1"],',
        b'[{"package":{"name":"github.com/","ecosystem":"Ubuntu:22.04:LTS","purl":"pkg:deb/ubuntu/@?arch=source&distro=',
        b'{"package":{"ecosystem":"AlmaLinux:9","name":""},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},',
        b'"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.0.0"},{"last_affected":"1.0.0"}]}]}]',
    )
)


def packed(part: object) -> bytes:
    """JSON values only. Raises ValueError where there are others."""
    deflating = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15, zdict=_COMMON)
    text = json.dumps(part, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return deflating.compress(text.encode("utf-8", "surrogatepass")) + deflating.flush()


def unpacked(content: bytes) -> object:
    """What was packed. Raises ValueError where it is damaged."""
    inflating = zlib.decompressobj(-15, zdict=_COMMON)
    try:
        text = inflating.decompress(content, PART_LIMIT)
    except zlib.error as error:
        raise ValueError("it does not unpack") from error
    if not inflating.eof:
        raise ValueError("it is cut off, or too long")
    return json.loads(text.decode("utf-8", "surrogatepass"))
