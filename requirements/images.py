"""Raise the log router's image to the newest release of its line, 3.x to 3.x. Run by `make upgrade`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "https://github.com/aws/aws-for-fluent-bit"
"""Its tags are the versions of the image: v3.4.17 is init-3.4.17 in ECR."""
FILE = ROOT / "components" / "compute" / "log_router.py"
_PINNED = re.compile(r'(?m)^IMAGE_VERSION = "init-(\d+(?:\.\d+)+)"$')


class UpgradeError(Exception):
    """Why the image stays as it is, and what to do about it."""


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def raise_image(file: Path = FILE, source: str = SOURCE) -> tuple[str, str]:
    """Write the newest version into `file`; what stood there, and what stands there now."""
    text = file.read_text(encoding="utf-8")
    pinned = _PINNED.search(text)
    if pinned is None:
        raise UpgradeError(f'{file.name} has no line IMAGE_VERSION = "init-…"')
    old = pinned[1]
    listed = subprocess.run(  # noqa: S603 - the arguments are this file's own
        ["git", "ls-remote", "--tags", "--refs", source],  # noqa: S607 - whichever git there is
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        raise UpgradeError(f"{source} cannot be read; the log router's image stays at {old}: {listed.stderr.strip()}")
    released = re.findall(r"(?m)\trefs/tags/v(\d+(?:\.\d+)+)$", listed.stdout)
    line = [one for one in released if version(one)[0] == version(old)[0]]
    new = max([old, *line], key=version)
    file.write_text(text.replace(pinned[0], f'IMAGE_VERSION = "init-{new}"'), encoding="utf-8")
    return old, new


def main() -> int:
    try:
        old, new = raise_image()
    except UpgradeError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"the log router's image: {new}" + (f", was {old}: try it with a fluent-bit in PATH" if new != old else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
