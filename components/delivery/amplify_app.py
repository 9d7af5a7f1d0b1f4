"""A Next.js front end on Amplify Hosting, built from one branch of a GitHub repository at every push.

Use: AmplifyApp("wiki-dev-front-end", AmplifyAppArgs(repository="acme/wiki-web", token_secret_arn=arn))

Amplify brings its own CDN and certificate. It reads the repository by a token that is kept in Secrets Manager; the
token reaches the state of the stack encrypted, and no file at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws

from ..alarms import Metric
from ..args import ComponentArgs
from ..component import Component
from ..errors import Mistake
from ..values import GitHubRepository, text
from ..widgets import Widget

_SECRET = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+")

# `npm ci` installs what package-lock.json says, and nothing newer.
_BUILD = """\
version: 1
frontend:
  phases:
    preBuild:
      commands:
        - npm ci
    build:
      commands:
        - npm run build
  artifacts:
    baseDirectory: .next
    files:
      - "**/*"
  cache:
    paths:
      - .next/cache/**/*
      - .npm/**/*
"""


class AmplifyAppArgs(ComponentArgs):
    """A Next.js front end on Amplify. Costs $0.01 a build minute, $0.15 a GB served, $0.30 a million requests that the
    server renders; nothing while nobody comes and nobody pushes."""

    repository: GitHubRepository
    """The GitHub repository, as `owner/name`."""

    branch: Annotated[
        str,
        text(
            r"(?![/.])(?!.*(\.\.|//|@\{))[\w./@+-]{1,244}(?<![/.])",
            "write the name of one branch exactly, for example main",
        ),
    ] = "main"
    """The branch that is built and served."""

    token_secret_arn: str
    """The Secrets Manager secret whose whole value is a GitHub token for the repository; never the token itself.
    Somebody puts it there by hand; it is read when the stack is deployed."""

    variables: dict[Annotated[str, text(r"[A-Za-z_]\w{0,254}", "use letters, digits and _")], str] = {}
    """Environment variables of the build, for example the address of the API. Not for secrets: whoever may see the
    application sees them, and those that begin with NEXT_PUBLIC_ are in the pages."""

    domain: str | None = None
    """A domain of which the branch gets `subdomain`. Its zone must be in Route 53 of the same account, or somebody
    enters the records by hand. Left out, the address is one of amplifyapp.com."""

    subdomain: str = ""
    """What stands before the domain; empty for the domain itself."""

    def mistakes(self) -> Iterator[Mistake]:
        if not _SECRET.fullmatch(self.token_secret_arn):
            # The value is not shown: somebody may have written the token itself.
            yield Mistake(
                "token_secret_arn",
                "…",
                "is not the ARN of a secret; keep the token in Secrets Manager and write "
                "arn:aws:secretsmanager:<region>:<account>:secret:<name>",
            )
        if self.subdomain and self.domain is None:
            yield Mistake("subdomain", self.subdomain, "needs a domain; set domain too")


class AmplifyApp(Component):
    """An application with one branch, and its own domain where it has one."""

    CHILDREN = ("app", "branch", "domain")

    id: pulumi.Output[str]
    arn: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: AmplifyAppArgs,
        *,
        stage: Literal["PRODUCTION", "DEVELOPMENT"] = "DEVELOPMENT",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param stage: What Amplify's console calls the branch.
        """
        super().__init__(name, args, opts)
        child = self._child
        token = aws.secretsmanager.get_secret_version_output(
            secret_id=args.token_secret_arn, opts=pulumi.InvokeOptions(parent=self)
        ).secret_string
        app = aws.amplify.App(
            f"{name}-app",
            name=name,
            repository=f"https://github.com/{args.repository}",
            access_token=pulumi.Output.secret(token),
            # Pages that a server renders; WEB would serve files only.
            platform="WEB_COMPUTE",
            build_spec=_BUILD,
            # A branch becomes a site only when the stack says so, and goes with it.
            enable_auto_branch_creation=False,
            opts=child("app"),
        )
        branch = aws.amplify.Branch(
            f"{name}-branch",
            app_id=app.id,
            branch_name=args.branch,
            framework="Next.js - SSR",
            stage=stage,
            enable_auto_build=True,
            # Anybody's pull request would be built with this application's variables and published under its address.
            enable_pull_request_preview=False,
            environment_variables=args.variables or None,
            opts=child("branch"),
        )
        host = pulumi.Output.concat(_label(args.branch), ".", app.default_domain)
        if args.domain is not None:
            aws.amplify.DomainAssociation(
                f"{name}-domain",
                app_id=app.id,
                domain_name=args.domain,
                sub_domains=[
                    aws.amplify.DomainAssociationSubDomainArgs(branch_name=branch.branch_name, prefix=args.subdomain)
                ],
                # The certificate is validated by records that somebody may have to enter first.
                wait_for_verification=False,
                opts=child("domain"),
            )
            host = pulumi.Output.from_input(f"{args.subdomain}.{args.domain}".lstrip("."))
        self.id, self.arn = app.id, app.arn
        self.url = pulumi.Output.concat("https://", host)
        self.register_outputs({"url": self.url})

    @property
    def widgets(self) -> list[Widget]:
        """How much is asked, how much of it fails, and how long it takes."""
        shown = [("Requests", "Sum"), ("5xxErrors", "Sum"), ("4xxErrors", "Sum"), ("Latency", "Average")]
        return [self._graph("Applications (Amplify)", self._metric(*one)) for one in shown]

    def _metric(self, name: str, statistic: str) -> Metric:
        return Metric(namespace="AWS/AmplifyHosting", name=name, dimensions={"App": self.id}, statistic=statistic)


def _label(branch: str) -> str:
    """A branch's name as Amplify writes it into an address."""
    return re.sub(r"[^a-z0-9-]", "-", branch.lower())
