"""One run of the program, under the monitor, as the language host runs it; and what its failures mean."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import linecache
import logging
import os
import re
import runpy
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pulumi
from pulumi import _types
from pulumi.config import ConfigMissingError
from pulumi.runtime import mocks, resource, rpc
from pulumi.runtime import stack as stack_module
from pulumi.runtime.settings import SETTINGS

from rehearsal import lines, source
from rehearsal.lines import Line, Source
from rehearsal.monitor import Monitor
from rehearsal.problems import Mistake, Problem, RehearsalError
from rehearsal.stacks import Stack

_ROOT: Final = Path(__file__).resolve().parents[1]


class _Engine:
    """The engine's log: what the program and the SDK say."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems

    def Log(self, request: Any) -> None:  # noqa: N802 the protocol's name
        severity = {2: "warning", 3: "error"}.get(request.severity)
        if severity is not None:
            self._problems.append(
                Problem(
                    kind="program",
                    level="warning" if severity == "warning" else "error",
                    urn=request.urn or None,
                    message=request.message,
                )
            )


def run(stack: Stack, monitor: Monitor, *, dry_run: bool) -> None:
    """Run the program of `stack` to its end; every problem goes to `monitor.problems`."""
    _configure(stack, monitor, dry_run=dry_run)
    # A text made from an output is garbage, and `if output:` is always true: both pass silently otherwise.
    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"
    pulumi.Output.__bool__ = _refuse_truth  # type: ignore[method-assign]
    settings: Any = SETTINGS
    if isinstance(settings.outputs, set):
        # Older versions of the SDK keep what is outstanding otherwise, and wait in their own way.
        stack_module.wait_for_rpcs = _wait_for_rpcs
    # What only AWS could tell is unknown in a rehearsed deployment, too; the SDK would hand the program None there.
    rpc.deserialize_property = _keep_unknown
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    logging.getLogger("pulumi").setLevel(logging.CRITICAL)
    resource._get_stack_trace = source.tracer(stack.folder)  # noqa: SLF001 the SDK's own is of no use for a finding
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    calls = ThreadPoolExecutor(thread_name_prefix="registration")
    loop.set_default_executor(calls)
    # Tasks that waited for the one that failed would each print their own trace; the failure is reported once.
    loop.set_exception_handler(lambda _loop, _context: None)
    sys.path[0] = str(stack.main.parent)
    _give_way(stack.main.parent)
    sys.path += map(str, stack.environment.packages)
    os.chdir(stack.folder)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _run_main(stack.main)))
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 a program may raise anything
        monitor.problems.append(explain(error, stack))
    finally:
        # When one fails, others are under way. They come to their end first: what follows uses the same pipes.
        calls.shutdown(wait=True, cancel_futures=True)
        with contextlib.suppress(RuntimeError):
            loop.close()


def _give_way(folder: Path) -> None:
    """Forget packages of ours that the program has others of the same name of: its `costs` are not ours."""
    for name, module in list(sys.modules.items()):
        top, place = name.partition(".")[0], Path(getattr(module, "__file__", None) or "")
        own = _ROOT in place.parents and folder not in place.parents and top != __package__
        if own and ((folder / f"{top}.py").is_file() or (folder / top).is_dir()):
            del sys.modules[name]


_deserialize: Final = rpc.deserialize_property


def _keep_unknown(value: Any, _keep_unknowns: bool | None = None, *others: Any, **named: Any) -> Any:
    named.pop("keep_unknowns", None)
    return _deserialize(value, True, *others, **named)


async def _wait_for_rpcs(await_all_outstanding_tasks: bool = True) -> None:
    """Until everything that the program set off has come to rest, or the first exception.

    In place of the SDK's, which waits anew for all outputs each time that one is done: with 2,000 resources that is
    most of the time.
    """
    # The SDK describes its settings by decorators that no type checker follows.
    settings: Any = SETTINGS
    rpcs = settings.rpc_manager
    while True:
        while rpcs.rpcs:
            await rpcs.rpcs.pop()
        if rpcs.unhandled_exception is not None:
            raise rpcs.unhandled_exception.with_traceback(rpcs.exception_traceback)
        outputs: list[asyncio.Task[Any]] = []
        if await_all_outstanding_tasks:
            with settings.lock:
                outputs = list(settings.outputs)
                settings.outputs.clear()
        if outputs:
            done, pending = await asyncio.wait(outputs, return_when=asyncio.FIRST_EXCEPTION)
            with settings.lock:
                settings.outputs.update(pending)
            for task in done:
                task.result()
        elif not rpcs.rpcs:
            return


def _run_main(main: Path) -> None:
    # Its result, the module's names, must not be awaited or exported.
    runpy.run_path(str(main), run_name="__main__")


def _configure(stack: Stack, monitor: Monitor, *, dry_run: bool) -> None:
    pulumi.runtime.set_all_config(stack.config, stack.secret_keys)
    pulumi.runtime.configure(
        mocks.MockSettings(
            monitor=monitor,
            engine=_Engine(monitor.problems),
            project=stack.project,
            stack=stack.name,
            organization="organization",
            root_directory=str(stack.folder),
            dry_run=dry_run,
            callbacks=None,
            monitor_features=set(),
            # What older versions of the SDK call it.
            feature_support={},
        )
    )


def _refuse_truth(_output: pulumi.Output[Any]) -> bool:
    # The SDK asks this of the id of a resource that a look-up depends on, and means whether there is one.
    if sys._getframe(1).f_globals.get("__name__", "").startswith("pulumi."):  # noqa: SLF001 the only way to the caller
        return True
    raise TypeError(
        "an Output is neither true nor false before it is known: compare inputs with `is None`, or use `.apply`"
    )


def explain(error: BaseException, stack: Stack) -> Problem:
    """A failure of the program as one problem: its cause, its place, its fix."""
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, pulumi.RunError):
        # Pulumi's own sign for a mistake of the user's: the message is the whole story.
        mistakes = tuple(_mistakes(error, stack))
        line = next((one.line for one in mistakes if one.line), None)
        return Problem(
            kind="settings",
            message=str(error),
            remedy=_elsewhere(error, stack),
            trace=trace,
            mistakes=mistakes,
            source=Source(line) if line else None,
        )
    line = _line(error, stack)
    found = replace(_failure(error, _quoted(line, stack)), trace=trace)
    return replace(found, source=Source(line) if line else None)


def _elsewhere(error: pulumi.RunError, stack: Stack) -> str | None:
    """Where a missing setting may be, where that is no file."""
    if not isinstance(error, ConfigMissingError) or not stack.environments:
        return None
    return (
        f"the stack's file imports {', '.join(stack.environments)} of Pulumi ESC, which a rehearsal does not read: "
        "write what the program needs of it below config, in a copy of the file under another stack's name"
    )


def _failure(error: BaseException, place: str) -> Problem:
    if isinstance(error, RehearsalError):
        return error.problem()
    if isinstance(error, SystemExit):
        return Problem(kind="program", message=f"the program ended itself with exit status {error.code}{place}")
    if isinstance(error, SyntaxError):
        where = f"{Path(error.filename or '?').name}, line {error.lineno}"
        return Problem(kind="program", message=f"{where}: {error.msg}: {(error.text or '').strip()}")
    if isinstance(error, ModuleNotFoundError):
        needed = (
            "name the program's own environment in Pulumi.yaml (runtime: {name: python, options: {virtualenv: venv}}), "
            f"or install what it requires here: {sys.executable} -m pip install -r requirements.txt"
        )
        return Problem(kind="program", message=f"{error}{place}", remedy=needed)
    wrong = _wrong_argument(error)
    if wrong is not None:
        return Problem(kind="program", message=f"{wrong[0]}{place}", remedy=wrong[1])
    made = _component(error.__traceback__)
    during = f" while making {made}" if made else ""
    return Problem(
        kind="program",
        message=f"{type(error).__name__}: {error}{during}{place}",
        remedy="run again with --debug to see the stack trace",
    )


def _mistakes(error: pulumi.RunError, stack: Stack) -> Iterator[Mistake]:
    """The settings that an error names one by one, as the errors of our components and settings do."""
    for one in getattr(error, "mistakes", ()):
        key, message, value = (getattr(one, name, None) for name in ("key", "message", "value"))
        if isinstance(key, str) and isinstance(message, str):
            yield Mistake(
                key, value if isinstance(value, str) else None, message, lines.of_setting(stack.folder, stack.file, key)
            )


def _line(error: BaseException, stack: Stack) -> Line | None:
    """The last line of the program's own code that led to the failure."""
    found = None
    for frame, number in traceback.walk_tb(error.__traceback__):
        found = _own(frame.f_code.co_filename, number, stack) or found
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return _own(error.filename, error.lineno, stack) or found
    return found


def _own(filename: str, number: int, stack: Stack) -> Line | None:
    path = Path(filename)
    if (
        stack.folder in path.parents
        and not {".venv", "site-packages"} & {*path.parts}
        and "rehearsal" not in path.parts[-2:]
    ):
        return Line(path.relative_to(stack.folder).as_posix(), number)
    return None


def _quoted(line: Line | None, stack: Stack) -> str:
    if line is None:
        return ""
    text = linecache.getline(str(stack.folder / line.file), line.line).strip()
    return f" ({line.file}, line {line.line}: `{text}`)"


def _component(trace: TracebackType | None) -> str | None:
    """The innermost component that was being made."""
    name = None
    for frame, _line in traceback.walk_tb(trace):
        made = frame.f_locals.get("self")
        if isinstance(made, pulumi.ComponentResource):
            name = getattr(made, "_name", name)
    return name


def _wrong_argument(error: BaseException) -> tuple[str, str | None] | None:
    """A misspelt argument of a resource or of an args class, with the nearest right one."""
    found = re.search(r"(\w+)\.(?:_internal_init|__init__)\(\) got an unexpected keyword argument '(\w+)'", str(error))
    if not isinstance(error, TypeError) or found is None:
        return None
    owner, argument = found.groups()
    # Resources and args classes are all attributes of modules that are loaded; the call names only the class.
    classes = (getattr(module, owner, None) for module in list(sys.modules.values()) if module is not None)
    allowed = next((_arguments(cls) for cls in classes if isinstance(cls, type)), [])
    nearest = difflib.get_close_matches(argument, allowed, n=1, cutoff=0.6)
    return f"{owner} has no argument {argument!r}", f"did you mean {nearest[0]!r}?" if nearest else None


def _arguments(cls: type) -> list[str]:
    if _types.is_input_type(cls):
        return list(_types.input_type_py_to_pulumi_names(cls))
    args = getattr(sys.modules[cls.__module__], f"{cls.__name__}Args", None)
    if args is not None and _types.is_input_type(args):
        return list(_types.input_type_py_to_pulumi_names(args))
    code = getattr(cls.__init__, "__code__", None)
    return list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]) if code else []
