"""What every layer shares: names, the provider, and the one transformation that tags and checks every resource."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from architecture.aws_names import check_name

if TYPE_CHECKING:
    from settings import Settings


@dataclass(frozen=True)
class Platform:
    """The ground on which the layers stand."""

    stem: str
    """`{product}-{environment}`, with which every name begins."""
    provider: aws.Provider
    _stacks: dict[str, pulumi.StackReference] = field(default_factory=dict)

    def stack(self, name: str) -> pulumi.StackReference:
        """What another stack exports; several layers may ask for the same one."""
        if name not in self._stacks:
            self._stacks[name] = pulumi.StackReference(name)
        return self._stacks[name]

    def name(self, service: str) -> str:
        """The name of the component that provides `service`."""
        return f"{self.stem}-{service}"

    def options(self) -> pulumi.ResourceOptions:
        """The options of a component: everything goes to the one provider."""
        return pulumi.ResourceOptions(providers=[self.provider])


def build_platform(settings: Settings) -> Platform:
    """The explicit provider (region, tags, allowed accounts), and the transformation of every later resource."""
    stem = f"{settings.product}-{settings.environment}"
    tags = {"Project": settings.product, "Environment": settings.environment, "Owner": settings.owner}
    pulumi.runtime.register_stack_transformation(_tag_and_check(stem, tags))
    provider = aws.Provider(
        f"{stem}-aws-provider",
        region=settings.region,
        default_tags=aws.ProviderDefaultTagsArgs(tags=tags),
        # The wrong credentials in somebody's shell must not deploy prod into dev's account.
        allowed_account_ids=settings.accounts or None,
    )
    return Platform(stem=stem, provider=provider)


def _tag_and_check(stem: str, tags: Mapping[str, str]) -> pulumi.ResourceTransformation:
    """Tags every taggable resource with the stack's tags and its Component, and refuses names that AWS would refuse.

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
        if "tags" not in args.props:
            return None
        every = {**tags, "Component": service}

        def merged(own: Mapping[str, str] | None) -> dict[str, str]:
            return {**every, **(own or {})}

        given: Any = args.props["tags"]
        result = given.apply(merged) if isinstance(given, pulumi.Output) else merged(given)
        return pulumi.ResourceTransformationResult({**args.props, "tags": result}, args.opts)

    return transform
