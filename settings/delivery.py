"""Settings of what brings changes to AWS: builds, pipelines, GitHub Actions for what runs, Amplify for a front end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import yaml
from pydantic import Field

from components.args import Args
from components.delivery.build import BuildArgs, spec_mistakes
from components.delivery.deploy_role import DeployRoleArgs
from components.delivery.deployer_role import DeployerRoleArgs
from components.delivery.pipeline_args import PipelineArgs, matches
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


class DeliverySettings(DeployRoleArgs):
    """The role that deploys, and whether a pipeline of another environment may take it."""

    staging_of: Environment | None = None
    """The environment of the same product and account whose pipeline tries each commit here first."""


_Path = Annotated[str, text(r"/[A-Za-z0-9_.~/-]*", "write a path such as /api/health")]


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
    Its file says so itself, by `delivery.stagingOf`."""

    stack: Annotated[str, text(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", "write the name of a stack, such as wiki-staging")]
    """The stack's name; its file is Pulumi.<stack>.yaml."""

    environment: Environment = "staging"
    """Its environment, by which its deploy role and its repositories are found."""

    backend: _Backend
    """Where the stack's state is kept."""

    infrastructure_role: _Role
    """The ARN of the role that updates the stack; the account's part makes it and lets this pipeline take it
    (docs/runbooks/first-deployment.md)."""

    address: (
        Annotated[
            str, text(rf"https://{DOMAIN}", "write an address such as https://staging.example.com, without a path")
        ]
        | None
    ) = None
    """Where it answers. Left out, nobody asks."""

    checks: dict[_Path, Annotated[int, Field(ge=200, le=599)]] = {}
    """What it must answer: path and HTTP status. Name also what must be refused, for example with 401."""

    def mistakes(self) -> Iterator[Mistake]:
        if (self.address is None) != (not self.checks):
            lacking, there = ("address", "checks") if self.address is None else ("checks", "address")
            yield Mistake(lacking, getattr(self, lacking), f"is missing, and {there} is there; the two go together")


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
        files = _repositorys_files() if self.paths else []
        for pattern in self.paths:
            if not any(matches(file, pattern) for file in files):
                yield Mistake("paths", pattern, "matches no file of the repository; correct it, or take it out")


def _environment_of(stack: str) -> str | None:
    """What the file of a stack says; None where there is no such file, or it does not say."""
    file = ROOT / f"Pulumi.{stack}.yaml"
    if not file.is_file():
        return None
    found: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    return (found.get("config") or {}).get("kumiki:environment")


def _repositorys_files() -> list[str]:
    found: list[str] = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in _NOT_THE_REPOSITORYS]
        found += [Path(folder, name).relative_to(ROOT).as_posix() for name in files]
    return found


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


def _of_pipeline(settings: Settings) -> Iterator[tuple[str, str]]:
    pipeline = settings.pipeline
    if pipeline is None:
        return
    if settings.free_tier:
        yield "pipeline", "costs money for every minute beyond 100, and freeTier is set; remove one of the two"
    if settings.environment == "prod" and not pipeline.approval:
        yield "pipeline.approval", "is false, and this is production: nobody would be asked; remove it"
    staging = pipeline.staging
    if staging is not None and (its := _environment_of(staging.stack)) not in (None, staging.environment):
        why = f"is {staging.stack}, whose environment is {its} and not {staging.environment}"
        yield "pipeline.staging.stack", f"{why}; name the stack in which commits are tried"
    if staging is not None and staging.environment == settings.environment:
        yield (
            "pipeline.staging.environment",
            f"is {staging.environment}, which is this stack's own; name the environment in which commits are tried",
        )
    platforms = {one.architecture for one in settings.services.values() if one.image is None and one.image_of is None}
    if len(platforms) > 1:
        yield "pipeline", "builds all images on one machine, and the services have two architectures; use one"
