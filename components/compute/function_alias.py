"""What is called of a function: an alias of its newest version, how many copies of it are kept started, and retries."""

from __future__ import annotations

import pulumi_aws as aws

from ..children import Children
from .function_args import FunctionArgs


def make_alias(name: str, args: FunctionArgs, function: aws.lambda_.Function, child: Children) -> aws.lambda_.Alias:
    """The alias of the function `name`, with what applies to its calls."""
    alias = aws.lambda_.Alias(
        f"{name}-alias",
        name=args.alias,
        description="What is called",
        function_name=function.name,
        function_version=function.version,
        # An update would take back what CodeDeploy has moved.
        opts=child("alias", ignore_changes=["functionVersion", "routingConfig"] if args.shift else None),
    )
    if args.provisioned_concurrency:
        aws.lambda_.ProvisionedConcurrencyConfig(
            f"{name}-provisioned-concurrency",
            function_name=function.name,
            qualifier=alias.name,
            provisioned_concurrent_executions=args.provisioned_concurrency,
            opts=child("provisioned_concurrency"),
        )
    aws.lambda_.FunctionEventInvokeConfig(
        f"{name}-retries",
        function_name=function.name,
        qualifier=alias.name,
        maximum_retry_attempts=args.retries,
        maximum_event_age_in_seconds=args.max_age_seconds,
        opts=child("retries"),
    )
    return alias
