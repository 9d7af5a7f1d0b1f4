"""X-Ray: who may send traces, and what AWS refuses of sampling rules and groups."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, NotYetKnown, Props, aws, example, graph_rule, json_of, ref, rule
from guardrails.rules.missing_dependencies import givers, role_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

_SEND = ("xray:PutTraceSegments",)
_COLLECTORS = ("aws-otel-collector", "aws-xray-daemon", "amazon/aws-xray")


def _collects(task: Resource) -> bool:
    """Whether one of the containers hands traces to X-Ray, as far as their images tell."""
    try:
        text = task.props.get("containerDefinitions")
        containers = json.loads(text) if isinstance(text, str) else []
    except (NotYetKnown, ValueError):
        return False
    images = [str(Props(one).get("image", "")) for one in containers if isinstance(one, dict)]
    return any(name in image for image in images for name in _COLLECTORS)


def _task(*images: str, **props: Any) -> Any:
    containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    given = {"containerDefinitions": json.dumps(containers), **props}
    return aws("ecs/taskDefinition:TaskDefinition", given, name="task")


def _allowing(*actions: str) -> Any:
    given = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return aws("iam/rolePolicy:RolePolicy", {"role": ref("role"), "policy": json_of(given)}, name="policy")


_COLLECTOR = "public.ecr.aws/aws-observability/aws-otel-collector:v0.48.0"
_TASK_ROLE = {"taskRoleArn": ref("role", "arn")}
_MACHINE = aws(
    "sfn/stateMachine:StateMachine",
    {"roleArn": ref("role", "arn"), "definition": "{}", "tracingConfiguration": {"enabled": True}},
    name="machine",
)


@graph_rule(
    id="traces-permitted",
    title="Whoever sends traces may",
    types=(types.TASK_DEFINITION, types.STATE_MACHINE),
    level=MANDATORY,
    severity="low",
    topics=("logging", "IAM"),
    remedy="Allow the role of the task (not the one that starts it) or of the workflow xray:PutTraceSegments.",
)
def traces_permitted(resource: Resource, at: Context) -> Iterator[str]:
    """ECS and Step Functions start without these permissions, and X-Ray never hears of anything
    (https://docs.aws.amazon.com/xray/latest/devguide/security_iam_id-based-policy-examples.html). Lambda refuses it at
    once: see role-may-do-its-work. Not checked where the role has policies that the program does not show."""
    if resource.kind == types.TASK_DEFINITION:
        if not _collects(resource):
            return
        if not resource.props.has("taskRoleArn"):
            yield "has no task role, and its collector may send nothing"
            return
        via = "taskRoleArn"
    elif resource.props.get("tracingConfiguration.enabled", False):
        via = "roleArn"
    else:
        return
    for role in at.graph.targets(resource, types.IAM_ROLE, via=via):
        found = givers(role, at, _SEND)
        if found is not None and found[1]:
            yield f"{role.name} lacks {', '.join(found[1])}"


traces_permitted.examples(
    compliant=[
        example(role_of("ecs-tasks"), _allowing(*_SEND), _task("app:1", _COLLECTOR, **_TASK_ROLE)),
        example(role_of("ecs-tasks"), _task("app:1", **_TASK_ROLE)),
        example(
            role_of("ecs-tasks", managedPolicyArns=["arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"]),
            _task("public.ecr.aws/xray/aws-xray-daemon:3.x", **_TASK_ROLE),
        ),
        example(role_of("states"), _allowing("xray:*"), _MACHINE),
    ],
    non_compliant=[
        example(role_of("ecs-tasks"), _task("app:1", _COLLECTOR, **_TASK_ROLE)),
        example(_task("app:1", _COLLECTOR)),
        example(
            role_of("ecs-tasks"), _allowing("xray:GetSamplingRules"), _task("amazon/aws-xray-daemon:3", **_TASK_ROLE)
        ),
        example(role_of("states"), _MACHINE),
    ],
)


def _sampling(**props: Any) -> Any:
    given: dict[str, Any] = {
        "ruleName": "kumiki-dev", "priority": 1000, "version": 1, "reservoirSize": 1, "fixedRate": 0.1,
        "serviceName": "kumiki-dev-*", "serviceType": "*", "host": "*", "httpMethod": "*", "urlPath": "*",
        "resourceArn": "*",
    }  # fmt: skip
    return aws("xray/samplingRule:SamplingRule", {**given, **props})


def _group(**props: Any) -> Any:
    return aws("xray/group:Group", {"groupName": "kumiki-dev-faults", "filterExpression": "fault = true", **props})


_BOUNDS = (("priority", 1, 9999), ("version", 1, 1), ("fixedRate", 0, 1))


@rule(
    id="tracing-fits",
    title="Sampling rules and groups of traces are ones that X-Ray takes",
    types=(types.SAMPLING_RULE, types.XRAY_GROUP),
    level=MANDATORY,
    severity="low",
    topics=("fit", "logging"),
    remedy="Choose another name than Default, a rate from 0 to 1, a priority from 1 to 9999, version 1, resource *.",
)
def tracing_fits(resource: Resource, _at: Context) -> Iterator[str]:
    """What X-Ray refuses (https://docs.aws.amazon.com/xray/latest/api/API_SamplingRule.html), and an expression whose
    quotation marks or braces do not close. Default is the group and the rule that every account has."""
    props = resource.props
    name = "groupName" if resource.kind == types.XRAY_GROUP else "ruleName"
    if props.get(name, "") == "Default":
        yield f"{name} Default is X-Ray's own"
    if resource.kind == types.XRAY_GROUP:
        expression = props.text("filterExpression")
        if expression.count('"') % 2 or any(expression.count(a) != expression.count(b) for a, b in ("{}", "()")):
            yield f"filterExpression {expression} does not close what it opens"
        return
    for field, least, most in _BOUNDS:
        value = props.maybe(field)
        if isinstance(value, int | float) and not least <= value <= most:
            yield f"{field} is {value:g}, and must be {f'{least} to {most}' if least != most else least}"
    if props.get("resourceArn", "*") != "*":
        yield "resourceArn must be *"


tracing_fits.examples(
    compliant=[
        _sampling(),
        _sampling(fixedRate=1, priority=9999),
        _group(),
        _group(filterExpression='service("a") { fault }'),
    ],
    non_compliant=[
        _sampling(ruleName="Default"),
        _sampling(fixedRate=10),
        _sampling(priority=10_000),
        _sampling(version=2),
        _sampling(resourceArn="arn:aws:ecs:ap-northeast-1:123456789012:service/a"),
        _group(groupName="Default"),
        _group(filterExpression='service("a) { fault = true }'),
        _group(filterExpression='service("a") { fault = true'),
    ],
)
