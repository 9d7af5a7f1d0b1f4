"""What is done in the stages of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import pulumi

from ..errors import ArgumentError, Mistake
from ..policy import Statement
from .build import spec_mistakes

WorkName = Literal["test", "build", "staging", "answers", "plan", "production"]
Platform = Literal["linux/arm64", "linux/amd64"]


def role_name(pipeline: str, work: WorkName) -> str:
    """What the role of a stage is called. A name without a suffix, because roles of other stacks trust it by that."""
    return f"{pipeline}-{work}-role"


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is done in one stage."""

    spec: str
    """The text of the build specification. Not a path into the repository: then whoever may push would decide what is
    done with the stage's role."""

    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """What the commands are told; nothing secret: it stands in every log."""

    statements: Sequence[Statement] = ()
    """What the stage may do, beside reading what it is handed, writing its log and handing on what it made."""

    platform: Platform = "linux/arm64"
    docker: bool = False
    """Whether it builds images, for which CodeBuild must run it privileged."""


def check_work(work: Mapping[WorkName, Work]) -> None:
    wrong: list[Mistake] = []
    for each in get_args(WorkName):
        if each in work:
            # What `Build` keeps by itself, CodePipeline takes here: a stage may have nothing to hand on.
            wrong += spec_mistakes(work[each].spec, keeps=False)
        elif each not in {"staging", "answers"}:
            wrong.append(Mistake("work", each, "is missing; every pipeline has that stage"))
    if "answers" in work and "staging" not in work:
        wrong.append(Mistake("work", "answers", "asks what staging answers, and there is none; give staging too"))
    if wrong:
        raise ArgumentError.of(wrong)
