"""CodeBuild: what starts a build, what a build may see and do, and what becomes of its results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import ADVISORY, MANDATORY, Props, aws, example, rule
from guardrails.rules.functions import looks_secret, names_a_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

PROJECT = "aws:codebuild/project:Project"
WEBHOOK = "aws:codebuild/webhook:Webhook"

_SOURCE = {"type": "GITHUB", "location": "https://github.com/acme/wiki.git"}
_MACHINE = {"type": "ARM_CONTAINER", "computeType": "BUILD_GENERAL1_SMALL", "image": "x"}
_BASE: dict[str, Any] = {
    "serviceRole": "arn:aws:iam::123456789012:role/x", "source": _SOURCE, "artifacts": {"type": "NO_ARTIFACTS"},
    "environment": _MACHINE,
}  # fmt: skip


def _project(**props: Any) -> Any:
    return aws("codebuild/project:Project", {**_BASE, **props}, name="project")


def _told(**variable: Any) -> Any:
    return _project(environment={**_MACHINE, "environmentVariables": [variable]})


@rule(
    id="build-results-encrypted",
    title="What builds leave behind is encrypted",
    types=(PROJECT,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("C78", "C311", "N-CB4", "F CodeBuild.3"),
    remedy="Leave encryptionDisabled out.",
    compliant=[
        example(_project(artifacts={"type": "S3", "location": "builds", "encryptionDisabled": False})),
        example(_project(logsConfig={"s3Logs": {"status": "ENABLED", "location": "builds/logs"}})),
        example(_project()),
    ],
    non_compliant=[
        example(_project(artifacts={"type": "S3", "location": "builds", "encryptionDisabled": True})),
        example(
            _project(
                secondaryArtifacts=[
                    {"type": "S3", "artifactIdentifier": "more", "location": "b", "encryptionDisabled": True}
                ]
            )
        ),
        example(_project(logsConfig={"s3Logs": {"status": "ENABLED", "location": "b", "encryptionDisabled": True}})),
    ],
)
def build_results_encrypted(project: Resource, _at: Context) -> Iterator[str]:
    """CodeBuild encrypts unless it is told not to."""
    props = project.props
    found = [("artifacts", props.get("artifacts")), ("logsConfig.s3Logs", props.get("logsConfig.s3Logs"))]
    found += [("secondaryArtifacts", one) for one in props.items("secondaryArtifacts")]
    for where, one in found:
        if isinstance(one, Props) and one.get("encryptionDisabled") is True:
            yield f"{where} are kept in the clear"


@rule(
    id="build-no-literal-secret",
    title="No secret stands in a build's environment",
    types=(PROJECT,),
    level=MANDATORY,
    severity="critical",
    topics=("secrets",),
    references=("F CodeBuild.2", "N-CB"),
    remedy="Give the variable the type SECRETS_MANAGER, and the secret's ARN as its value.",
    compliant=[
        example(_told(name="TOKEN", type="SECRETS_MANAGER", value="arn:aws:secretsmanager:::secret:x")),
        example(_told(name="STACK", value="study-dev")),
        example(_project()),
    ],
    non_compliant=[
        example(_told(name="GITHUB_TOKEN", value="opens-nothing")),
        example(_told(name="DATABASE_PASSWORD", type="PLAINTEXT", value="opens-nothing")),
        example(_told(name="SETTINGS", value="key=AKIAIOSFODNN7EXAMPLE")),
    ],
)
def build_no_literal_secret(project: Resource, _at: Context) -> Iterator[str]:
    """Whoever may look at the project or at a log sees it."""
    for variable in project.props.items("environment.environmentVariables"):
        if not isinstance(variable, Props) or variable.get("type") not in (None, "PLAINTEXT"):
            continue
        name, value = variable.text("name"), variable.get("value")
        if not isinstance(value, str) or value.startswith("arn:"):
            continue
        if names_a_secret(name):
            yield f"{name} says by its name that it is a secret"
        elif looks_secret(value):
            yield f"{name} holds what looks like a key"


@rule(
    id="build-unprivileged",
    title="Builds do not run as root of their machine",
    types=(PROJECT,),
    level=ADVISORY,
    severity="medium",
    topics=("runtime",),
    references=("C316", "N-CB3", "F CodeBuild.5"),
    remedy="Set environment.privilegedMode to false, unless the build makes images with Docker.",
    compliant=[example(_project(environment={**_MACHINE, "privilegedMode": False})), example(_project())],
    non_compliant=[example(_project(environment={**_MACHINE, "privilegedMode": True}))],
)
def build_unprivileged(project: Resource, _at: Context) -> Iterator[str]:
    """Only Docker needs it."""
    if project.props.get("environment.privilegedMode") is True:
        yield "privilegedMode is on"


@rule(
    id="build-logs",
    title="Builds write their log into a group of ours",
    types=(PROJECT,),
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("C314", "F CodeBuild.4"),
    remedy="Set logsConfig.cloudwatchLogs.groupName to a log group with retention.",
    compliant=[
        example(_project(logsConfig={"cloudwatchLogs": {"groupName": "/aws/codebuild/x", "status": "ENABLED"}})),
        example(_project(logsConfig={"s3Logs": {"status": "ENABLED", "location": "builds/logs"}})),
    ],
    non_compliant=[
        example(_project()),
        example(_project(logsConfig={"cloudwatchLogs": {"groupName": "x", "status": "DISABLED"}})),
    ],
)
def build_logs(project: Resource, _at: Context) -> Iterator[str]:
    """The group that CodeBuild makes by itself keeps everything for ever."""
    logs = "logsConfig.cloudwatchLogs"
    to_group = project.props.has(f"{logs}.groupName") and project.props.get(f"{logs}.status") != "DISABLED"
    if not to_group and project.props.get("logsConfig.s3Logs.status") != "ENABLED":
        yield "the log is kept nowhere, or in a group without retention"


def _webhook(*groups: dict[str, str]) -> Any:
    listed = [{"filters": [{"type": key, "pattern": value} for key, value in group.items()]} for group in groups]
    return aws("codebuild/webhook:Webhook", {"projectName": "x", **({"filterGroups": listed} if listed else {})})


@rule(
    id="build-webhook-filtered",
    title="Builds start by pushes to named branches, not by whatever a stranger sends",
    types=(WEBHOOK,),
    level=MANDATORY,
    severity="high",
    topics=("IAM", "runtime"),
    remedy="Give each group of filters a HEAD_REF, and one for pull requests an ACTOR_ACCOUNT_ID.",
    compliant=[
        example(_webhook({"EVENT": "PUSH", "HEAD_REF": "^refs/heads/main$"})),
        example(_webhook({"EVENT": "PULL_REQUEST_CREATED", "HEAD_REF": "^refs/heads/", "ACTOR_ACCOUNT_ID": "1234"})),
    ],
    non_compliant=[
        example(_webhook()),
        example(_webhook({"EVENT": "PUSH"})),
        example(_webhook({"EVENT": "PUSH, PULL_REQUEST_CREATED", "HEAD_REF": "^refs/heads/main$"})),
    ],
)
def build_webhook_filtered(webhook: Resource, _at: Context) -> Iterator[str]:
    """A pull request from a fork would run what its author wrote, with the build's role."""
    groups = webhook.props.items("filterGroups")
    if not groups:
        yield "every event of the repository starts a build"
    for group in groups:
        if not isinstance(group, Props):
            continue
        filters = {one.get("type"): one.text("pattern") for one in group.items("filters") if isinstance(one, Props)}
        if "HEAD_REF" not in filters:
            yield "pushes to any branch start a build"
        if "PULL_REQUEST" in filters.get("EVENT", "") and "ACTOR_ACCOUNT_ID" not in filters:
            yield "anybody's pull request starts a build"


RULES = (
    build_results_encrypted,
    build_no_literal_secret,
    build_unprivileged,
    build_logs,
    build_webhook_filtered,
)
