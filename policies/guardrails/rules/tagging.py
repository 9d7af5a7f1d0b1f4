"""Tags: what belongs to whom, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, Items, aws, rule
from guardrails.taggable import taggable_types

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

REQUIRED = ("Project", "Environment", "Component", "Owner")

_TAGS = {"Project": "kumiki", "Environment": "dev", "Component": "alerts", "Owner": "platform"}
_DEFAULTS = {"region": "ap-northeast-1", "defaultTags": {"tags": {k: v for k, v in _TAGS.items() if k != "Component"}}}


def _missing_tags(resource: Resource, at: Context) -> dict[str, Any]:
    """The missing tags that can be derived: from the stack, and the component from the name."""
    if isinstance(resource.inputs.get("tags"), Items):
        return {}
    stack = at.stack
    prefix = f"{stack.product}-{stack.environment}-"
    service = resource.name.removeprefix(prefix).partition("-")[0] if resource.name.startswith(prefix) else None
    known = {"Project": stack.product, "Environment": stack.environment, "Component": service, "Owner": stack.owner}
    missing = {key: value for key, value in known.items() if value and not resource.tags.has(key)}
    return {"tags": missing} if missing else {}


@rule(
    id="tags-required",
    title=f"Everything that takes tags has {', '.join(REQUIRED)}",
    types=("aws:*",),
    level=MANDATORY,
    severity="medium",
    topics=("tagging", "cost"),
    references=("C2-60",),
    remedy="Set the tags, or give the provider defaultTags for those that are the same everywhere.",
    remediate=_missing_tags,
)
def tags_required(resource: Resource, _at: Context) -> Iterator[str]:
    """Counts the resource's own tags and the provider's default tags; an empty value counts as missing."""
    if resource.kind in taggable_types():
        missing = [key for key in REQUIRED if not resource.tags.has(key)]
        if missing:
            yield f"missing: {', '.join(missing)}"


tags_required.examples(
    compliant=[
        aws("sns/topic:Topic", {"tags": _TAGS}),
        aws("sns/topic:Topic", {"tags": {"Component": "alerts"}}, provider=_DEFAULTS),
        aws("iam/rolePolicy:RolePolicy"),
        aws("autoscaling/group:Group", {"tags": [{"key": k, "value": v} for k, v in _TAGS.items()]}),
    ],
    non_compliant=[
        aws("sns/topic:Topic"),
        aws("sns/topic:Topic", {"tags": {**_TAGS, "Owner": ""}}),
        aws("sns/topic:Topic", provider=_DEFAULTS),
        aws("autoscaling/group:Group", {"tags": [{"key": "Owner", "value": "platform"}]}),
    ],
)


@rule(
    id="tags-equal-stack",
    title="The tags Project and Environment are those of the stack",
    types=("aws:*",),
    level=MANDATORY,
    severity="medium",
    topics=("tagging", "cost"),
    needs_product=True,
    remedy="Take both from the stack's settings.",
)
def tags_equal_stack(resource: Resource, at: Context) -> Iterator[str]:
    """Costs and permissions that go by these tags would otherwise count the resource elsewhere."""
    for key, expected in (("Project", at.stack.product), ("Environment", at.stack.environment)):
        value = resource.tags.get(key)
        if value and value != expected:
            yield f"{key} is {value}, the stack's is {expected}"


tags_equal_stack.examples(
    compliant=[aws("sns/topic:Topic", {"tags": _TAGS}), aws("sns/topic:Topic")],
    non_compliant=[
        aws("sns/topic:Topic", {"tags": {**_TAGS, "Environment": "prod"}}),
        aws("sns/topic:Topic", {"tags": {"Project": "other"}}, provider=_DEFAULTS),
    ],
)


@rule(
    id="tags-propagate",
    title="Tags are propagated to what AWS creates from a resource",
    types=(
        types.ECS_SERVICE,
        types.RDS_INSTANCE,
        types.RDS_CLUSTER,
        types.AUTOSCALING_GROUP,
    ),
    level=ADVISORY,
    severity="low",
    topics=("tagging", "cost"),
    references=("C153", "C313", "C2-60", "F RDS.16", "F RDS.17"),
    remedy="Set propagateTags (ECS), copyTagsToSnapshot (RDS) or propagateAtLaunch on each tag (Auto Scaling).",
)
def tags_propagate(resource: Resource, _at: Context) -> Iterator[str]:
    """Tasks, snapshots and instances are made by AWS, not by Pulumi, so that the provider's default tags do not reach
    them."""
    if resource.kind == types.ECS_SERVICE:
        if resource.props.get("propagateTags") not in ("SERVICE", "TASK_DEFINITION"):
            yield "tasks get no tags"
    elif resource.kind == types.AUTOSCALING_GROUP:
        kept = [tag.text("key") for tag in resource.props.items("tags").blocks() if not tag.get("propagateAtLaunch")]
        if kept:
            yield f"instances do not get {', '.join(kept)}"
    elif not resource.props.get("copyTagsToSnapshot"):
        yield "snapshots get no tags"


tags_propagate.examples(
    compliant=[
        aws("ecs/service:Service", {"propagateTags": "SERVICE"}),
        aws("rds/instance:Instance", {"copyTagsToSnapshot": True}),
        aws("autoscaling/group:Group", {"tags": [{"key": "Owner", "value": "x", "propagateAtLaunch": True}]}),
    ],
    non_compliant=[
        aws("ecs/service:Service", {"propagateTags": "NONE"}),
        aws("rds/cluster:Cluster", {"engine": "aurora-postgresql"}),
        aws("autoscaling/group:Group", {"tags": [{"key": "Owner", "value": "x", "propagateAtLaunch": False}]}),
    ],
)
