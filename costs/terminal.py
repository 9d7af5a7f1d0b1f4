"""The terminal of the commands, or what stands in its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console
from rich.segment import Segment

_ORDERS: Final = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n"}


class Terminal(Console):
    """One that obeys nobody but the command: signs in a name or message that would steer it, an escape sequence for
    one, are replaced."""

    def render(self, *given: Any, **said: Any) -> Iterable[Segment]:
        for text, style, control in super().render(*given, **said):
            yield Segment(text if control else text.translate(_ORDERS), style, control)
