"""One pass over the program, in a process of its own."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Literal

from rehearsal import program
from rehearsal.analyzer import Analyzer
from rehearsal.cloud.client import Cloud, RecordedCall
from rehearsal.gaps import Gap
from rehearsal.lint.result import LintInput
from rehearsal.monitor import Deploying, Monitor, Previewing, Provider, Registered
from rehearsal.pack import StartedPack
from rehearsal.problems import Problem, ProgramError
from rehearsal.progress import Step
from rehearsal.stacks import Stack
from rehearsal.texts import texts

PassName = Literal["preview", "deploy", "referenced"]


@dataclass(frozen=True)
class PassResult:
    """What a pass found."""

    resources: list[Registered]
    problems: list[Problem]
    outputs: dict[str, Any]
    secrets: set[str]
    rules: int
    judging: float
    seconds: float
    gaps: list[Gap] = field(default_factory=list[Gap])
    failed: bool = field(default=False)
    """Whether the program itself did not reach its end."""
    looked_up: list[RecordedCall] = field(default_factory=list)
    """What look-ups asked of AWS."""


def run(
    name: PassName,
    stack: Stack,
    runner: Connection,
    cloud: Connection,
    pack: StartedPack | None,
    lint: Connection | None,
) -> None:
    """Run the pass, send its result to the runner, and end this process."""
    # What a program prints is for the person at the terminal, once; the runner's own words go to stdout.
    sys.stdout = sys.stderr if name == "deploy" else io.StringIO()
    gc.disable()
    started = time.perf_counter()
    account = Cloud(cloud)
    monitor = _monitor(name, stack, runner, account, pack, lint)
    result = _result(name, stack, monitor, account, lint, lambda step: runner.send(("progress", step)), started)
    runner.send(("result", result))
    runner.close()
    sys.stderr.flush()
    # Tearing the interpreter down would take a second: 900 modules, nothing to save.
    os._exit(0)


def _result(
    name: PassName,
    stack: Stack,
    monitor: Monitor,
    cloud: Cloud,
    lint: Connection | None,
    told: Callable[[Step], None],
    started: float,
) -> PassResult:
    before = len(monitor.problems)
    program.run(stack, monitor, dry_run=name == "preview")
    if lint is not None:
        # All is made: the linter can finish while the pack judges the whole.
        _tell(lint, None)
    failed = any(
        problem.level == "error" and problem.kind in ("settings", "program") for problem in monitor.problems[before:]
    )
    # Of a half-made stack every companion would be missing: what failed is told, and nothing that follows from it.
    told(Step("policies", len(monitor.resources)))
    rules = monitor.analyze_stack(whole=not failed)
    if name == "deploy" and not failed:
        for arn, urn in cloud.never_made():
            monitor.problems.append(
                Problem(
                    kind="reference",
                    urn=urn,
                    message=f"names {arn}, which nothing in this stack has made",
                    remedy="pass the `arn` output of the resource that is meant",
                )
            )
    return PassResult(
        resources=list(monitor.resources.values()),
        problems=monitor.problems,
        outputs=monitor.outputs,
        secrets=monitor.secrets,
        gaps=monitor.gaps,
        rules=rules,
        judging=monitor.judging,
        seconds=time.perf_counter() - started,
        failed=failed,
        looked_up=cloud.looked_up,
    )


def _monitor(
    name: PassName,
    stack: Stack,
    runner: Connection,
    cloud: Cloud,
    pack: StartedPack | None,
    lint: Connection | None,
) -> Monitor:
    provider: Provider = Previewing(cloud) if name == "preview" else Deploying(cloud)

    def stack_outputs(reference: str) -> dict[str, Any] | None:
        runner.send(("stack_outputs", reference))
        return runner.recv()

    def made(resource: Registered, inputs: dict[str, Any]) -> None:
        if lint is not None:
            _tell(
                lint,
                LintInput(
                    resource.urn,
                    resource.type,
                    resource.region,
                    inputs,
                    partial=resource.partial,
                    made_up=tuple(sorted(monitor.made_up & set(texts(inputs)))),
                ),
            )

    monitor = Monitor(
        project=stack.project,
        stack=stack.name,
        folder=stack.folder,
        provider=provider,
        analyzer=_analyzer(stack, pack, dry_run=name == "preview") if pack is not None else None,
        disabled_defaults=stack.disabled_defaults,
        default_region=stack.config.get("aws:region", "us-east-1"),
        stack_outputs=stack_outputs,
        declared=stack.declared,
        stack_tags=stack.config.get("aws:defaultTags"),
        progress=lambda count, resource: runner.send(("progress", Step(name, count, resource))),
        made=made,
    )
    return monitor


def _tell(lint: Connection, resource: LintInput | None) -> None:
    """A linter that has ended is the runner's to report; the deployment goes on."""
    with contextlib.suppress(OSError):
        lint.send(resource)


def _analyzer(stack: Stack, pack: StartedPack, *, dry_run: bool) -> Callable[[], Analyzer]:
    return lambda: Analyzer(
        pack.port(), project=stack.project, stack=stack.name, config=stack.config, dry_run=dry_run, choices=pack.choices
    )


def lost(status: int | None) -> PassResult:
    """The result of a pass whose process ended without one."""
    error = ProgramError(f"the program ended its own process (exit status {status})")
    return PassResult([], [error.problem()], {}, set(), 0, 0.0, 0.0, failed=True)
