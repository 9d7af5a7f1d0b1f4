"""Names for what AWS gives few characters."""

from __future__ import annotations

import hashlib
from typing import Final

_DIGEST: Final = 4


def shortened(name: str, most: int, *, ending: str = "") -> str:
    """`name` and `ending`, as they are where they have at most so many characters, else `digested`."""
    whole = f"{name}{ending}"
    return whole if len(whole) <= most else digested(name, most, ending=ending)


def digested(name: str, most: int, *, ending: str = "", also: str = "") -> str:
    """As many whole words of `name` as there is room for, `ending`, and a digest of all of it, so that two long names
    stay two.

    :param also: What the digest is of besides.
    """
    digest = hashlib.sha256(f"{name}{ending}{also}".encode()).hexdigest()[:_DIGEST]
    room = most - len(ending) - len(digest) - 1
    kept = name if len(name) <= room else name[: room + 1].rpartition("-")[0] or name[:room]
    return f"{kept}{ending}-{digest}"
