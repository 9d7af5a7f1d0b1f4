"""What reports are marked with, and values of the SDK's that JSON has no word for: light enough for every reader."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from costs import files

# https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 the mark of a secret, not one
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"

REDACTED: Final = "[secret]"
NOT_KNOWN: Final = "[unknown]"

STACK: Final = "pulumi:pulumi:Stack"
"""The type of the resource that all others are below."""

REPORT_VERSION: Final = files.REPORT_VERSION
REPORT_SCHEMA: Final = Path(__file__).with_name("report.schema.json")
"""What a report of this version has."""
