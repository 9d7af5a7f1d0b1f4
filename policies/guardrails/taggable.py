"""Which AWS types take tags: the list in taggable.txt, read from the installed pulumi-aws.

`python -m guardrails.taggable` writes it again after an update of pulumi-aws. It is a file of its own because reading
the answer from the package costs a second at every start.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_FILE = Path(__file__).with_suffix(".txt")
_TOKEN = re.compile(r"'(aws:\w+/\w+:\w+)',\s*resource_name")
_CONSTRUCTOR = re.compile(r"def _internal_init\(__self__.*?\):\n", re.DOTALL)


@cache
def taggable_types() -> frozenset[str]:
    return frozenset(_FILE.read_text(encoding="utf-8").split())


def types_in_package() -> list[str]:
    """The types whose constructor takes `tags`, read from the sources without importing them."""
    spec = find_spec("pulumi_aws")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("pulumi-aws is not installed")
    found: set[str] = set()
    for source in Path(spec.submodule_search_locations[0]).glob("*/*.py"):
        text = source.read_text(encoding="utf-8")
        constructor = _CONSTRUCTOR.search(text)
        if constructor and "\n                 tags:" in constructor.group(0):
            found.update(_TOKEN.findall(text))
    return sorted(found)


if __name__ == "__main__":
    _FILE.write_text("\n".join(types_in_package()) + "\n", encoding="utf-8")
