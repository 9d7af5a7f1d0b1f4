"""CodeBuild: what starts a build, what a build may see and do, and what becomes of its results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, Props, aws, rule, setting
from guardrails.rules.functions import looks_secret, names_a_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource


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
    title="The results of builds are encrypted",
    types=(types.CODEBUILD_PROJECT,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("C78", "C311", "N-CB4", "F CodeBuild.3"),
    remedy="Leave encryptionDisabled out.",
)
def build_results_encrypted(project: Resource, _at: Context) -> Iterator[str]:
    """CodeBuild encrypts unless it is told not to."""
    props = project.props
    found = [("artifacts", props.get("artifacts")), ("logsConfig.s3Logs", props.get("logsConfig.s3Logs"))]
    found += [("secondaryArtifacts", one) for one in props.items("secondaryArtifacts")]
    for where, one in found:
        if isinstance(one, Props) and one.get("encryptionDisabled") is True:
            yield f"{where} are not encrypted"


build_results_encrypted.examples(
    compliant=[
        _project(artifacts={"type": "S3", "location": "builds", "encryptionDisabled": False}),
        _project(logsConfig={"s3Logs": {"status": "ENABLED", "location": "builds/logs"}}),
        _project(),
    ],
    non_compliant=[
        _project(artifacts={"type": "S3", "location": "builds", "encryptionDisabled": True}),
        _project(
            secondaryArtifacts=[
                {"type": "S3", "artifactIdentifier": "more", "location": "b", "encryptionDisabled": True}
            ]
        ),
        _project(logsConfig={"s3Logs": {"status": "ENABLED", "location": "b", "encryptionDisabled": True}}),
    ],
)


@rule(
    id="build-no-literal-secret",
    title="No secret is in a build's environment variables",
    types=(types.CODEBUILD_PROJECT,),
    level=MANDATORY,
    severity="critical",
    topics=("secrets",),
    references=("F CodeBuild.2", "N-CB"),
    remedy="Give the variable the type SECRETS_MANAGER, and the secret's ARN as its value.",
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
            yield f"{name} has the name of a secret"
        elif looks_secret(value):
            yield f"{name} holds what looks like a key"


build_no_literal_secret.examples(
    compliant=[
        _told(name="TOKEN", type="SECRETS_MANAGER", value="arn:aws:secretsmanager:::secret:x"),
        _told(name="STACK", value="study-dev"),
        _project(),
    ],
    non_compliant=[
        _told(name="GITHUB_TOKEN", value="opens-nothing"),
        _told(name="DATABASE_PASSWORD", type="PLAINTEXT", value="opens-nothing"),
        _told(name="SETTINGS", value="key=AKIAIOSFODNN7EXAMPLE"),
    ],
)


build_unprivileged = setting(
    id="build-unprivileged",
    title="Builds do not run in privileged mode",
    types=(types.CODEBUILD_PROJECT,),
    path="environment.privilegedMode",
    allowed=(False,),
    wrong=True,
    default=False,
    message="privilegedMode is on",
    description="Only Docker needs it.",
    level=ADVISORY,
    severity="medium",
    topics=("runtime",),
    references=("C316", "N-CB3", "F CodeBuild.5"),
    remedy="Set environment.privilegedMode to false, unless the build makes images with Docker.",
)


@rule(
    id="build-logs",
    title="Builds log to a log group with retention",
    types=(types.CODEBUILD_PROJECT,),
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("C314", "F CodeBuild.4"),
    remedy="Set logsConfig.cloudwatchLogs.groupName to a log group with retention.",
)
def build_logs(project: Resource, _at: Context) -> Iterator[str]:
    """The group that CodeBuild makes by itself keeps everything for ever."""
    logs = "logsConfig.cloudwatchLogs"
    to_group = project.props.has(f"{logs}.groupName") and project.props.get(f"{logs}.status") != "DISABLED"
    if not to_group and project.props.get("logsConfig.s3Logs.status") != "ENABLED":
        yield "there is no log group, or one without retention"


build_logs.examples(
    compliant=[
        _project(logsConfig={"cloudwatchLogs": {"groupName": "/aws/codebuild/x", "status": "ENABLED"}}),
        _project(logsConfig={"s3Logs": {"status": "ENABLED", "location": "builds/logs"}}),
    ],
    non_compliant=[_project(), _project(logsConfig={"cloudwatchLogs": {"groupName": "x", "status": "DISABLED"}})],
)


def _webhook(*groups: dict[str, str]) -> Any:
    listed = [{"filters": [{"type": key, "pattern": value} for key, value in group.items()]} for group in groups]
    return aws("codebuild/webhook:Webhook", {"projectName": "x", **({"filterGroups": listed} if listed else {})})


@rule(
    id="build-webhook-filtered",
    title="Webhooks start builds for named branches and known authors only",
    types=(types.CODEBUILD_WEBHOOK,),
    level=MANDATORY,
    severity="high",
    topics=("IAM", "runtime"),
    remedy="Give each group of filters a HEAD_REF, and one for pull requests an ACTOR_ACCOUNT_ID.",
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


build_webhook_filtered.examples(
    compliant=[
        _webhook({"EVENT": "PUSH", "HEAD_REF": "^refs/heads/main$"}),
        _webhook({"EVENT": "PULL_REQUEST_CREATED", "HEAD_REF": "^refs/heads/", "ACTOR_ACCOUNT_ID": "1234"}),
    ],
    non_compliant=[
        _webhook(),
        _webhook({"EVENT": "PUSH"}),
        _webhook({"EVENT": "PUSH, PULL_REQUEST_CREATED", "HEAD_REF": "^refs/heads/main$"}),
    ],
)
