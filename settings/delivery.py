"""Settings of what brings changes to AWS: builds, GitHub Actions for what runs, Amplify for a front end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from components.delivery.build import BuildArgs, spec_mistakes
from components.errors import Mistake, nearest
from components.values import Days, Name

if TYPE_CHECKING:
    from settings import Settings

SPECS: Final = Path(__file__).resolve().parent.parent / "workloads" / "builds"


class BuildSettings(BuildArgs):
    """Builds, by which specification, and for how long their results are kept."""

    spec: Name = "functions"
    """The file workloads/builds/<spec>.yml with the commands."""

    keep_days: Days = 30
    """Days until what was built is deleted."""

    @property
    def commands(self) -> str:
        """The text of the specification."""
        return (SPECS / f"{self.spec}.yml").read_text(encoding="utf-8")

    def mistakes(self) -> Iterator[Mistake]:
        yield from super().mistakes()
        known = sorted(path.stem for path in SPECS.glob("*.yml"))
        if self.spec in known:
            yield from spec_mistakes(self.commands)
        else:
            why = f"is no file of workloads/builds; {nearest(self.spec, known)}there are: {', '.join(known)}"
            yield Mistake("spec", self.spec, why)


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What a free tier does not hold, and what nothing could be built for."""
    if settings.free_tier and settings.build is not None:
        yield "build", "costs money for every build beyond 100 minutes, and freeTier is set; remove one of the two"
    if settings.free_tier and settings.front_end is not None:
        yield "frontEnd", "costs money for every build and visit, and freeTier is set; remove one of the two"
