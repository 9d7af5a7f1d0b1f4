"""The secret that a CloudFront distribution shows to what stands behind it.

CloudFront's addresses are everybody's: whoever knows an origin's name can point a distribution of his own at it, past
the firewall and the caches of ours. What does not show the secret gets no answer.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from ..random_text import random_text

HEADER = "X-Origin-Secret"


def origin_secret(
    name: str,
    path: str,
    *,
    key_arn: pulumi.Input[str] | None,
    opts: pulumi.ResourceOptions,
    parent: pulumi.Resource,
) -> aws.ssm.Parameter:
    """A random text in the Parameter Store, where it costs nothing; made once.

    `pulumi up --replace` of the parameter makes a new one.
    """
    return aws.ssm.Parameter(
        name,
        name=path,
        type="SecureString",
        key_id=key_arn,
        value=random_text(48, parent),
        description="What CloudFront shows to its origin, so that nobody else's distribution is served",
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["value"])),
    )


def value_of(parameter: aws.ssm.Parameter) -> pulumi.Output[str]:
    """The secret itself, never shown."""
    return pulumi.Output.secret(parameter.value.apply(lambda value: value or ""))
