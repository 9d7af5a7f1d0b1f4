"""The account, partition and region in which a component's provider works."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class Account:
    """What a policy document needs to know of the place where it applies."""

    id: pulumi.Output[str]
    partition: pulumi.Output[str]
    region: pulumi.Output[str]

    @staticmethod
    def of(component: pulumi.Resource) -> Account:
        """Where `component`'s provider, or a provider, works. Asked once for each provider, not for each component."""
        own = component if isinstance(component, pulumi.ProviderResource) else component.get_provider("aws:index:")
        provider = own or pulumi.runtime.get_root_resource()
        known = _asked.get(provider) if provider is not None else None
        if known is None:
            options = pulumi.InvokeOptions(provider=own) if own is component else pulumi.InvokeOptions(parent=component)
            known = Account(
                id=aws.get_caller_identity_output(opts=options).account_id,
                partition=aws.get_partition_output(opts=options).partition,
                region=aws.get_region_output(opts=options).region,
            )
            if provider is not None:
                _asked[provider] = known
        return known

    def arn(self, service: str, resource: pulumi.Input[str], region: str | None = None) -> pulumi.Output[str]:
        """An ARN in this account and region, or another region; `*` in `resource` makes it a pattern."""
        where = region or self.region
        return pulumi.Output.concat("arn:", self.partition, f":{service}:", where, ":", self.id, ":", resource)

    def universal_target(self, action: str) -> pulumi.Output[str]:
        """What a schedule names to call AWS itself: `rds:stopDBCluster`."""
        return pulumi.Output.concat("arn:", self.partition, ":scheduler:::aws-sdk:", action)

    def global_arn(self, service: str, resource: str) -> pulumi.Output[str]:
        """An ARN of a service that has no regions."""
        return pulumi.Output.concat("arn:", self.partition, f":{service}::", self.id, f":{resource}")

    def public_arn(self, service: str, resource: str, region: str | None = None) -> pulumi.Output[str]:
        """An ARN of what AWS keeps for all accounts, in this region or another; "" stands for what has none."""
        where = self.region if region is None else region
        return pulumi.Output.concat("arn:", self.partition, f":{service}:", where, f"::{resource}")

    @property
    def root(self) -> pulumi.Output[str]:
        """The principal that stands for the whole account: access is then a matter of its IAM policies."""
        return pulumi.Output.concat("arn:", self.partition, ":iam::", self.id, ":root")


# Weak, so that what was asked goes with its provider.
_asked: weakref.WeakKeyDictionary[pulumi.Resource, Account] = weakref.WeakKeyDictionary()
