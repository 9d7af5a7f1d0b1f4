"""How long AWS lets names be: the table of the policy pack, read as a file, so that the fact stands once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).resolve().parent.parent / "policies" / "guardrails" / "aws_names.json"

NAMES: Final[dict[str, tuple[str, int]]] = {
    type_: (key, longest) for type_, (key, longest) in json.loads(_FILE.read_text(encoding="utf-8")).items()
}
"""Type → the property that holds the name, as the provider spells it, and the most characters that AWS takes."""

SUFFIX_LENGTH: Final = len("-1234567")
"""What Pulumi adds to a name of its own making."""


def longest(type_: str) -> int:
    return NAMES[type_][1]
