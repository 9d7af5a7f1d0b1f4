"""Lambda: what runs, who may call it, what happens to calls that fail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from guardrails import types
from guardrails.kit import MANDATORY, Props, aws, example, graph_rule, ref, rule, setting, show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource


# Those that AWS supports, as of 2026-11. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
SUPPORTED_RUNTIMES = frozenset({
    "dotnet8", "dotnet10", "java8.al2", "java11", "java17", "java21", "java25", "nodejs22.x", "nodejs24.x",
    "provided.al2023", "python3.11", "python3.12", "python3.13", "python3.14", "ruby3.3", "ruby3.4",
})  # fmt: skip

_BASE: dict[str, Any] = {"runtime": "python3.13", "handler": "app.handler", "role": "arn:aws:iam::123456789012:role/x"}


def _function(**props: Any) -> Any:
    return aws("lambda/function:Function", {**_BASE, **props}, name="function")


@rule(
    id="function-runtime",
    title="Functions run on a supported runtime",
    types=(types.LAMBDA_FUNCTION,),
    level=MANDATORY,
    severity="high",
    topics=("runtime",),
    references=("N-L1", "C363", "F Lambda.2"),
    remedy=f"Use one of {', '.join(sorted(SUPPORTED_RUNTIMES))}.",
)
def function_runtime(function: Resource, _at: Context) -> Iterator[str]:
    """An image brings its own runtime, and is scanned in its repository."""
    runtime = function.props.get("runtime")
    if isinstance(runtime, str) and runtime not in SUPPORTED_RUNTIMES:
        yield f"{runtime} is no longer supported"


function_runtime.examples(
    compliant=[
        _function(),
        aws("lambda/function:Function", {"packageType": "Image", "imageUri": "x:1"}, name="function"),
    ],
    non_compliant=[_function(runtime="python3.9"), _function(runtime="nodejs18.x")],
)


_WAITING: Final = frozenset({
    "alexa-appkit.amazon.com", "apigateway.amazonaws.com", "bedrock.amazonaws.com", "cognito-idp.amazonaws.com",
    "elasticloadbalancing.amazonaws.com", "lexv2.amazonaws.com", "vpc-lattice.amazonaws.com",
})  # fmt: skip
"""Who calls and waits for the answer: what fails is told to the caller, and Lambda keeps nothing.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html"""


@graph_rule(
    id="function-dead-letters",
    title="Failed asynchronous invocations are kept",
    types=(types.LAMBDA_FUNCTION,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    references=("C116",),
    remedy="Give the function a deadLetterConfig with a queue or a topic.",
)
def function_dead_letters(function: Resource, at: Context) -> Iterator[str]:
    """Events, schedules and topics call without waiting: after the last attempt Lambda drops what it was given. A
    function that only such services may call as wait for its answer needs none."""
    if function.props.has("deadLetterConfig.targetArn"):
        return
    allowed = at.graph.children(function, types.LAMBDA_PERMISSION, via="function")
    callers = {permission.props.get("principal") for permission in allowed}
    if not callers or not callers <= _WAITING:
        yield "an asynchronous invocation that keeps failing is lost"


def _called_by(principal: str, **props: Any) -> Any:
    permission = {"action": "lambda:InvokeFunction", "function": ref("function"), "principal": principal}
    return example(_function(**props), aws("lambda/permission:Permission", permission, name="permission"))


function_dead_letters.examples(
    compliant=[
        _function(deadLetterConfig={"targetArn": "arn:aws:sqs:ap-northeast-1:123456789012:dead"}),
        _called_by("apigateway.amazonaws.com"),
        _called_by(
            "events.amazonaws.com", deadLetterConfig={"targetArn": "arn:aws:sqs:ap-northeast-1:123456789012:dead"}
        ),
    ],
    non_compliant=[_function(), _called_by("events.amazonaws.com")],
)


function_tracing = setting(
    id="function-tracing",
    title="In production, functions send traces",
    types=(types.LAMBDA_FUNCTION,),
    path="tracingConfig.mode",
    allowed=("Active",),
    wrong="PassThrough",
    message="X-Ray tracing is off",
    description="PassThrough traces only calls that somebody else has begun to trace.",
    level=MANDATORY,
    severity="low",
    topics=("logging",),
    references=("C50", "P"),
    environments=("prod",),
    remedy="Set tracingConfig.mode to Active, and let the role send to X-Ray.",
)


@rule(
    id="function-environment-key",
    title="In production, the environment of functions is encrypted with a customer-managed key",
    types=(types.LAMBDA_FUNCTION,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    environments=("prod",),
    references=("C173",),
    remedy="Set kmsKeyArn.",
)
def function_environment_key(function: Resource, _at: Context) -> Iterator[str]:
    """The AWS-managed key encrypts too, but everybody who may look at the function may use it."""
    if function.props.has("environment.variables") and not function.props.has("kmsKeyArn"):
        yield "the environment is encrypted with an AWS-managed key"


function_environment_key.examples(
    compliant=[
        example(_function(environment={"variables": {"A": "b"}}, kmsKeyArn="arn:aws:kms:::key/1"), environment="prod"),
        example(_function(), environment="prod"),
        _function(environment={"variables": {"A": "b"}}),
    ],
    non_compliant=[example(_function(environment={"variables": {"A": "b"}}), environment="prod")],
)


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
    title="No secret is in a function's environment variables",
    types=(types.LAMBDA_FUNCTION,),
    level=MANDATORY,
    severity="critical",
    topics=("secrets",),
    references=("C45", "F Lambda"),
    remedy="Keep it in Secrets Manager, and tell the function the secret's ARN.",
)
def function_no_literal_secret(function: Resource, _at: Context) -> Iterator[str]:
    """Whoever may look at the function sees its environment. A variable is checked by its name, unless it holds an ARN,
    and by what its value looks like."""
    variables = function.props.maybe("environment.variables")
    if not isinstance(variables, Props):
        return
    for name in sorted(variables.keys()):
        value = variables.maybe(name)
        if not isinstance(value, str) or value.startswith("arn:"):
            continue
        if names_a_secret(name):
            yield f"{name} has the name of a secret"
        elif looks_secret(value):
            yield f"{name} holds what looks like a key"


function_no_literal_secret.examples(
    compliant=[
        _function(environment={"variables": {"TOKEN_SECRET_ARN": "arn:aws:secretsmanager:::secret:x"}}),
        _function(environment={"variables": {"SECRET": "arn:aws:secretsmanager:::secret:x"}}),
        _function(environment={"variables": {"TOKENS_PER_MINUTE": "10"}}),
        _function(),
    ],
    non_compliant=[
        _function(environment={"variables": {"DATABASE_PASSWORD": "opens-nothing"}}),
        _function(environment={"variables": {"apiKey": "opens-nothing"}}),
        _function(environment={"variables": {"SETTINGS": "key=AKIAIOSFODNN7EXAMPLE"}}),
    ],
)


def _permission(**props: Any) -> Any:
    return aws("lambda/permission:Permission", {"action": "lambda:InvokeFunction", "function": "x", **props})


_GATEWAY = {"principal": "apigateway.amazonaws.com"}
_SOURCE = {"sourceArn": "arn:aws:execute-api:ap-northeast-1:123456789012:abc/*"}


@rule(
    id="function-permission-scoped",
    title="Functions are invoked by named sources of this account only",
    types=(types.LAMBDA_PERMISSION,),
    level=MANDATORY,
    severity="high",
    topics=("IAM", "network"),
    references=("P", "C301", "C364", "F Lambda.1"),
    remedy="Name the principal, and with a service the source: sourceArn, and sourceAccount where the ARN has none.",
)
def function_permission_scoped(permission: Resource, _at: Context) -> Iterator[str]:
    """A service works for everybody: without a source somebody else's gateway may call our function. The ARN of a
    bucket names no account, and a bucket that was deleted may be somebody else's tomorrow."""
    props = permission.props
    principal = props.text("principal")
    if principal == "*" and not props.has("principalOrgId"):
        yield "anyone may invoke it"
    if not principal.endswith(".amazonaws.com") or props.has("sourceAccount"):
        return
    if not props.has("sourceArn"):
        yield f"{principal} may invoke it on behalf of any account"
    elif props.text("sourceArn").startswith("arn:aws:s3:::"):
        yield f"{principal} may invoke it for a bucket of any account"


function_permission_scoped.examples(
    compliant=[
        _permission(**_GATEWAY, **_SOURCE),
        _permission(principal="s3.amazonaws.com", sourceArn="arn:aws:s3:::x", sourceAccount="123456789012"),
        _permission(principal="*", principalOrgId="o-1234567890"),
        _permission(principal="123456789012"),
    ],
    non_compliant=[
        _permission(principal="*"),
        _permission(**_GATEWAY),
        _permission(principal="s3.amazonaws.com", sourceArn="arn:aws:s3:::x"),
    ],
)


function_url_signed = setting(
    id="function-url-signed",
    title="Function URLs require IAM authentication",
    types=(types.FUNCTION_URL,),
    path="authorizationType",
    allowed=("AWS_IAM",),
    wrong="NONE",
    default="AWS_IAM",
    message="anyone may invoke it",
    description="A URL has no firewall, no throttling and no log of its own.",
    level=MANDATORY,
    severity="high",
    topics=("network", "IAM"),
    references=("C258", "P"),
    remedy="Set authorizationType to AWS_IAM; put an API before a function that the public calls.",
)


@rule(
    id="function-two-zones",
    title="In production, functions in a VPC have subnets in two zones",
    types=(types.LAMBDA_FUNCTION,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    environments=("prod",),
    references=("F Lambda.5",),
    remedy="Give vpcConfig subnets in two zones.",
)
def function_two_zones(function: Resource, _at: Context) -> Iterator[str]:
    """Outside of a network Lambda chooses the zones itself."""
    if function.props.has("vpcConfig.subnetIds") and len(function.props.items("vpcConfig.subnetIds")) < 2:
        yield "all its subnets are in one zone"


function_two_zones.examples(
    compliant=[
        example(_function(vpcConfig={"subnetIds": ["a", "b"], "securityGroupIds": ["g"]}), environment="prod"),
        example(_function(), environment="prod"),
        _function(vpcConfig={"subnetIds": ["a"], "securityGroupIds": ["g"]}),
    ],
    non_compliant=[example(_function(vpcConfig={"subnetIds": ["a"], "securityGroupIds": ["g"]}), environment="prod")],
)


@rule(
    id="function-provisioned-version",
    title="Provisioned concurrency is for a published version",
    types=(types.PROVISIONED_CONCURRENCY_CONFIG,),
    level=MANDATORY,
    severity="medium",
    topics=("runtime",),
    remedy="Publish versions, and name an alias or a version as qualifier.",
)
def function_provisioned_version(config: Resource, _at: Context) -> Iterator[str]:
    """AWS refuses others, in the middle of a deployment."""
    if config.props.get("qualifier") == "$LATEST":
        yield "$LATEST cannot have provisioned concurrency"


function_provisioned_version.examples(
    compliant=[aws("lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig", {"qualifier": "live"})],
    non_compliant=[aws("lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig", {"qualifier": "$LATEST"})],
)


_FACTOR = 6
_QUEUE = aws("sqs/queue:Queue", {"visibilityTimeoutSeconds": 180}, name="queue")
_ALIAS = aws("lambda/alias:Alias", {"functionName": ref("function", "arn"), "name": "live"}, name="alias")


def _mapping(target: str) -> Any:
    props = {"eventSourceArn": ref("queue", "arn"), "functionName": ref(target, "arn")}
    return aws("lambda/eventSourceMapping:EventSourceMapping", props, name="mapping")


@graph_rule(
    id="function-queue-visibility",
    title=f"A queue's visibility timeout is {_FACTOR} times the timeout of its function",
    types=(types.EVENT_SOURCE_MAPPING,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    remedy="Raise the queue's visibilityTimeoutSeconds, or lower the function's timeout.",
)
def function_queue_visibility(mapping: Resource, at: Context) -> Iterator[str]:
    """Lambda may try a batch several times when it is throttled; a message that others see meanwhile is worked on
    twice. Where nothing is set, a queue has a visibility timeout of 30 seconds and a function a timeout of 3."""
    functions = at.graph.targets(mapping, types.LAMBDA_FUNCTION, via="functionName")
    for alias in at.graph.targets(mapping, types.LAMBDA_ALIAS, via="functionName"):
        functions += at.graph.targets(alias, types.LAMBDA_FUNCTION, via="functionName")
    for queue in at.graph.targets(mapping, types.SQS_QUEUE, via="eventSourceArn"):
        hidden = queue.props.number("visibilityTimeoutSeconds") or 30
        for function in functions:
            works = function.props.number("timeout") or 3
            if hidden < _FACTOR * works:
                needs = f"{queue.name} needs a visibility timeout of at least {show(_FACTOR * works)} s"
                yield f"{needs} for {function.name}, not {show(hidden)} s"


function_queue_visibility.examples(
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


@graph_rule(
    id="function-log-group",
    title="Each function's log group is in the program, with a retention",
    types=(types.LAMBDA_FUNCTION,),
    level=MANDATORY,
    severity="medium",
    topics=("logging", "cost"),
    references=("C66", "C338"),
    remedy="Make the log group, and name it in loggingConfig.logGroup or call it /aws/lambda/<the function's name>.",
)
def function_log_group(function: Resource, at: Context) -> Iterator[str]:
    """Otherwise Lambda makes it, and keeps records, which are paid for, for ever."""
    if function.props.has("loggingConfig.logGroup"):
        return
    name = f"/aws/lambda/{function.props.text('name') or function.name}"
    if not any(group.props.text("name") == name for group in at.graph.of_kind(types.LOG_GROUP)):
        yield f"the log group {name} is not in the program"


function_log_group.examples(
    compliant=[
        example(
            aws("cloudwatch/logGroup:LogGroup", {"name": "/aws/lambda/works"}, name="group"), _function(name="works")
        ),
        _function(loggingConfig={"logFormat": "JSON", "logGroup": "/functions/all"}),
    ],
    non_compliant=[_function(name="works")],
)
