"""Where in the program a resource is declared: the line of the stack or layer, and the lines of components behind it.

The SDK sends a stack trace with each registration. Its own is made of all frames, its internals and this rehearsal's
among them, and reads each file for its lines; this one holds the program's own frames only, which is what a finding
names, and costs a tenth.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Final
from urllib.parse import unquote, urlsplit

import pulumi
from pulumi.runtime.proto import source_pb2

from rehearsal.lines import Line, Source

_NOT_THE_PROGRAMS: Final = frozenset({"site-packages", "dist-packages", "rehearsal"})
_CONSTRUCTORS: Final = frozenset({"__init__", "_internal_init", "__call__"})
_CAUSE: Final = 1
"""The column that marks the frame which a finding names: the protocol's frames have nothing else to carry it."""


def tracer(folder: Path) -> Callable[[], source_pb2.StackTrace]:
    """What takes a stack trace of the program in `folder`, in place of the SDK's own."""
    known: dict[str, str] = {}

    def uri(filename: str) -> str:
        """The file's address, empty for what is not the program's own."""
        if filename not in known:
            path = Path(filename)
            own = path.is_absolute() and path.is_relative_to(folder)
            foreign = own and _NOT_THE_PROGRAMS.intersection(path.relative_to(folder).parts)
            known[filename] = path.as_uri() if own and not foreign else ""
        return known[filename]

    def trace() -> source_pb2.StackTrace:
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 the only way to the callers
        made: object = None
        while frame is not None and not isinstance(made := frame.f_locals.get("self"), pulumi.Resource):
            frame = frame.f_back
        # Its own constructors say nothing: who calls them does.
        while frame is not None and frame.f_code.co_name in _CONSTRUCTORS and frame.f_locals.get("self") is made:
            frame = frame.f_back
        own: list[FrameType] = []
        while frame is not None:
            if uri(frame.f_code.co_filename):
                own.append(frame)
            frame = frame.f_back
        inside = [isinstance(one.f_locals.get("self"), pulumi.ComponentResource) for one in own]
        # The first line from which all further out is outside of every component.
        cause = len(inside) - inside[::-1].index(True) if True in inside else 0
        return source_pb2.StackTrace(
            frames=[
                source_pb2.StackFrame(
                    pc=source_pb2.SourcePosition(
                        uri=uri(one.f_code.co_filename), line=one.f_lineno, column=_CAUSE if index == cause else 0
                    )
                )
                for index, one in enumerate(own)
            ]
        )

    return trace


def source(frames: Iterable[source_pb2.StackFrame], folder: Path) -> Source | None:
    """What a registration's stack trace says, `tracer`'s; None where it says nothing."""
    within: list[Line] = []
    for frame in frames:
        path = Path(unquote(urlsplit(frame.pc.uri).path))
        line = Line(path.relative_to(folder).as_posix(), frame.pc.line)
        if frame.pc.column == _CAUSE:
            return Source(line, tuple(reversed(within)))
        within.append(line)
    return None
