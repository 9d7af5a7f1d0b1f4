"""What a rehearsal costs: wall time, CPU, memory, time per phase, and how all of it grows with the number of resources;
how long the first call of a packaged function waits; what the api takes over each of its stores; what the lake's jobs
cost for 1, 10 and 100 times the rows; and how many records a second the log router's share of a task pays for.

    python -m benchmarks [--runs N] [--stack dev] [--sizes 100 500 2000] [--rows 2000 20000 200000] [--seconds N]

Prints figures and asserts nothing: a time depends on the machine it is measured on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import date
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guardrails.kit import Resource

from benchmarks.api_load import api_load
from benchmarks.cold_start import cold_starts
from benchmarks.log_router import log_router
from benchmarks.spark_jobs import spark_jobs

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Run:
    """One rehearsal, measured from outside."""

    wall: float
    cpu: float
    """User and system time of the whole process tree."""
    peak_mib: float
    """Resident memory of the largest process of the tree (what wait4 reports), not their sum."""
    phases: dict[str, float]
    resources: int
    problems: int


def rehearse(*arguments: str, folder: Path) -> Run:
    """Run one rehearsal in a process of its own and measure it and all its children."""
    report, log = folder / "report.json", folder / "log.txt"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "rehearsal", *arguments, "--json", str(report)]
    with log.open("wb") as output:
        started = time.perf_counter()
        # Not `subprocess`: wait4 gives the usage of this one tree, where getrusage adds up all children so far.
        child = os.posix_spawn(
            sys.executable,
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, output.fileno(), 2),
            ],
        )
        _, status, usage = os.wait4(child, 0)
        wall = time.perf_counter() - started
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1) or not report.is_file():
        raise SystemExit(f"`{' '.join(command)}` ended with {code}:\n{log.read_text()[-2000:]}")
    result = json.loads(report.read_text())
    unit = 1024 * 1024 if platform.system() == "Darwin" else 1024  # ru_maxrss: bytes on macOS, KiB on Linux
    return Run(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / unit,
        phases=result["seconds"],
        resources=sum(resource["type"].startswith("aws:") for resource in result["resources"]),
        problems=len(result["problems"]),
    )


def median(runs: list[Run]) -> Run:
    """The run in the middle by wall time; whole, so that its figures belong together."""
    return sorted(runs, key=lambda run: run.wall)[len(runs) // 2]


def write_program(folder: Path, sizes: list[int]) -> None:
    """The synthetic program with one stack per size."""
    folder.mkdir()
    shutil.copy(ROOT / "benchmarks/synthetic.py", folder / "__main__.py")
    (folder / "Pulumi.yaml").write_text("name: synthetic\nruntime: python\n")
    for size in sizes:
        config = {
            "pulumi:disable-default-providers": ["aws"],
            "synthetic:product": "bench",
            "synthetic:environment": "dev",
            "synthetic:owner": "benchmark",
            "synthetic:region": "ap-northeast-1",
            "synthetic:size": size,
        }
        # JSON is YAML.
        (folder / f"Pulumi.size{size}.yaml").write_text(json.dumps({"config": config}, indent=2))


def line(label: str, run: Run) -> str:
    phases = "  ".join(f"{phase} {seconds:.2f}" for phase, seconds in run.phases.items() if phase != "total")
    figures = f"{run.resources:>10}{run.wall:>9.2f}{run.cpu:>9.2f}{run.peak_mib:>9.0f}{run.problems:>10}"
    return f"{label:<14}{figures}   {phases}"


def pack_line(resources: int = 2000) -> str:
    """How long the rules alone take over a stack that is many times the size of ours: the pack's own examples."""
    sys.path.append(str(ROOT / "policies"))
    from guardrails.kit.evaluator import Evaluator  # noqa: PLC0415 the pack is found by its folder
    from guardrails.kit.stack import Stack  # noqa: PLC0415
    from guardrails.rules import RULES  # noqa: PLC0415

    examples = [example for rule in RULES for example in rule.compliant]
    stack: list[Resource] = []
    for number in count():
        # Names are made unique by the round: what refers to what stays within an example.
        for place, example in enumerate(examples):
            made = example.made()
            urns = {one.urn: f"{one.urn}-{number}-{place}" for one in made}
            stack += [
                replace(
                    one,
                    urn=urns[one.urn],
                    dependencies={key: tuple(urns[urn] for urn in of) for key, of in one.dependencies.items()},
                    after=frozenset(urns[urn] for urn in one.after),
                )
                for one in made
            ]
        if len(stack) >= resources:
            break
    evaluator = Evaluator(RULES, Stack(environment="prod", product="kumiki", owner="platform"), date(2026, 1, 1))
    started = time.perf_counter()
    alone = sum(1 for resource in stack[:resources] for _ in evaluator.analyze(resource))
    together = sum(1 for _ in evaluator.analyze_stack(stack[:resources]))
    seconds = time.perf_counter() - started
    asked, answered = over_grpc(stack[:resources])
    return (
        f"{len(RULES)} rules over {resources} resources: {seconds:.2f} s ({alone + together} findings); "
        f"asked over gRPC, as the engine asks: {asked:.2f} s ({answered} findings)"
    )


def over_grpc(stack: list[Resource]) -> tuple[float, int]:
    """The pack in a process of its own, asked about each resource and then about all: seconds and findings."""
    from rehearsal.analyzer import Analyzer, Judged  # noqa: PLC0415
    from rehearsal.pack import PackProcess  # noqa: PLC0415

    config = {"kumiki:product": "kumiki", "kumiki:environment": "prod", "kumiki:owner": "platform"}
    where: dict[str, Any] = {"project": "kumiki", "stack": "prod", "config": config, "dry_run": False}
    questions = [
        Judged(
            urn=one.urn,
            type=one.type,
            name=one.name,
            properties=dict(one.props.raw),
            parent=one.parent,
            protect=one.protect,
            dependencies=sorted(one.after.union(*one.dependencies.values())),
            property_dependencies={key: list(urns) for key, urns in one.dependencies.items()},
        )
        for one in stack
    ]
    read, write = os.pipe()
    pack = PackProcess.start(ROOT / "policies", environment=dict(os.environ), lifeline=read, **where)
    try:
        analyzer = Analyzer(pack.started.port(), **where)
        started = time.perf_counter()
        found = sum(len(analyzer.analyze(each)) for each in questions) + len(analyzer.analyze_stack(questions))
        return time.perf_counter() - started, found
    finally:
        pack.stop()
        os.close(read)
        os.close(write)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of the stack, of which the median is shown")
    parser.add_argument("--stack", default="dev", help="the stack to rehearse")
    parser.add_argument("--sizes", type=int, nargs="*", default=[100, 500, 2000], help="sizes of the synthetic program")
    parser.add_argument("--rows", type=int, nargs="*", default=[2_000, 20_000, 200_000], help="rows for Spark's jobs")
    parser.add_argument("--seconds", type=float, default=10, help="how long the api is asked over each of its stores")
    options = parser.parse_args()
    os.chdir(ROOT)

    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    print(
        f"{'':14}{'resources':>10}{'wall s':>9}{'CPU s':>9}{'MiB':>9}{'problems':>10}   seconds per phase", flush=True
    )
    with tempfile.TemporaryDirectory(prefix="kumiki-benchmark-") as name:
        folder = Path(name)
        rehearse(options.stack, folder=folder)  # fills the file cache; not counted
        runs = [rehearse(options.stack, folder=folder) for _ in range(options.runs)]
        print(line(options.stack, median(runs)))
        spread = [run.wall for run in runs]
        print(
            f"{'':14}median of {len(runs)} runs: {min(spread):.2f} to {max(spread):.2f} s, "
            f"mean {statistics.fmean(spread):.2f} s",
            flush=True,
        )
        print(pack_line(), flush=True)
        program = folder / "synthetic"
        write_program(program, options.sizes)
        grown: list[Run] = []
        for size in options.sizes:
            grown.append(rehearse("--program", str(program), f"size{size}", folder=folder))
            print(line(f"synthetic {size}", grown[-1]), flush=True)
    for smaller, larger in pairwise(grown):
        more = larger.resources - smaller.resources
        print(
            f"from {smaller.resources} to {larger.resources} resources: "
            f"{(larger.wall - smaller.wall) / more * 1000:.1f} ms and "
            f"{(larger.peak_mib - smaller.peak_mib) / more * 1024:.0f} KiB for each one more"
        )
    for found in cold_starts(options.runs):
        print(found, flush=True)
    for found in api_load(options.seconds, callers=16):
        print(found, flush=True)
    for found in spark_jobs(options.rows):
        print(found, flush=True)
    for found in log_router():
        print(found, flush=True)


if __name__ == "__main__":
    main()
