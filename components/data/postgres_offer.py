"""What AWS offers of PostgreSQL: versions and instance classes, so that a typo is found before anything is made.

AWS adds versions several times a year. A pinned version must be in the table; a major version alone needs only its
family, and AWS chooses the minor version.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from typing import Literal

from ..errors import Mistake

Engine = Literal["aurora-postgresql", "postgres"]

# Major → its minor versions. Sources: Aurora PostgreSQL release calendar; Amazon RDS for PostgreSQL release calendar.
_VERSIONS: dict[Engine, dict[int, tuple[int, ...]]] = {
    "aurora-postgresql": {
        13: (9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 21, 22, 23),
        14: (6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 18, 19, 20),
        15: (2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15),
        16: (1, 2, 3, 4, 6, 8, 9, 10, 11),
        17: (4, 5, 6, 7),
    },
    "postgres": {
        13: (15, 16, 17, 18, 20, 21, 22, 23),
        14: (12, 13, 14, 15, 17, 18, 19, 20),
        15: (7, 8, 9, 10, 12, 13, 14, 15),
        16: (3, 4, 5, 6, 8, 9, 10, 11),
        17: (1, 2, 4, 5, 6, 7),
        18: (1,),
    },
}

_SERVERLESS = "db.serverless"

_SIZES_GIB = {
    "large": 1.0, "xlarge": 2.0, "2xlarge": 4.0, "4xlarge": 8.0, "8xlarge": 16.0, "12xlarge": 24.0, "16xlarge": 32.0,
    "24xlarge": 48.0, "32xlarge": 64.0, "48xlarge": 96.0,
}  # fmt: skip
_UP_TO_16 = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_UP_TO_24 = (*_UP_TO_16, "24xlarge")
_UP_TO_48 = (*_UP_TO_24, "48xlarge")

# Family → GiB of memory of its size "large", and its sizes.
_MEMORY_OPTIMISED: dict[str, tuple[float, tuple[str, ...]]] = {
    "r5": (16, _UP_TO_24),
    "r6g": (16, _UP_TO_16),
    "r6i": (16, (*_UP_TO_24, "32xlarge")),
    "r7g": (16, _UP_TO_16),
    "r7i": (16, _UP_TO_48),
    "r8g": (16, _UP_TO_48),
}
_GENERAL: dict[str, tuple[float, tuple[str, ...]]] = {
    "m5": (8, _UP_TO_24),
    "m6g": (8, _UP_TO_16),
    "m6i": (8, (*_UP_TO_24, "32xlarge")),
    "m7g": (8, _UP_TO_16),
    "m7i": (8, _UP_TO_48),
    "m8g": (8, _UP_TO_48),
}
_BURSTABLE_GIB = {"micro": 1.0, "small": 2.0, "medium": 4.0, "large": 8.0, "xlarge": 16.0, "2xlarge": 32.0}
_AURORA_BURSTABLE = ("medium", "large")


def _classes(engine: Engine) -> dict[str, float]:
    aurora = engine == "aurora-postgresql"
    families = _MEMORY_OPTIMISED if aurora else {**_MEMORY_OPTIMISED, **_GENERAL}
    classes = {
        f"db.{family}.{size}": large * _SIZES_GIB[size] for family, (large, sizes) in families.items() for size in sizes
    }
    for family in ("t3", "t4g"):
        for size, memory in _BURSTABLE_GIB.items():
            if not aurora or size in _AURORA_BURSTABLE:
                classes[f"db.{family}.{size}"] = memory
    return classes


MEMORY_GIB: dict[Engine, dict[str, float]] = {
    "aurora-postgresql": _classes("aurora-postgresql"),
    "postgres": _classes("postgres"),
}
"""Instance class → GiB of memory."""


def version_mistakes(engine: Engine, version: str) -> Iterator[Mistake]:
    """A version that AWS does not offer, with the nearest that it does."""
    majors = _VERSIONS[engine]
    known = [str(major) for major in majors] + [f"{major}.{minor}" for major in majors for minor in majors[major]]
    if version in known:
        return
    newest = ", ".join(f"{major}.{minors[-1]}" for major, minors in majors.items())
    yield Mistake(
        "version",
        version,
        f"is not a version of {engine} that is known here; did you mean {_nearest_version(version, known)!r}? "
        f"Write a major version ({', '.join(map(str, majors))}) and AWS chooses its minor version and upgrades it, "
        f"or pin one, such as {newest}",
    )


def _nearest_version(version: str, known: list[str]) -> str:
    try:
        wanted = tuple(int(part) for part in version.split("."))
    except ValueError:
        return (difflib.get_close_matches(version, known, n=1, cutoff=0.0) or known)[0]

    def distance(candidate: str) -> tuple[float, ...]:
        major, _, minor = candidate.partition(".")
        far = abs(int(major) - wanted[0])
        if len(wanted) == 1 or not minor:
            # A major version alone is meant by a major version alone.
            return far, float(len(wanted) > 1 or bool(minor)), 0
        return far, 0, abs(int(minor) - wanted[1])

    return min(known, key=distance)


def major_of(version: str) -> str:
    """`17` of `17.5`."""
    return version.partition(".")[0]


def family_of(engine: Engine, version: str) -> str:
    """The family of parameter groups of a version."""
    return f"{engine}{major_of(version)}"


def class_mistakes(engine: Engine, instance_class: str) -> Iterator[Mistake]:
    """An instance class that AWS does not offer for the engine, with the nearest that it does."""
    known = [*MEMORY_GIB[engine], *([_SERVERLESS] if engine == "aurora-postgresql" else [])]
    if instance_class not in known:
        match = difflib.get_close_matches(instance_class, known, n=1, cutoff=0.0)[0]
        yield Mistake(
            "instance_class",
            instance_class,
            f"is not an instance class of {engine}; did you mean {match!r}? "
            "Small ones are db.t4g.medium and, for production, db.r6g.large",
        )


def max_connections(memory_gib: float) -> int:
    """How many connections PostgreSQL takes on an instance, by the formula of AWS's default parameter groups."""
    return min(math.floor(memory_gib * 1024**3 / 9_531_392), 5000)
