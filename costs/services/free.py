"""Types that cost nothing, and types whose price is not known here, each with the reason (types.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

_DOCUMENT: Final = json.loads((Path(__file__).parent.parent / "types.json").read_text("utf-8"))

FREE: Final[dict[str, str]] = {type_: reason for reason, types in _DOCUMENT["free"].items() for type_ in types}
"""Why a type costs nothing by itself."""

NOT_PRICED: Final[dict[str, str]] = _DOCUMENT["not_priced"]
"""Why the price of a type is not known."""
