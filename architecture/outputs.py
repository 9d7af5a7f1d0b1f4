"""What a stack tells the outside, and other stacks: each part says it itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pulumi


class Tells(Protocol):
    """A part that has outputs: name → value."""

    @property
    def outputs(self) -> Mapping[str, Any]: ...


def export(*parts: Tells | None) -> None:
    """Export what each of `parts` tells; a part that the stack does not have is None and tells nothing."""
    for part in parts:
        if part is not None:
            for name, value in part.outputs.items():
                pulumi.export(name, value)
