"""Lambda: what runs, who may call it, what happens to calls that fail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from guardrails.kit import MANDATORY, Props, aws, example, graph_rule, ref, rule, show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

FUNCTION = "aws:lambda/function:Function"
ALIAS = "aws:lambda/alias:Alias"
PERMISSION = "aws:lambda/permission:Permission"
URL = "aws:lambda/functionUrl:FunctionUrl"
PROVISIONED = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
SOURCE = "aws:lambda/eventSourceMapping:EventSourceMapping"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
QUEUE = "aws:sqs/queue:Queue"

# Those for which AWS still mends faults, as of 2026-11. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
SUPPORTED_RUNTIMES = frozenset({
    "dotnet8", "dotnet10", "java8.al2", "java11", "java17", "java21", "java25", "nodejs22.x", "nodejs24.x",
    "provided.al2023", "python3.11", "python3.12", "python3.13", "python3.14", "ruby3.3", "ruby3.4",
})  # fmt: skip

_BASE: dict[str, Any] = {"runtime": "python3.13", "handler": "app.handler", "role": "arn:aws:iam::123456789012:role/x"}


def _function(**props: Any) -> Any:
    return aws("lambda/function:Function", {**_BASE, **props}, name="function")


@rule(
    id="function-runtime",
    title="Functions run on a runtime that AWS still mends",
    types=(FUNCTION,),
    level=MANDATORY,
    severity="high",
    topics=("runtime",),
    references=("N-L1", "C363", "F Lambda.2"),
    remedy=f"Use one of {', '.join(sorted(SUPPORTED_RUNTIMES))}.",
    compliant=[
        example(_function()),
        example(aws("lambda/function:Function", {"packageType": "Image", "imageUri": "x:1"}, name="function")),
    ],
    non_compliant=[example(_function(runtime="python3.9")), example(_function(runtime="nodejs18.x"))],
)
def function_runtime(function: Resource, _at: Context) -> Iterator[str]:
    """An image brings its own runtime, and is scanned in its repository."""
    runtime = function.props.get("runtime")
    if isinstance(runtime, str) and runtime not in SUPPORTED_RUNTIMES:
        yield f"{runtime} is no longer mended"


@rule(
    id="function-dead-letters",
    title="Calls that nobody waits for are kept when they fail",
    types=(FUNCTION,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    references=("C116",),
    remedy="Give the function a deadLetterConfig with a queue or a topic.",
    compliant=[example(_function(deadLetterConfig={"targetArn": "arn:aws:sqs:ap-northeast-1:123456789012:dead"}))],
    non_compliant=[example(_function()), example(_function(deadLetterConfig={}))],
)
def function_dead_letters(function: Resource, _at: Context) -> Iterator[str]:
    """Events, schedules and topics call without waiting: after the last attempt Lambda drops what it was given."""
    if not function.props.has("deadLetterConfig.targetArn"):
        yield "a call that fails each time is lost"


@rule(
    id="function-tracing",
    title="Functions in prod send traces",
    types=(FUNCTION,),
    level=MANDATORY,
    severity="low",
    topics=("logging",),
    environments=("prod",),
    references=("C50", "P"),
    remedy="Set tracingConfig.mode to Active, and let the role send to X-Ray.",
    compliant=[
        example(_function(tracingConfig={"mode": "Active"}), environment="prod"),
        example(_function(tracingConfig={"mode": "PassThrough"})),
    ],
    non_compliant=[
        example(_function(), environment="prod"),
        example(_function(tracingConfig={"mode": "PassThrough"}), environment="prod"),
    ],
)
def function_tracing(function: Resource, _at: Context) -> Iterator[str]:
    """PassThrough traces only calls that somebody else has begun to trace."""
    if function.props.get("tracingConfig.mode") != "Active":
        yield "calls leave no trace"


@rule(
    id="function-environment-key",
    title="What functions in prod are told is encrypted with a key of ours",
    types=(FUNCTION,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    environments=("prod",),
    references=("C173",),
    remedy="Set kmsKeyArn.",
    compliant=[
        example(_function(environment={"variables": {"A": "b"}}, kmsKeyArn="arn:aws:kms:::key/1"), environment="prod"),
        example(_function(), environment="prod"),
        example(_function(environment={"variables": {"A": "b"}})),
    ],
    non_compliant=[example(_function(environment={"variables": {"A": "b"}}), environment="prod")],
)
def function_environment_key(function: Resource, _at: Context) -> Iterator[str]:
    """Lambda's own key encrypts too, but everybody who may look at the function may use it."""
    if function.props.has("environment.variables") and not function.props.has("kmsKeyArn"):
        yield "the environment is encrypted with Lambda's own key"


_NAMES_A_SECRET = re.compile(r"(?i)(^|_)(password|passwd|pwd|secret|token|api_?key|private_?key|credentials?)$")
_LOOKS_SECRET = re.compile(
    r"(?<![A-Z0-9])(AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])|-----BEGIN [A-Z ]*PRIVATE KEY-----|gh[pousr]_\w{36}"
)


def names_a_secret(name: str) -> bool:
    """Whether a variable says by its name, in whatever style, that its value is secret."""
    return bool(_NAMES_A_SECRET.search(name) or _NAMES_A_SECRET.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)))


def looks_secret(value: str) -> bool:
    """Whether a value has the form of a key or a token."""
    return bool(_LOOKS_SECRET.search(value))


@rule(
    id="function-no-literal-secret",
    title="No secret stands in a function's environment",
    types=(FUNCTION,),
    level=MANDATORY,
    severity="critical",
    topics=("secrets",),
    references=("C45", "F Lambda"),
    remedy="Keep it in Secrets Manager, and tell the function the secret's ARN.",
    compliant=[
        example(_function(environment={"variables": {"TOKEN_SECRET_ARN": "arn:aws:secretsmanager:::secret:x"}})),
        example(_function(environment={"variables": {"SECRET": "arn:aws:secretsmanager:::secret:x"}})),
        example(_function(environment={"variables": {"TOKENS_PER_MINUTE": "10"}})),
        example(_function()),
    ],
    non_compliant=[
        example(_function(environment={"variables": {"DATABASE_PASSWORD": "opens-nothing"}})),
        example(_function(environment={"variables": {"apiKey": "opens-nothing"}})),
        example(_function(environment={"variables": {"SETTINGS": "key=AKIAIOSFODNN7EXAMPLE"}})),
    ],
)
def function_no_literal_secret(function: Resource, _at: Context) -> Iterator[str]:
    """Whoever may look at the function sees its environment. A variable is judged by its name, unless it holds an ARN,
    and by what its value looks like."""
    variables = function.props.maybe("environment.variables")
    if not isinstance(variables, Props):
        return
    for name in sorted(variables.keys()):
        value = variables.maybe(name)
        if not isinstance(value, str) or value.startswith("arn:"):
            continue
        if names_a_secret(name):
            yield f"{name} says by its name that it is a secret"
        elif looks_secret(value):
            yield f"{name} holds what looks like a key"


def _permission(**props: Any) -> Any:
    return aws("lambda/permission:Permission", {"action": "lambda:InvokeFunction", "function": "x", **props})


_GATEWAY = {"principal": "apigateway.amazonaws.com"}
_SOURCE = {"sourceArn": "arn:aws:execute-api:ap-northeast-1:123456789012:abc/*"}


@rule(
    id="function-permission-scoped",
    title="Functions are called by named sources of this account only",
    types=(PERMISSION,),
    level=MANDATORY,
    severity="high",
    topics=("IAM", "network"),
    references=("P", "C301", "C364", "F Lambda.1"),
    remedy="Name the principal, and with a service the source: sourceArn, and sourceAccount where the ARN has none.",
    compliant=[
        example(_permission(**_GATEWAY, **_SOURCE)),
        example(_permission(principal="s3.amazonaws.com", sourceArn="arn:aws:s3:::x", sourceAccount="123456789012")),
        example(_permission(principal="*", principalOrgId="o-1234567890")),
        example(_permission(principal="123456789012")),
    ],
    non_compliant=[
        example(_permission(principal="*")),
        example(_permission(**_GATEWAY)),
        example(_permission(principal="s3.amazonaws.com", sourceArn="arn:aws:s3:::x")),
    ],
)
def function_permission_scoped(permission: Resource, _at: Context) -> Iterator[str]:
    """A service works for everybody: without a source somebody else's gateway may call our function. The ARN of a
    bucket names no account, and a bucket that was deleted may be somebody else's tomorrow."""
    props = permission.props
    principal = props.text("principal")
    if principal == "*" and not props.has("principalOrgId"):
        yield "everybody may call it"
    if not principal.endswith(".amazonaws.com") or props.has("sourceAccount"):
        return
    if not props.has("sourceArn"):
        yield f"{principal} may call it for anybody"
    elif props.text("sourceArn").startswith("arn:aws:s3:::"):
        yield f"{principal} may call it for a bucket of any account"


@rule(
    id="function-url-signed",
    title="Function URLs ask for signed calls",
    types=(URL,),
    level=MANDATORY,
    severity="high",
    topics=("network", "IAM"),
    references=("C258", "P"),
    remedy="Set authorizationType to AWS_IAM; put an API before a function that the public calls.",
    compliant=[example(aws("lambda/functionUrl:FunctionUrl", {"functionName": "x", "authorizationType": "AWS_IAM"}))],
    non_compliant=[example(aws("lambda/functionUrl:FunctionUrl", {"functionName": "x", "authorizationType": "NONE"}))],
)
def function_url_signed(url: Resource, _at: Context) -> Iterator[str]:
    """A URL has no firewall, no throttling and no log of its own."""
    if url.props.get("authorizationType") == "NONE":
        yield "everybody may call it"


@rule(
    id="function-two-zones",
    title="Functions in prod that stand in a network stand in two zones",
    types=(FUNCTION,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    environments=("prod",),
    references=("F Lambda.5",),
    remedy="Give vpcConfig subnets in two zones.",
    compliant=[
        example(_function(vpcConfig={"subnetIds": ["a", "b"], "securityGroupIds": ["g"]}), environment="prod"),
        example(_function(), environment="prod"),
        example(_function(vpcConfig={"subnetIds": ["a"], "securityGroupIds": ["g"]})),
    ],
    non_compliant=[example(_function(vpcConfig={"subnetIds": ["a"], "securityGroupIds": ["g"]}), environment="prod")],
)
def function_two_zones(function: Resource, _at: Context) -> Iterator[str]:
    """Outside of a network Lambda chooses the zones itself."""
    if function.props.has("vpcConfig.subnetIds") and len(function.props.items("vpcConfig.subnetIds")) < 2:
        yield "the loss of one zone is the loss of the function"


@rule(
    id="function-provisioned-version",
    title="Copies are kept started for a published version",
    types=(PROVISIONED,),
    level=MANDATORY,
    severity="medium",
    topics=("runtime",),
    remedy="Publish versions, and name an alias or a version as qualifier.",
    compliant=[example(aws("lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig", {"qualifier": "live"}))],
    non_compliant=[
        example(aws("lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig", {"qualifier": "$LATEST"}))
    ],
)
def function_provisioned_version(config: Resource, _at: Context) -> Iterator[str]:
    """AWS refuses others, in the middle of a deployment."""
    if config.props.get("qualifier") == "$LATEST":
        yield "$LATEST cannot be kept started"


_FACTOR = 6
_QUEUE = aws("sqs/queue:Queue", {"visibilityTimeoutSeconds": 180}, name="queue")
_ALIAS = aws("lambda/alias:Alias", {"functionName": ref("function", "arn"), "name": "live"}, name="alias")


def _mapping(target: str) -> Any:
    props = {"eventSourceArn": ref("queue", "arn"), "functionName": ref(target, "arn")}
    return aws("lambda/eventSourceMapping:EventSourceMapping", props, name="mapping")


@graph_rule(
    id="function-queue-visibility",
    title=f"A queue hides a message {_FACTOR} times as long as its function may work",
    types=(SOURCE,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    remedy="Raise the queue's visibilityTimeoutSeconds, or lower the function's timeout.",
    compliant=[
        example(_QUEUE, _function(timeout=30), _ALIAS, _mapping("alias")),
        example(_QUEUE, _function(timeout=30), _mapping("function")),
        example(_QUEUE, _function(), _mapping("function")),
    ],
    non_compliant=[
        example(_QUEUE, _function(timeout=31), _ALIAS, _mapping("alias")),
        example(_QUEUE, _function(timeout=60), _mapping("function")),
        example(aws("sqs/queue:Queue", name="queue"), _function(timeout=30), _mapping("function")),
    ],
)
def function_queue_visibility(mapping: Resource, at: Context) -> Iterator[str]:
    """Lambda may try a batch several times when it is throttled; a message that others see meanwhile is worked on
    twice. A queue hides for 30 seconds, and a function works for 3, where nothing is said."""
    functions = at.graph.targets(mapping, FUNCTION, via="functionName")
    for alias in at.graph.targets(mapping, ALIAS, via="functionName"):
        functions += at.graph.targets(alias, FUNCTION, via="functionName")
    for queue in at.graph.targets(mapping, QUEUE, via="eventSourceArn"):
        hidden = queue.props.number("visibilityTimeoutSeconds") or 30
        for function in functions:
            works = function.props.number("timeout") or 3
            if hidden < _FACTOR * works:
                yield f"{queue.name} hides a message for {show(hidden)} s, and {function.name} may work {show(works)} s"


@graph_rule(
    id="function-log-group",
    title="Each function's log is made by the program, with a retention",
    types=(FUNCTION,),
    level=MANDATORY,
    severity="medium",
    topics=("logging", "cost"),
    references=("C66", "C338"),
    remedy="Make the log group, and name it in loggingConfig.logGroup or call it /aws/lambda/<the function's name>.",
    compliant=[
        example(
            aws("cloudwatch/logGroup:LogGroup", {"name": "/aws/lambda/works"}, name="group"), _function(name="works")
        ),
        example(_function(loggingConfig={"logFormat": "JSON", "logGroup": "/functions/all"})),
    ],
    non_compliant=[example(_function(name="works"))],
)
def function_log_group(function: Resource, at: Context) -> Iterator[str]:
    """Otherwise Lambda makes it, and keeps records, which are paid for, for ever."""
    if function.props.has("loggingConfig.logGroup"):
        return
    name = f"/aws/lambda/{function.props.text('name') or function.name}"
    if not any(group.props.text("name") == name for group in at.graph.of_kind(LOG_GROUP)):
        yield f"nobody makes {name}"


RULES = (
    function_runtime,
    function_dead_letters,
    function_tracing,
    function_environment_key,
    function_no_literal_secret,
    function_permission_scoped,
    function_url_signed,
    function_two_zones,
    function_provisioned_version,
    function_queue_visibility,
    function_log_group,
)
