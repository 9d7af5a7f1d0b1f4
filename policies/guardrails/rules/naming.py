"""Names: `{project}-{env}-{service}-{type}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, aws, example, rule
from guardrails.kit.stack import ENVIRONMENTS
from guardrails.rules.aws_names import NAMES, SUFFIX_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource

_WORDS = r"[a-z0-9]+(?:-[a-z0-9]+)*"
# AWS or its customs ask for these in front of the name.
_PREFIXES = re.compile(r"^(?:alias/|aws-waf-logs-|AmazonBedrock\w+_|/aws/|/ec2/|/ecs/)")


# These are called by the name of what they are in, and by their own.
_WITHIN_OTHERS = {
    types.APIGATEWAY_AUTHORIZER,
    types.REQUEST_VALIDATOR,
    types.APIGATEWAYV2_AUTHORIZER,
    types.APPAUTOSCALING_POLICY,
    types.NAMED_QUERY,
    types.BACKUP_SELECTION,
    types.LOG_METRIC_FILTER,
    types.DEPLOYMENT_GROUP,
    types.USER_GROUP,
    types.USER_POOL_CLIENT,
    types.CATALOG_TABLE,
}


def _physical_name(resource: Resource) -> str | None:
    """The name in AWS, if the program chose one. Raises NotYetKnown."""
    return resource.inputs.text(NAMES[resource.kind][0]) or None if resource.kind in NAMES else None


def _name_among_all(resource: Resource) -> str | None:
    """The same, of what stands for itself in an account."""
    return None if resource.kind in _WITHIN_OTHERS else _physical_name(resource)


def _parts(name: str, product: str) -> str:
    """The name without what AWS wants in front of it; `/kumiki/dev/api/url` is the same as `kumiki-dev-api-url`."""
    # SQL takes underscores for hyphens: kumiki_dev_logs needs no quotation marks.
    if name.startswith(f"{product}_"):
        name = name.replace("_", "-")
    bare = _PREFIXES.sub("", name)
    if bare != name and f"/{product}-" in bare:
        bare = product + "-" + bare.partition(f"/{product}-")[2]
    return bare.strip("/").replace("/", "-")


@rule(
    id="name-pattern",
    title="Names are {project}-{env}-{service}-{type} in lower case",
    types=("aws:*",),
    level=MANDATORY,
    severity="low",
    topics=("naming",),
    needs_product=True,
    remedy="Name the component {product}-{env}-{service} and its children {name}-{type}.",
)
def name_pattern(resource: Resource, at: Context) -> Iterator[str]:
    """Checks the name in the program (project, environment, service and type) and, where the program chooses one, the
    name in AWS (project, environment and service); path-like names count with hyphens for slashes, and what is
    inside something else, such as a table in its database, may be called anything."""
    product = at.stack.product or ""
    if not re.fullmatch(rf"{re.escape(product)}-[a-z0-9]+-[a-z0-9]+-{_WORDS}", resource.name):
        yield f"{resource.name} is not {product}-{at.stack.environment}-<service>-<type>"
    name = _name_among_all(resource)
    if name and not re.fullmatch(rf"{re.escape(product)}-[a-z0-9]+-{_WORDS}(?:\.fifo)?", _parts(name, product)):
        yield f"the name in AWS, {name}, is not {product}-{at.stack.environment}-<service>"


name_pattern.examples(
    compliant=[
        aws("sns/topic:Topic", name="kumiki-dev-alerts-topic"),
        aws("sns/topic:Topic", {"name": "kumiki-dev-critical-alerts"}, name="kumiki-dev-critical-alerts-topic"),
        aws(
            "cloudwatch/logGroup:LogGroup",
            {"name": "/aws/vpc-flow-logs/kumiki-dev-network"},
            name="kumiki-dev-network-flow-log-group",
        ),
        aws("cloudwatch/logGroup:LogGroup", {"name": "/ecs/kumiki-dev-api/errors"}, name="kumiki-dev-api-log-group"),
        aws("cloudwatch/logGroup:LogGroup", {"name": "/ec2/kumiki-dev-host"}, name="kumiki-dev-host-log-group"),
        aws("kms/alias:Alias", {"name": "alias/kumiki-dev-data"}, name="kumiki-dev-data-key-alias"),
        aws("sqs/queue:Queue", {"name": "kumiki-dev-jobs.fifo"}, name="kumiki-dev-jobs-queue"),
        aws("ssm/parameter:Parameter", {"name": "/kumiki/dev/api/url"}, name="kumiki-dev-api-url-parameter"),
        aws("glue/catalogDatabase:CatalogDatabase", {"name": "kumiki_dev_logs"}, name="kumiki-dev-logs-database"),
        aws("glue/catalogTable:CatalogTable", {"name": "app_logs"}, name="kumiki-dev-lake-app-logs-table"),
    ],
    non_compliant=[
        aws("sns/topic:Topic", name="alerts"),
        aws("sns/topic:Topic", name="kumiki-dev-alerts"),
        aws("sns/topic:Topic", name="kumiki-dev-Critical_Alerts-topic"),
        aws("sns/topic:Topic", name="other-dev-alerts-topic"),
        aws("sns/topic:Topic", {"name": "alerts"}, name="kumiki-dev-alerts-topic"),
        aws("glue/catalogDatabase:CatalogDatabase", {"name": "logs"}, name="kumiki-dev-logs-database"),
        aws("cloudwatch/logGroup:LogGroup", {"name": "/aws/vpc/flow"}, name="kumiki-dev-network-flow-log-group"),
    ],
)


@rule(
    id="name-environment",
    title="Names carry the stack's environment",
    types=("aws:*",),
    level=MANDATORY,
    severity="medium",
    topics=("naming",),
    needs_product=True,
    remedy=f"Use the stack's environment, one of {', '.join(ENVIRONMENTS)}.",
)
def name_environment(resource: Resource, at: Context) -> Iterator[str]:
    """The word after the project must be the stack's environment; names of another pattern are name-pattern's."""
    product = at.stack.product or ""
    for name in (resource.name, _name_among_all(resource)):
        bare = _parts(name, product) if name else ""
        if bare.startswith(f"{product}-"):
            word = bare.removeprefix(f"{product}-").partition("-")[0]
            if word != at.stack.environment:
                yield f"{name} says {word}, but the stack's environment is {at.stack.environment}"
            elif word not in ENVIRONMENTS:
                yield f"{word} is not one of {', '.join(ENVIRONMENTS)}"


name_environment.examples(
    compliant=[
        example(aws("sns/topic:Topic", name="kumiki-prod-alerts-topic"), environment="prod"),
        aws("sns/topic:Topic", name="other"),
    ],
    non_compliant=[
        example(aws("sns/topic:Topic", name="kumiki-dev-alerts-topic"), environment="prod"),
        example(aws("sns/topic:Topic", name="kumiki-qa-alerts-topic"), environment="qa"),
        aws("sns/topic:Topic", {"name": "kumiki-test-alerts"}, name="kumiki-dev-alerts-topic"),
    ],
)


@rule(
    id="name-length",
    title="Names are within AWS's length limits",
    types=tuple(NAMES),
    level=MANDATORY,
    severity="medium",
    topics=("naming",),
    remedy="Shorten the service's or the product's name, or give the resource a shorter name of its own.",
)
def name_length(resource: Resource, _at: Context) -> Iterator[str]:
    """Counts the name in AWS or, where Pulumi makes it, the name in the program and the suffix of eight characters."""
    key, longest = NAMES[resource.kind]
    name = _physical_name(resource)
    if name:
        if len(name) > longest:
            yield f"{key} has {len(name)} characters, AWS allows {longest}"
    elif not resource.inputs.has(f"{key}Prefix") and len(resource.name) + SUFFIX_LENGTH > longest:
        yield f"{resource.name} has {len(resource.name)} characters and gets {SUFFIX_LENGTH} more; AWS allows {longest}"


name_length.examples(
    compliant=[
        aws("lb/loadBalancer:LoadBalancer", name="kumiki-dev-api-balancer"),
        aws("iam/role:Role", {"name": "r" * 64}),
        aws("iam/role:Role", {"namePrefix": "r-"}, name="kumiki-dev-" + "very-" * 10 + "long-role"),
    ],
    non_compliant=[
        aws("lb/targetGroup:TargetGroup", name="kumiki-dev-analysis-target-group"),
        aws("s3/bucket:Bucket", {"bucket": "b" * 64}),
        aws("iam/role:Role", name="kumiki-dev-" + "very-" * 10 + "long-role"),
    ],
)
