"""Texts of a report as XML can hold them: https://www.w3.org/TR/xml/#charsets."""

from __future__ import annotations

import re
from typing import Final

_NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def valid(text: str) -> str:
    """Without the signs that XML has no way to write, control characters for one."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
