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
) -> pulumi.ResourceTransformation:
    """Tags every taggable resource with the stack's tags and its Component, gives every role the boundary if there is
    one, protects what keeps evidence, and refuses names that AWS would refuse. Where the stack says kinds of logs, what
    holds logs is tagged with its kind, and log groups keep them for its days at least.

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


def _log_kind(args: pulumi.ResourceTransformationArgs, service: str) -> LogKind | None:
    """Of which kind the logs are that this resource holds; None if it holds none, or nobody has said it yet, which the
    policy pack refuses."""
    parent = args.opts.parent
    if args.type_ == _LOG_GROUP and parent is not None:
        return kind_of_group(parent.pulumi_resource_type, args.name)
    return kind_of_bucket(service) if args.type_ == "aws:s3/bucket:Bucket" else None
