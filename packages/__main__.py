"""python -m packages: build every package that is missing or stale, and say how large it is against Lambda's limits."""

from __future__ import annotations

import json
import sys

from packages.build import BuildError, build
from packages.plan import place, wanted

_MIB = 1024 * 1024


def main() -> int:
    try:
        for source, architecture in wanted():
            if not build(source, architecture):
                continue
            sizes = json.loads(place(source, architecture).manifest.read_text(encoding="utf-8"))
            print(f"{source.name} for {architecture}: " + ", ".join(
                f"{part} {sizes[part]['zipped'] / _MIB:.1f} MiB zipped (of 50), "
                f"{sizes[part]['unzipped'] / _MIB:.1f} MiB unzipped"
                for part in ("code", "layer") if part in sizes
            ) + " (of 250 together)")  # fmt: skip
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
