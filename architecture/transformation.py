"""The one transformation of every resource: it tags, protects what keeps evidence, and refuses names that AWS would."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi

from architecture.aws_names import check_name
from architecture.log_kinds import kind_of_bucket, kind_of_group
from components.log_kinds import TAG, LogKind

if TYPE_CHECKING:
    from settings.storage import LogSettings

_LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"

KEEPS: Mapping[str, str] = {
    _LOG_GROUP: "what happened",
    "aws:cloudtrail/trail:Trail": "who did what in the account; without it nobody writes it down any more",
    "aws:guardduty/detector:Detector": "what was found in the account; its findings go with it",
    "aws:secretsmanager/secret:Secret": "what nobody else knows",
    "aws:ssm/parameter:Parameter": "the same, where it is encrypted: the password of a store that stays",
    "aws:sqs/queue:Queue": "work that is not done yet",
    "aws:s3/bucketPolicy:BucketPolicy": "who may not reach what a bucket keeps, and who may write logs to it",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "that what a bucket keeps is nobody else's",
}
"""Beside the stores, which their components protect: what keeps evidence, or guards what is kept, and how.
`pulumi destroy --skip-preview` deletes everything that is not protected before it fails at what is."""


SCHEDULED: Mapping[str, list[str]] = {
    "aws:ecs/service:Service": ["desired_count"],
    "aws:appautoscaling/target:Target": ["min_capacity", "max_capacity"],
    "aws:cloudwatch/metricAlarm:MetricAlarm": ["actions_enabled"],
}
"""What office hours set by themselves. An update at night must not take it for a change to be undone: tasks would start
without their database, and alarms ring. Other numbers of tasks are in the schedules, too, and hold from the next
start."""


def keeps(type_: str, props: Mapping[str, Any]) -> bool:
    """Whether this resource is one of those."""
    # A plain parameter says what the settings say.
    return type_ in KEEPS and (type_ != "aws:ssm/parameter:Parameter" or props.get("type") == "SecureString")


def tag_and_check(
    stem: str,
    tags: Mapping[str, str],
    *,
    protected: bool,
    logs: LogSettings | None = None,
    role_boundary: str | None = None,
    scheduled: bool = False,
) -> pulumi.ResourceTransformation:
    """Tags every taggable resource with the stack's tags and its Component, gives every role the boundary if there is
    one, protects what keeps evidence, and refuses names that AWS would refuse. Where the stack says kinds of logs, what
    holds logs is tagged with its kind, and log groups keep them for its days at least. With `scheduled`, what office
    hours set is left to them.

    Component is the service of the outermost component: a bucket inside a data lake belongs to the data lake.
    """
    services: weakref.WeakKeyDictionary[pulumi.Resource, str] = weakref.WeakKeyDictionary()

    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        parent = args.opts.parent
        service = services.get(parent) if parent is not None else None
        service = service or args.name.removeprefix(f"{stem}-")
        if isinstance(args.resource, pulumi.ComponentResource):
            services[args.resource] = service
            return None
        if not args.type_.startswith("aws:"):
            return None
        check_name(args.type_, args.name, args.props)
        opts = args.opts
        if protected and keeps(args.type_, args.props):
            opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=True))
        if scheduled and args.type_ in SCHEDULED and _is_scheduled(args.type_, args.props):
            opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=SCHEDULED[args.type_]))
        if "tags" not in args.props:
            return pulumi.ResourceTransformationResult(args.props, opts)
        props = args.props
        if role_boundary is not None and args.type_ == "aws:iam/role:Role":
            props = {**props, "permissions_boundary": role_boundary}
        every = {**tags, "Component": service}
        kind = _log_kind(args, service) if logs is not None and logs.kinds is not None else None
        if logs is not None and kind is not None:
            every[TAG] = kind
            if args.type_ == _LOG_GROUP:
                given_days: Any = props["retention_in_days"]
                props = {**props, "retention_in_days": max(given_days, logs.days(kind))}

        def merged(own: Mapping[str, str] | None) -> dict[str, str]:
            return {**every, **(own or {})}

        given: Any = props["tags"]
        result = given.apply(merged) if isinstance(given, pulumi.Output) else merged(given)
        return pulumi.ResourceTransformationResult({**props, "tags": result}, opts)

    return transform


def _is_scheduled(type_: str, props: Mapping[str, Any]) -> bool:
    # Readers and tables scale, too, and nobody changes their range.
    return type_ != "aws:appautoscaling/target:Target" or props.get("service_namespace") == "ecs"


def _log_kind(args: pulumi.ResourceTransformationArgs, service: str) -> LogKind | None:
    """Of which kind the logs are that this resource holds; None if it holds none, or nobody has said it yet, which the
    policy pack refuses."""
    parent = args.opts.parent
    if args.type_ == _LOG_GROUP and parent is not None:
        return kind_of_group(parent.pulumi_resource_type, args.name)
    return kind_of_bucket(service) if args.type_ == "aws:s3/bucket:Bucket" else None
