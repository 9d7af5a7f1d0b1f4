"""Draw every stack into docs/pictures/: `make docs-pictures`, after a change of what stacks are made of.

A test holds the pictures against the rehearsed stacks; they are the same on every machine.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "docs" / "pictures"
sys.path.insert(0, str(ROOT))

from changes.model import ChangeError  # noqa: E402 this file is run by its path
from changes.sides import this_tree  # noqa: E402
from pictures.layout import layout  # noqa: E402
from pictures.model import picture  # noqa: E402
from pictures.svg import svg  # noqa: E402
from rehearsal.stacks import stack_names  # noqa: E402


def main() -> None:
    """Write those of the stacks that are named, or of all."""
    FOLDER.mkdir(exist_ok=True)
    stacks = stack_names(ROOT)
    for path in FOLDER.glob("*.svg"):
        if path.stem not in stacks:
            path.unlink()
    for stack in sys.argv[1:] or stacks:
        try:
            told = this_tree(ROOT, stack).report
        except ChangeError as error:
            sys.exit(f"{error.message}\n{error.remedy or ''}")
        if told is not None:
            drawn = picture(told)
            (FOLDER / f"{stack}.svg").write_text(svg(drawn, layout(drawn)), encoding="utf-8")


if __name__ == "__main__":
    main()
