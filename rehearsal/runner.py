"""Starts the processes of a rehearsal, lets the passes run side by side, and draws up the report."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import signal
import socket
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from rehearsal import apart, kept
from rehearsal.apart import Apart
from rehearsal.cloud.client import Cloud
from rehearsal.cloud.endpoint import address, listener
from rehearsal.gaps import Gap
from rehearsal.isolation import lead_to
from rehearsal.lifeline import Lifeline
from rehearsal.lines import Source, of_parts
from rehearsal.marks import STACK
from rehearsal.pack import Choice, PackProcess, StartedPack
from rehearsal.preload import preload
from rehearsal.problems import ONLY_AT_PREVIEW, Problem, ReferenceNotFoundError
from rehearsal.progress import Step
from rehearsal.stacks import Stack, load, stack_names

if TYPE_CHECKING:
    from rehearsal.iam_analysis import IamAnalyzer
    from rehearsal.lint.result import LintResult
    from rehearsal.monitor import Registered
    from rehearsal.passes import PassName, PassResult
    from rehearsal.report import Report

_FORK: Final = get_context("fork")
_CLOUD_CONNECTIONS: Final = 8
"""One for each pass, one for the runner, the rest for stacks that are referred to."""

_PASSES: Final = ("preview", "deploy")

_ENDS: Final = (signal.SIGINT, signal.SIGTERM)
"""By these somebody ends a rehearsal."""

_WAIVED: Final = re.compile(r"waives (?P<rule>[\w-]+): (?P<reason>.*?)(?: \(until (?P<until>[\d-]+)\))?$", re.MULTILINE)
_WAIVER_REPORT: Final = "waiver-report"
_TOLD_ELSEWHERE: Final = (_WAIVER_REPORT, "stack-month")
"""Rules that only tell: the report has waivers and the month in places of their own."""

Progress = Callable[[Step], None]


@dataclass
class _Running:
    """A pass under way."""

    name: PassName
    process: ForkProcess | Apart
    connection: Connection


@dataclass
class Runner:
    """A rehearsal of one stack. Use as a context manager: nothing it started outlives it."""

    stack: Stack
    pack_folder: Path
    choices: Mapping[str, Choice] = field(default_factory=dict)
    progress: Progress = lambda _step: None
    assume_existing: bool = False
    """Whether ids that the program names and nothing makes are taken as existing."""
    only_deploy: bool = False
    """Whether the preview, the linter and the analysis of IAM policies are left out."""
    started: float = field(default_factory=time.perf_counter)

    def __enter__(self) -> Runner:
        self._processes: list[ForkProcess | Apart] = []
        self._lifeline = Lifeline.make()
        self._referenced: dict[str, dict[str, Any] | None] = {}
        self._iam_analyzer: IamAnalyzer | None = None
        # The cloud first: it has the most to import, and does so while everything else starts.
        ends = [_pipe() for _ in range(_CLOUD_CONNECTIONS)]
        self._cloud = [ours for ours, _theirs in ends]
        with listener() as sdk:
            self._address = address(sdk)
            self._start(
                _serve_cloud,
                (
                    self._lifeline,
                    [theirs for _ours, theirs in ends],
                    self._cloud,
                    sdk,
                    self.stack,
                    self.assume_existing,
                ),
            )
        for _ours, theirs in ends:
            theirs.close()
        self._lint_inputs, inputs = _pipe()
        self._lint_result, result = _pipe()
        if not self.only_deploy:
            self._start(_serve_lint, (self._lifeline, inputs, result))
        inputs.close()
        result.close()
        # A pack for each pass, as `pulumi up` starts one for its preview and one for its update.
        stack = self.stack
        self._packs = {
            name: PackProcess.start(
                self.pack_folder,
                project=stack.project,
                stack=stack.name,
                config=stack.config,
                dry_run=name == "preview",
                environment=self._environment(f"policies-{name}"),
                lifeline=self._lifeline.read,
                choices=self.choices,
            )
            for name in self._passes
        }
        return self

    @property
    def _passes(self) -> tuple[PassName, ...]:
        return ("deploy",) if self.only_deploy else _PASSES

    def _environment(self, caller: str) -> dict[str, str]:
        environment = dict(os.environ)
        lead_to(self._address, _sdk_region(self.stack), environment, caller)
        return environment

    def __exit__(self, *_exception: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(timeout=5)
            if process.is_alive():
                process.kill()
        for pack in self._packs.values():
            pack.stop()
        self._lifeline.close()

    def _start(self, target: Callable[..., None], arguments: tuple[Any, ...]) -> ForkProcess:
        process = _FORK.Process(target=target, args=arguments, daemon=True)
        # What a handler raises while Python runs its hooks around a fork is lost, and the rehearsal would go on.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
        self._processes.append(process)
        return process

    def _start_pass(self, name: PassName, stack: Stack, pack: PackProcess | None) -> _Running:
        if not self._cloud:
            raise ReferenceNotFoundError(
                "too many stacks refer to each other",
                f"at most {_CLOUD_CONNECTIONS - 3} can be rehearsed with one",
            )
        ours, theirs = _pipe()
        lint = self._lint_inputs if name == "deploy" and not self.only_deploy else None
        cloud = self._cloud.pop()
        started = pack.started if pack is not None else None
        if stack.environment.python is not None:
            process = apart.start(
                name,
                stack,
                environment=self._environment(name),
                lifeline=self._lifeline.read,
                runner=(ours, theirs),
                cloud=cloud,
                pack=started,
                lint=lint,
            )
            self._processes.append(process)
        else:
            ends = (theirs, ours, cloud)
            process = self._start(_run_pass, (self._lifeline, name, stack, self._address, *ends, started, lint))
        theirs.close()
        return _Running(name, process, ours)

    def run(self) -> Report:
        """Run the passes and report. Never raises for what the program or its stack got wrong."""
        # The cloud process is on its way before these imports.
        if self.stack.environment.python is None:
            preload(self.stack.main, kept.services(self.stack.main, self.stack.name))
        from rehearsal.lint.result import LintResult  # noqa: PLC0415
        from rehearsal.passes import lost  # noqa: PLC0415

        running = [self._start_pass(name, self.stack, self._packs[name]) for name in self._passes]
        results: dict[str, PassResult] = {}
        while running:
            ready = wait([one.connection for one in running])
            for one in [one for one in running if one.connection in ready]:
                result = self._hear(one)
                if result == "lost":
                    one.process.join()
                    result = lost(one.process.exitcode)
                if result is not None:
                    results[one.name] = result
                    running.remove(one)
            invalid = next((one for one in results.values() if _invalid(one)), None)
            if invalid is not None:
                # The other pass would say the same, and there is nothing to hold against schemas.
                for one in running:
                    one.process.kill()
                return self._report(dict.fromkeys(_PASSES, invalid), LintResult())
            if results and not self.only_deploy:
                self._load_iam_analyzer()
        kept.keep_size(self.stack.main, self.stack.name, len(results["deploy"].resources))
        kept.keep_services(self.stack.main, self.stack.name, (one.type for one in results["deploy"].resources))
        return self._report({"preview": results["deploy"], **results}, self._linted())

    def _load_iam_analyzer(self) -> IamAnalyzer:
        """Load what analyses IAM policies once a pass has ended: a core is free, and nobody waits for this process."""
        from rehearsal.iam_analysis import IamAnalyzer  # noqa: PLC0415

        if self._iam_analyzer is None:
            self._iam_analyzer = IamAnalyzer()
        return self._iam_analyzer

    def _linted(self) -> LintResult:
        """What the linter found, once the deployment has ended, however it did."""
        from rehearsal.lint.result import LintResult  # noqa: PLC0415

        if self.only_deploy:
            return LintResult()
        self.progress(Step("lint"))
        with contextlib.suppress(OSError):
            self._lint_inputs.send(None)
        try:
            return self._lint_result.recv()
        except (EOFError, OSError):
            gone = "the linter (cfn-lint) ended without a result: nothing is linted"
            return LintResult([Problem(kind="lint", message=gone, remedy="run `make setup`, then again")])

    def _hear(self, one: _Running) -> Any:
        """The pass's result, or None if it said something else first, or "lost" if it ended without one."""
        try:
            word, content = one.connection.recv()
        except (EOFError, OSError):
            return "lost"
        if word == "stack_outputs":
            one.connection.send(self._outputs_of(content))
        elif word == "progress":
            self.progress(content)
        return content if word == "result" else None

    def _outputs_of(self, reference: str) -> dict[str, Any] | None:
        """What a stack reference gives: the outputs of that stack, rehearsed in the same account."""
        if reference in self.stack.declared.stacks:
            return self.stack.declared.stacks[reference]
        name = reference.rpartition("/")[2]
        project = reference.split("/")[-2] if "/" in reference else self.stack.project
        if project != self.stack.project or name == self.stack.name or name not in stack_names(self.stack.folder):
            return None
        if name not in self._referenced:
            self._referenced[name] = None
            one = self._start_pass("referenced", load(self.stack.folder, name), None)
            result = None
            while result is None:
                result = self._hear(one)
            self._referenced[name] = None if result == "lost" else result.outputs
        return self._referenced[name]

    def serve(self, port: int) -> str:
        """Open the emulated account on a local port; returns its address."""
        return Cloud(self._cloud.pop()).serve(port)

    def _report(self, results: dict[str, PassResult], linted: LintResult) -> Report:
        from rehearsal import budget  # noqa: PLC0415
        from rehearsal.iam_analysis import IamAnalysis  # noqa: PLC0415
        from rehearsal.insights import insights  # noqa: PLC0415
        from rehearsal.report import Report  # noqa: PLC0415

        preview, main = results["preview"], results["deploy"]
        analysis = (
            IamAnalysis() if _invalid(main) or self.only_deploy else self._load_iam_analyzer().analyse(main.resources)
        )
        problems = [*main.problems, *_only_at_preview(preview, main), *linted.problems, *analysis.problems]
        if not preview.failed and not main.failed:
            problems += _invisible(preview, main)
        invalid = [problem for problem in problems if problem.kind == "settings" and problem.level == "error"]
        # What else was found on the way to invalid settings follows from it, or will be found again.
        problems = invalid or problems
        problems = _with_sources(problems, main.resources, self.stack)
        config, project = self.stack.config, self.stack.project
        report = Report(
            stack=self.stack.name,
            project=project,
            product=config.get(f"{project}:product", project),
            environment=config.get(f"{project}:environment", self.stack.name),
            region=_region(main.resources) or config.get("aws:region", ""),
            resources=main.resources,
            gaps=[*main.gaps, *_gaps_of(self.stack)],
            outputs=main.outputs,
            looked_up=main.looked_up,
            problems=[problem for problem in problems if problem.rule not in _TOLD_ELSEWHERE],
            waivers=_waivers(config, problems),
            stand_ins=self.stack.existing_ids,
            rules=main.rules,
            expected=_expected(config, project),
            plan=_plan(config, project),
            lint=linted,
            iam=analysis,
            insights=insights(main.resources),
            folder=self.stack.folder,
            secrets=set().union(*(result.secrets for result in results.values())),
        )
        report.seconds = {
            "preview": 0.0 if self.only_deploy else preview.seconds - preview.judging,
            "deploy": main.seconds - main.judging,
            "lint": linted.seconds,
            "policies": main.judging,
            "total": time.perf_counter() - self.started,
        }
        report.sort()
        # Last: what a month costs is reckoned once, of the resources in their order.
        budget.judge(report, config.get("policy:exemptions", ""))
        return report


def _serve_cloud(
    lifeline: Lifeline,
    connections: list[Connection],
    others: list[Connection],
    sdk: socket.socket,
    stack: Stack,
    assume_existing: bool,
) -> None:
    _obey_runner(lifeline)
    # Files and archives are named from where the program runs.
    os.chdir(stack.folder)
    for other in others:
        other.close()
    gc.disable()
    from rehearsal.cloud.server import main  # noqa: PLC0415 this is what takes the time, and only this process needs it

    main(connections, sdk, stack.existing_ids, stack.region, assume_existing=assume_existing)
    os._exit(0)


def _serve_lint(lifeline: Lifeline, inputs: Connection, runner: Connection) -> None:
    _obey_runner(lifeline)
    gc.disable()
    from rehearsal.lint.process import serve  # noqa: PLC0415 as above

    serve(inputs, runner)
    os._exit(0)


def _pipe() -> tuple[Connection, Connection]:
    return cast("tuple[Connection, Connection]", _FORK.Pipe())


def _obey_runner(lifeline: Lifeline) -> None:
    """Ctrl-C is the runner's to hear; a child ends when it is told to, without the runner's own handlers."""
    lifeline.follow()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)


def _run_pass(
    lifeline: Lifeline,
    name: PassName,
    stack: Stack,
    address: str,
    ours: Connection,
    theirs: Connection,
    cloud: Connection,
    pack: StartedPack | None,
    lint: Connection | None,
) -> None:
    from rehearsal.passes import run  # noqa: PLC0415

    _obey_runner(lifeline)
    lead_to(address, _sdk_region(stack), os.environ, name)
    theirs.close()
    try:
        run(name, stack, ours, cloud, pack, lint)
    except BaseException:  # noqa: BLE001 whatever it was, it is told, and the process ends below
        traceback.print_exc()
    finally:
        # A pass that is broken ends at once: threads that still wait for something would keep the process alive.
        sys.stderr.flush()
        os._exit(1)


def _sdk_region(stack: Stack) -> str:
    return stack.region or "us-east-1"


def _invalid(result: PassResult) -> bool:
    """Whether the settings were refused before the program made anything."""
    invalid = any(one.kind == "settings" and one.level == "error" for one in result.problems)
    return invalid and not any(resource.custom for resource in result.resources)


def _only_at_preview(preview: PassResult, deploy: PassResult) -> list[Problem]:
    """What the preview found and the deployment did not. A rule that accuses there may be judging unknown values."""
    known = {(one.kind, one.urn, one.rule or one.message) for one in deploy.problems}
    new = [one for one in preview.problems if (one.kind, one.urn, one.rule or one.message) not in known]
    # A rule that could not judge unknown values has judged the known ones since.
    new = [one for one in new if not one.message.startswith("can't run policy")]
    return [
        replace(one, message=f"{one.message} {ONLY_AT_PREVIEW}") if one.rule else one
        for one in new
        if one.rule is None or not deploy.failed
    ]


def _with_sources(problems: list[Problem], resources: list[Registered], stack: Stack) -> list[Problem]:
    """The same, each with the line that declares its resource, and the key of the file that asks for it."""
    if not problems:
        return []
    by_urn = {one.urn: one for one in resources}
    parts = of_parts(stack.folder, stack.file, stack.project)
    told = [stack.config.get(f"{stack.project}:{key}") for key in ("product", "environment")]
    prefix = f"{told[0]}-{told[1]}-"

    def source(urn: str) -> Source | None:
        one = by_urn.get(urn)
        if one is None or one.source is None or None in told:
            return one.source if one else None
        top = one
        while top.parent in by_urn and by_urn[top.parent].parent in by_urn:
            top = by_urn[top.parent]
        return replace(one.source, setting=parts.get(top.name.removeprefix(prefix)))

    return [one if one.source else replace(one, source=source(one.urn or "")) for one in problems]


def _invisible(preview: PassResult, deploy: PassResult) -> list[Problem]:
    """Resources of one pass that the other did not see."""
    previewed, deployed = ({resource.urn for resource in result.resources} for result in (preview, deploy))
    return [
        Problem(
            kind="program",
            urn=urn,
            message="is created in a deployment but absent from a preview: it is made inside `apply`",
            remedy="make resources in plain code, and pass outputs to them as inputs",
        )
        for urn in sorted(deployed - previewed)
    ] + [
        Problem(
            kind="program",
            urn=urn,
            message="is in a preview but never created: the program decides by a value that a preview does not know",
            remedy="decide by settings, not by outputs",
        )
        for urn in sorted(previewed - deployed)
    ]


def _expected(config: dict[str, str], project: str) -> dict[str, Any] | None:
    """What a stack's file says will pass through it; None where it says nothing, and need not for its free tier."""
    said = config.get(f"{project}:expected")
    if said is None and _plan(config, project) is None:
        return None
    try:
        expected = json.loads(said or "{}")
    except ValueError:
        return {}
    return expected if isinstance(expected, dict) else {}


def _plan(config: dict[str, str], project: str) -> str | None:
    """The plan of the account for which a stack's file says that it must be free; `true` is short for legacy."""
    try:
        given = json.loads(config.get(f"{project}:freeTier", "").lower())
    except ValueError:
        return None
    if isinstance(given, dict):
        return str(given.get("plan", "legacy"))
    return "legacy" if given is True else None


def _gaps_of(stack: Stack) -> Iterator[Gap]:
    yield from (Gap("environment not read", STACK, one) for one in stack.environments)
    if stack.environment.not_used:
        yield Gap("own packages not used", STACK, stack.environment.not_used)


def _region(resources: list[Any]) -> str | None:
    """Where most of them are: a few may be elsewhere, such as a certificate for CloudFront."""
    most = Counter(resource.region for resource in resources if resource.region).most_common(1)
    return most[0][0] if most else None


def _waivers(config: dict[str, str], problems: list[Problem]) -> list[dict[str, Any]]:
    """Each waiver of the stack file with what it waived, as the pack's own report says."""
    try:
        declared = json.loads(config.get("policy:exemptions", "[]"))
    except ValueError:
        declared = []
    waived: dict[str, list[str]] = {}
    for problem in problems:
        if problem.rule == _WAIVER_REPORT and problem.urn:
            for match in _WAIVED.finditer(problem.message):
                waived.setdefault(f"{match['rule']}\n{match['reason']}", []).append(problem.urn)
    return [
        {
            "rule": str(entry.get("rule")),
            "urn": str(entry.get("urn")),
            "reason": str(entry.get("reason")),
            "until": str(entry.get("until")),
            "waived": sorted(waived.get(f"{entry.get('rule')}\n{entry.get('reason')}", [])),
        }
        for entry in declared
        if isinstance(entry, dict)
    ]
