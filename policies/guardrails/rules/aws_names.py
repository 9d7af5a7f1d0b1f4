"""Where AWS resources carry their names, and how long these may be (AWS service documentation, by type).

The table is a file of its own, so that the program can read it too: neither imports the other.
"""

from __future__ import annotations

import json
from pathlib import Path

_FILE = Path(__file__).resolve().parent.parent / "aws_names.json"

NAMES: dict[str, tuple[str, int]] = {
    type_: (key, longest) for type_, (key, longest) in json.loads(_FILE.read_text(encoding="utf-8")).items()
}
"""Type → the property that holds the name, and the number of characters it may have."""

SUFFIX_LENGTH = 8
"""What Pulumi adds to a name of its own making: a hyphen and seven random characters."""
