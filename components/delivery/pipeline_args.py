"""Which commits a pipeline brings to production, and what stands between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from ..args import ComponentArgs
from ..errors import Mistake
from ..values import Days, GitHubRepository, LogRetentionDays, text
from .build import CONNECTION, CONNECTION_IN_WORDS

# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GitBranchFilterCriteria.html
_MOST_PATTERNS: Final = 8


def _closed(pattern: str) -> str:
    try:
        re.compile(_expression(pattern))
    except re.error:
        raise ValueError("is no pattern: close each { and [, and write ranges such as [a-z]") from None
    return pattern


_Branch = Annotated[
    str,
    text(
        r"(?!refs/)[A-Za-z0-9_*?\[{][A-Za-z0-9_./*?\[\]{},!-]{0,254}",
        "write the name of a branch or a pattern such as release/*, without refs/heads/",
    ),
    AfterValidator(_closed),
]
_Path = Annotated[
    str,
    text(
        r"(?![/.]/)[A-Za-z0-9_.*?\[{][A-Za-z0-9_./*?\[\]{},!-]{0,254}",
        "write a path or a pattern such as workloads/api/**, from the repository's root and without / before it",
    ),
    AfterValidator(_closed),
]
_Patterns = Field(max_length=_MOST_PATTERNS)


class PipelineArgs(ComponentArgs):
    """A pipeline of CodePipeline's type V2: $0.002 for each minute that an action runs (100 are free), beside what its
    builds cost, up to $0.005 a minute (with Docker $0.01)."""

    repository: GitHubRepository
    """The GitHub repository, as owner/name."""

    connection: Annotated[str, text(CONNECTION, CONNECTION_IN_WORDS)]
    """The ARN of the account's connection to GitHub, made in the console: a person must agree to it at GitHub. Free."""

    branches: Annotated[list[_Branch], Field(min_length=1), _Patterns] = ["main"]
    """The branches to which a push starts the pipeline, as patterns. The first is what a start by hand takes, and has
    no wildcards."""

    ignore_branches: Annotated[list[_Branch], _Patterns] = []
    """Patterns of branches that start nothing, also where `branches` has them."""

    paths: Annotated[list[_Path], _Patterns] = []
    """Patterns of files; a push that changes none of them starts nothing. Empty means any file."""

    ignore_paths: Annotated[list[_Path], _Patterns] = []
    """Patterns of files that start nothing by themselves."""

    approval: bool = True
    """Wait for a person before production. Only a stack that is not production may do without."""

    approval_days: Annotated[int, Field(ge=1, le=60)] = 7
    """Days after which a commit that nobody has approved is refused."""

    minutes: Annotated[int, Field(ge=10, le=480)] = 120
    """After which a build is ended. A deployment has to wait for all of its services in it."""

    log_retention_days: LogRetentionDays = 30
    """Days until a record in the logs is deleted. In YAML left out: the stack's."""

    keep_days: Days = 30
    """Days until what the stages hand on is deleted. So far back a stage can be rolled back."""

    def mistakes(self) -> Iterator[Mistake]:
        if _is_pattern(self.branches[0]):
            why = "is a pattern, and a start by hand takes one branch; name that first"
            yield Mistake("branches", self.branches[0], why)
        for kind, wanted, ignored in (
            ("branches", self.branches, self.ignore_branches),
            ("paths", self.paths, self.ignore_paths),
        ):
            if wanted and (by := covering(wanted, ignored)) is not None:
                why = f"match nothing: {by}, which is ignored, takes all of them away; take one of the two out"
                yield Mistake(kind, wanted, why)


def _is_pattern(pattern: str) -> bool:
    return bool(set(pattern) & set("*?[{"))


def covering(wanted: Sequence[str], ignored: Sequence[str]) -> str | None:
    """What of `ignored` takes every one of `wanted` away; None where something stays. (A pattern is held against others
    as a name would be, so what is found is sure, and not everything is.)"""
    found = [next((by for by in ignored if by == one or matches(one, by)), None) for one in wanted]
    return ", ".join(dict.fromkeys(by for by in found if by)) if all(found) else None


def matches(name: str, pattern: str) -> bool:
    """Whether a name is one of a pattern's (docs.aws.amazon.com/codepipeline/latest/userguide/syntax-glob.html): `*`
    stays within a folder, `**` does not."""
    return re.fullmatch(_expression(pattern), name) is not None


@cache
def _expression(pattern: str) -> str:
    parts = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")"}
    depth, made = 0, ""
    for sign in re.findall(r"\*\*|\[!?[^\]]*\]|.", pattern):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if sign.startswith("[") and len(sign) > 1:
            made += sign.replace("[!", "[^", 1)
        elif sign == "," and depth:
            made += "|"
        else:
            made += parts.get(sign) or re.escape(sign)
    return made
