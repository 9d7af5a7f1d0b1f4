"""Starts the processes of a rehearsal, lets the passes run side by side, and draws up the report."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from rehearsal.cloud import process as cloud_process
from rehearsal.pack import PackProcess
from rehearsal.problems import Problem, Refused
from rehearsal.stacks import Stack, load, stack_names

if TYPE_CHECKING:
    from rehearsal.lint.judge import Verdict
    from rehearsal.passes import PassName, PassResult
    from rehearsal.report import Report
    from rehearsal.rights import Scales

_FORK: Final = get_context("fork")
_CLOUD_CONNECTIONS: Final = 8
"""One for each pass, one for the conductor, the rest for stacks that are referred to."""

_PASSES: Final = ("preview", "deploy")

_WAIVED: Final = re.compile(r"waives (?P<rule>[\w-]+): (?P<reason>.*?)(?: \(until (?P<until>[\d-]+)\))?$", re.MULTILINE)
_WAIVER_REPORT: Final = "waiver-report"

Progress = Callable[[str, int], None]


@dataclass
class _Running:
    """A pass under way."""

    name: PassName
    process: ForkProcess
    connection: Connection


@dataclass
class Conductor:
    """A rehearsal of one stack. Use as a context manager: nothing it started outlives it."""

    stack: Stack
    pack_folder: Path
    progress: Progress = lambda _name, _count: None
    started: float = field(default_factory=time.perf_counter)

    def __enter__(self) -> Conductor:
        self._processes: list[ForkProcess] = []
        self._referenced: dict[str, dict[str, Any] | None] = {}
        self._scales: Scales | None = None
        # The cloud first: it has the most to import, and does so while everything else starts.
        ends = [_pipe() for _ in range(_CLOUD_CONNECTIONS)]
        self._cloud = [ours for ours, _theirs in ends]
        self._start(
            _serve_cloud,
            ([theirs for _ours, theirs in ends], self._cloud, self.stack),
        )
        for _ours, theirs in ends:
            theirs.close()
        self._candidates, candidates = _pipe()
        self._verdict, verdict = _pipe()
        self._start(_serve_lint, (candidates, verdict))
        candidates.close()
        verdict.close()
        # A pack for each pass, as `pulumi up` starts one for its preview and one for its update.
        stack = self.stack
        self._packs = {
            name: PackProcess.start(
                self.pack_folder,
                project=stack.project,
                stack=stack.name,
                config=stack.config,
                dry_run=name == "preview",
            )
            for name in _PASSES
        }
        return self

    def __exit__(self, *_exception: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(timeout=5)
            if process.is_alive():
                process.kill()
        for pack in self._packs.values():
            pack.stop()

    def _start(self, target: Callable[..., None], arguments: tuple[Any, ...]) -> ForkProcess:
        process = _FORK.Process(target=target, args=arguments, daemon=True)
        process.start()
        self._processes.append(process)
        return process

    def _start_pass(self, name: PassName, stack: Stack, pack: PackProcess | None) -> _Running:
        if not self._cloud:
            raise Refused(
                "reference",
                "too many stacks refer to each other",
                f"at most {_CLOUD_CONNECTIONS - 3} can be rehearsed with one",
            )
        ours, theirs = _pipe()
        lint = self._candidates if name == "deploy" else None
        process = self._start(_run_pass, (name, stack, theirs, ours, self._cloud.pop(), pack, lint))
        theirs.close()
        return _Running(name, process, ours)

    def run(self) -> Report:
        """Run the passes and report. Never raises for what the program or its stack got wrong."""
        # The cloud process is on its way before these imports.
        from rehearsal.lint.judge import Verdict  # noqa: PLC0415
        from rehearsal.passes import lost  # noqa: PLC0415

        running = [self._start_pass(name, self.stack, self._packs[name]) for name in _PASSES]
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
            refused = next((one for one in results.values() if _refused_at_once(one)), None)
            if refused is not None:
                # The other pass would say the same, and there is nothing to hold against schemas.
                for one in running:
                    one.process.kill()
                return self._report(dict.fromkeys(_PASSES, refused), Verdict())
            if results:
                self._fetch_scales()
        return self._report(results, self._second_opinion())

    def _fetch_scales(self) -> Scales:
        """Load what weighs the rights once a pass has ended: a core is free, and nobody waits for this process."""
        from rehearsal.rights import Scales  # noqa: PLC0415

        if self._scales is None:
            self._scales = Scales()
        return self._scales

    def _second_opinion(self) -> Verdict:
        """What the second judge says, once the deployment has ended, however it did."""
        from rehearsal.lint.judge import Verdict  # noqa: PLC0415

        with contextlib.suppress(OSError):
            self._candidates.send(None)
        try:
            return self._verdict.recv()
        except (EOFError, OSError):
            gone = "the second judge (cfn-lint) ended without a verdict: nothing is known by it"
            return Verdict([Problem(kind="lint", message=gone, remedy="run `make setup`, then again")])

    def _hear(self, one: _Running) -> Any:
        """The pass's result, or None if it said something else first, or "lost" if it ended without one."""
        try:
            word, content = one.connection.recv()
        except (EOFError, OSError):
            return "lost"
        if word == "stack_outputs":
            one.connection.send(self._outputs_of(content))
        elif word == "progress":
            self.progress(one.name, content)
        return content if word == "result" else None

    def _outputs_of(self, reference: str) -> dict[str, Any] | None:
        """What a stack reference gives: the outputs of that stack, rehearsed in the same account."""
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
        return cloud_process.Cloud(self._cloud.pop()).serve(port)

    def _report(self, results: dict[str, PassResult], verdict: Verdict) -> Report:
        from rehearsal.proofs import proofs  # noqa: PLC0415
        from rehearsal.report import Report  # noqa: PLC0415
        from rehearsal.rights import Weighed  # noqa: PLC0415

        preview, main = results["preview"], results["deploy"]
        weighed = Weighed() if _refused_at_once(main) else self._fetch_scales().weigh(main.resources)
        problems = [*main.problems, *_only_at_preview(preview, main), *verdict.problems, *weighed.problems]
        if not preview.failed and not main.failed:
            problems += _invisible(preview, main)
        refused = [problem for problem in problems if problem.kind == "settings" and problem.level == "error"]
        # What else was found on the way to a refusal follows from it, or will be found again.
        problems = refused or problems
        config, project = self.stack.config, self.stack.project
        report = Report(
            stack=self.stack.name,
            product=config.get(f"{project}:product", project),
            environment=config.get(f"{project}:environment", self.stack.name),
            region=_region(main.resources) or config.get("aws:region", ""),
            resources=main.resources,
            outputs=main.outputs,
            problems=[problem for problem in problems if problem.rule != _WAIVER_REPORT],
            waivers=_waivers(config, problems),
            stand_ins=self.stack.existing_ids,
            rules=main.rules,
            expected=_expected(config, project),
            free=config.get(f"{project}:freeTier") == "true",
            lint=verdict,
            rights=weighed,
            proofs=proofs(main.resources),
            secrets=set().union(*(result.secrets for result in results.values())),
        )
        _warn_of_skipped(report)
        report.seconds = {
            "preview": preview.seconds - preview.judging,
            "deploy": main.seconds - main.judging,
            "lint": verdict.seconds,
            "policies": main.judging,
            "total": time.perf_counter() - self.started,
        }
        report.sort()
        # Last: what a month costs is reckoned once, of the resources in their order.
        _warn_of_cost(report)
        return report


def _serve_cloud(connections: list[Connection], others: list[Connection], stack: Stack) -> None:
    import gc  # noqa: PLC0415
    import os  # noqa: PLC0415

    _obey_conductor()
    # Files and archives are named from where the program runs.
    os.chdir(stack.folder)
    for other in others:
        other.close()
    gc.disable()
    cloud_process.main(connections, stack.existing_ids, stack.region)
    os._exit(0)


def _serve_lint(candidates: Connection, conductor: Connection) -> None:
    import gc  # noqa: PLC0415
    import os  # noqa: PLC0415

    from rehearsal.lint.process import serve  # noqa: PLC0415

    _obey_conductor()
    gc.disable()
    serve(candidates, conductor)
    os._exit(0)


def _pipe() -> tuple[Connection, Connection]:
    return cast("tuple[Connection, Connection]", _FORK.Pipe())


def _obey_conductor() -> None:
    """Ctrl-C is the conductor's to hear; a child ends when it is told to, without the conductor's own handlers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _run_pass(
    name: PassName,
    stack: Stack,
    ours: Connection,
    theirs: Connection,
    cloud: Connection,
    pack: PackProcess | None,
    lint: Connection | None,
) -> None:
    from rehearsal.passes import run  # noqa: PLC0415

    _obey_conductor()
    theirs.close()
    try:
        run(name, stack, ours, cloud, pack, lint)
    except BaseException:  # noqa: BLE001 whatever it was, it is told, and the process ends below
        traceback.print_exc()
    finally:
        # A pass that is broken ends at once: threads that still wait for something would keep the process alive.
        sys.stderr.flush()
        os._exit(1)


def _refused_at_once(result: PassResult) -> bool:
    """Whether the settings were refused before the program made anything."""
    refused = any(one.kind == "settings" and one.level == "error" for one in result.problems)
    return refused and not any(resource.custom for resource in result.resources)


def _only_at_preview(preview: PassResult, deploy: PassResult) -> list[Problem]:
    """What the preview found and the deployment did not. A rule that accuses there may be judging unknown values."""
    known = {(one.kind, one.urn, one.rule or one.message) for one in deploy.problems}
    new = [one for one in preview.problems if (one.kind, one.urn, one.rule or one.message) not in known]
    # A rule that could not judge unknown values has judged the known ones since.
    new = [one for one in new if not one.message.startswith("can't run policy")]
    return [
        replace(one, message=f"{one.message} (only in a preview, while values are unknown)") if one.rule else one
        for one in new
        if one.rule is None or not deploy.failed
    ]


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
    if said is None and config.get(f"{project}:freeTier") != "true":
        return None
    try:
        expected = json.loads(said or "{}")
    except ValueError:
        return {}
    return expected if isinstance(expected, dict) else {}


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


def _warn_of_cost(report: Report) -> None:
    """A budget that the expected month already passes tells people of nothing but that, every month."""
    limit, usd = report.budget, report.month_usd
    if limit is not None and usd is not None and usd > limit:
        report.problems.append(
            Problem(
                kind="cost",
                level="warning",
                message=f"the month that the stack's file expects costs {usd:.2f} USD in {report.region}, "
                f"and the stack's budget is {limit:.2f} USD",
                remedy="raise kumiki:costGuard.monthlyLimitUsd, or make the stack cheaper: see the lines of the month",
            )
        )


def _warn_of_skipped(report: Report) -> None:
    """A green report must not claim more than was done."""
    for resource in report.resources:
        if resource.status == "skipped" and (resource.reason or "").startswith("the rehearsal has no spec"):
            report.problems.append(
                Problem(
                    kind="request",
                    level="warning",
                    urn=resource.urn,
                    message=str(resource.reason),
                    remedy="add one in rehearsal/cloud/specs/",
                )
            )
