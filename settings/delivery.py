"""Settings of what brings changes to AWS: builds, pipelines, GitHub Actions for what runs, Amplify for a front end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import yaml
from pydantic import Field

from components.args import Args, as_far_as_known
from components.delivery.build import BuildArgs, spec_mistakes
from components.delivery.deploy_role import DeployRoleArgs
from components.delivery.deployer_role import DeployerRoleArgs
from components.delivery.pipeline_args import PipelineArgs, covering, matches
from components.errors import Mistake, nearest
from components.values import DOMAIN, Days, Environment, Name, text

if TYPE_CHECKING:
    from settings import Settings

ROOT: Final = Path(__file__).resolve().parent.parent
SPECS: Final = ROOT / "workloads" / "builds"
_NOT_THE_REPOSITORYS: Final = {".git", ".venv", ".uv", ".cache", "build", "__pycache__"}
POLICIES: Final = ROOT / "docs" / "permissions"


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


_Path = Annotated[str, text(r"/[A-Za-z0-9_.~/-]*", "write a path such as /api/health")]
_Address = Annotated[
    str, text(rf"https://{DOMAIN}", "write an address such as https://staging.example.com, without a path")
]


class DeliverySettings(DeployRoleArgs):
    """The role that deploys, what is asked after a deployment, and whether a pipeline of another environment may take
    the role."""

    staging_of: Environment | None = None
    """The environment of the same product and account whose pipeline tries each commit here first."""

    address: _Address | None = None
    """Where the system answers. Left out, nobody asks it after a deployment."""

    checks: dict[_Path, Annotated[int, Field(ge=200, le=599)]] = {}
    """What it must answer after a deployment: path and HTTP status. Name also what must be refused, for example with
    401."""

    @property
    def answers(self) -> tuple[str, str] | None:
        """The address and what it must answer, in the words of .github/scripts/answers.sh; None where nobody asks."""
        return _answers(self.address, self.checks)

    def mistakes(self) -> Iterator[Mistake]:
        yield from super().mistakes()
        if (self.address is None) != (not self.checks):
            lacking, there = ("address", "checks") if self.address is None else ("checks", "address")
            yield Mistake(lacking, getattr(self, lacking), f"is missing, and {there} is there; the two go together")


def _answers(address: str | None, checks: Mapping[str, int]) -> tuple[str, str] | None:
    if address is None or not checks:
        return None
    return address, " ".join(f"{path}={status}" for path, status in sorted(checks.items()))


_Role = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,128}", "write the ARN of a role, as the account's part told it"
    ),
]
_Backend = Annotated[
    str, text(r"(s3|https)://[\w.~/?&=%-]+", "write where the state is kept, as the account's part told it: s3://…")
]


class StagingSettings(Args):
    """Where a pipeline tries a commit before production: a second stack of the product, in the same account and region.
    Its file says so itself, by `delivery.stagingOf`, and what it must answer, by `delivery.address` and `checks`."""

    stack: Annotated[str, text(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", "write the name of a stack, such as wiki-staging")]
    """The stack's name; its file is Pulumi.<stack>.yaml."""

    environment: Environment = "staging"
    """Its environment, by which its deploy role and its repositories are found."""

    backend: _Backend
    """Where the stack's state is kept."""

    infrastructure_role: _Role
    """The ARN of the role that updates the stack; the account's part makes it and lets this pipeline take it
    (docs/runbooks/first-deployment.md)."""

    @property
    def answers(self) -> tuple[str, str] | None:
        """What the stack must answer, as its file says it: `delivery.address` and `delivery.checks`."""
        its = (_file_of(self.stack) or {}).get("kumiki:delivery") or {}
        return _answers(its.get("address"), its.get("checks") or {})


class PipelineSettings(PipelineArgs):
    """A pipeline to this stack's production, by way of staging where there is one."""

    backend: _Backend
    """Where the stack's state is kept, as PULUMI_BACKEND_URL says it to GitHub's workflows."""

    plan_role: _Role
    """The ARN of the role that sees what an update would change, and may change nothing; the account's part makes
    it."""

    infrastructure_role: _Role
    """The ARN of the role that updates the stack, once somebody has approved."""

    staging: StagingSettings | None = None
    """Left out, a commit is tried by its tests only."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from super().mistakes()
        if self.plan_role == self.infrastructure_role:
            why = "is infrastructureRole too, and before the approval nothing may change; name the role that only reads"
            yield Mistake("plan_role", self.plan_role, why)
        if self.staging is not None and self.staging.infrastructure_role == self.infrastructure_role:
            why = "is production's, which nobody has approved yet; name the role that updates staging"
            yield Mistake(("staging", "infrastructure_role"), self.infrastructure_role, why)
        for field, wanted, why in _idle(tuple(self.paths), tuple(self.ignore_paths)):
            yield Mistake(field, wanted, why)


def _file_of(stack: str) -> Mapping[str, Any] | None:
    """What the file of a stack says; None where there is no such file."""
    file = ROOT / f"Pulumi.{stack}.yaml"
    if not file.is_file():
        return None
    found: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found.get("config") or {}


@cache
def _idle(paths: tuple[str, ...], ignored: tuple[str, ...]) -> list[tuple[str, str | list[str], str]]:
    """What of the patterns matches no file, and whether any file is left to start the pipeline: field, value, why."""
    files = repositorys_files()
    found: list[tuple[str, str | list[str], str]] = [
        (field, pattern, "matches no file of the repository; correct it, or take it out")
        for field, patterns in (("paths", paths), ("ignore_paths", ignored))
        for pattern in patterns
        if not any(matches(file, pattern) for file in files)
    ]
    if paths and covering(paths, ignored) is not None:
        return found
    wanted = [file for file in files if not paths or any(matches(file, each) for each in paths)]
    # Whether `**/` may stand for no folder at all, AWS does not say: what would leave nothing if so is refused.
    away = {form for each in ignored for form in (each, each.removeprefix("**/"))}
    if wanted and all(any(matches(file, each) for each in away) for file in wanted):
        found.append(
            ("ignore_paths", [*ignored], "leave no file of the repository that starts the pipeline; take one out")
        )
    return found


@cache
def repositorys_files() -> tuple[str, ...]:
    """The files that pushes change, from the repository's root. (Read once: settings are read many times.)"""
    found: list[str] = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in _NOT_THE_REPOSITORYS]
        # In a further work tree .git is a file.
        found += [Path(folder, name).relative_to(ROOT).as_posix() for name in files if name != ".git"]
    return tuple(found)


class DeployerSettings(DeployerRoleArgs):
    """The role with which another stack is deployed, from that stack's generated policies."""

    stack: Name
    """The stack whose policies it has: docs/permissions/<stack>.json."""

    @property
    def documents(self) -> list[Mapping[str, Any]]:
        """The policy documents."""
        return json.loads((POLICIES / f"{self.stack}.json").read_text(encoding="utf-8"))[self.purpose]

    def mistakes(self) -> Iterator[Mistake]:
        yield from super().mistakes()
        known = sorted(path.stem for path in POLICIES.glob("*.json"))
        if self.stack not in known:
            meant = nearest(self.stack, known)
            why = f"has no docs/permissions/{self.stack}.json; {meant}`make docs-permissions` writes it"
            yield Mistake("stack", self.stack, why)


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What a free tier does not hold, and what nothing could be built for."""
    if settings.free_tier and settings.build is not None:
        yield "build", "costs money for every build beyond 100 minutes, and freeTier is set; remove one of the two"
    if settings.free_tier and settings.front_end is not None:
        yield "frontEnd", "costs money for every build and visit, and freeTier is set; remove one of the two"
    yield from _of_pipeline(settings)


def _of_staging(staging: StagingSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    key = "pipeline.staging.stack"
    if staging.environment == settings.environment:
        yield (
            "pipeline.staging.environment",
            f"is {staging.environment}, which is this stack's own; name the environment in which commits are tried",
        )
        return
    its = _file_of(staging.stack)
    if its is None:
        known = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
        hint = nearest(staging.stack, known)
        yield key, f"{staging.stack} has no file Pulumi.{staging.stack}.yaml; {hint}write one, or name a stack that has"
        return
    for field, wanted in (("environment", staging.environment), ("product", settings.product)):
        if (found := its.get(f"kumiki:{field}")) != wanted:
            why = f"is {staging.stack}, whose {field} is {found} and not {wanted}"
            yield key, f"{why}; name the stack in which commits are tried"
            return
    if (its.get("kumiki:delivery") or {}).get("stagingOf") != settings.environment:
        why = f"{staging.stack} does not let this pipeline in"
        yield key, f"{why}; write delivery: {{stagingOf: {settings.environment}}} into its file"


def _of_pipeline(settings: Settings) -> Iterator[tuple[str, str]]:
    pipeline = settings.pipeline
    if pipeline is None:
        return
    if settings.free_tier:
        yield "pipeline", "costs money for every minute beyond 100, and freeTier is set; remove one of the two"
    if settings.environment == "prod" and not pipeline.approval:
        yield "pipeline.approval", "is false, and this is production: nobody would be asked; remove it"
    if pipeline.staging is not None:
        yield from as_far_as_known(_of_staging(pipeline.staging, settings))
    platforms = {one.architecture for one in settings.services.values() if one.image is None and one.image_of is None}
    if settings.simple_service is not None and getattr(settings.simple_service, "tag", None) is not None:
        platforms.add("X86_64")
    if len(platforms) > 1:
        yield "pipeline", "builds all images on one machine, and the services have two architectures; use one"
