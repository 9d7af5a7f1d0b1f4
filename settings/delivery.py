"""Settings of what brings changes to AWS: builds, GitHub Actions for what runs, Amplify for a front end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from settings.section import Days, Name, Section, text

if TYPE_CHECKING:
    from settings import Settings


class DeliverySettings(Section):
    """The role with which a GitHub workflow deploys to this stack."""

    repository: str
    """The repository, as owner/name."""

    github_environment: str | None = None
    """The GitHub environment whose jobs may deploy; left out, it is called as the stack's environment."""

    oidc_provider: Literal["create"] | str = "create"
    """`create`, or the ARN of the account's provider for GitHub: an account has only one."""


class FrontEndSettings(Section):
    """A Next.js front end on Amplify, built at every push."""

    repository: str
    """The repository, as owner/name."""

    branch: str = "main"
    """The branch that this stack serves."""

    token_secret_arn: str
    """The secret in Secrets Manager that holds a GitHub token; never the token itself."""

    variables: dict[Annotated[str, text(r"[A-Za-z_]\w{0,254}", "use letters, digits and _")], str] = {}
    """Environment variables of the build. No secrets: they can end up in the pages."""

    domain: str | None = None
    """A domain in Route 53; left out, the address is one of amplifyapp.com."""

    subdomain: str = ""
    """What stands before the domain; empty for the domain itself."""


class BuildSettings(Section):
    """Builds of each commit by CodeBuild: $0.005 a minute at most."""

    repository: str
    """The repository, as owner/name."""

    branch: str = "main"

    connection: str
    """The ARN of the account's connection to GitHub: a person makes it in the console, and agrees to it at GitHub."""

    spec: Name = "functions"
    """The file workloads/builds/<spec>.yml with the commands."""

    minutes: int = 10
    """After which a build is ended."""

    on_push: bool = True
    """Whether each push is built, or only what somebody starts."""

    keep_days: Days = 30
    """Days until what was built is deleted."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What a free tier does not hold, and what nothing could be built for."""
    if settings.free_tier and settings.build is not None:
        yield "build", "costs money for every build beyond 100 minutes, and freeTier is set; remove one of the two"
    if settings.free_tier and settings.front_end is not None:
        yield "frontEnd", "costs money for every build and visit, and freeTier is set; remove one of the two"
