"""Broken variants of the dev stack: one change each, and the key that the refusal must name."""

from __future__ import annotations

from typing import Any, NamedTuple


class Variant(NamedTuple):
    key: str
    """What the refusal must name."""

    changes: dict[str, Any]
    """Settings by dotted path; None takes one away."""


VARIANTS: dict[str, Variant] = {
    # A wrong value.
    "environment misspelt": Variant("environment", {"environment": "devel"}),
    "region that is none": Variant("region", {"region": "ap-northeast-9"}),
    "product too long for a load balancer": Variant("product", {"product": "p" * 40}),
    "retention of logs that CloudWatch lacks": Variant("logs.retentionDays", {"logs.retentionDays": 45}),
    "retention neither protected nor ephemeral": Variant("retention", {"retention": "forever"}),
    "four zones": Variant("network.zones", {"network.zones": 4}),
    "nat misspelt": Variant("network.nat", {"network.nat": "one"}),
    "engine misspelt": Variant("database.engine", {"database.engine": "aurorra"}),
    "a port that is text": Variant("services.api.port", {"services.api.port": "http"}),
    "firewall mode misspelt": Variant("loadBalancer.firewall.mode", {"loadBalancer.firewall.mode": "deny"}),
    # A typo in a key.
    "section misspelt": Variant("netwrok", {"netwrok": {"zones": 2}}),
    "key of a section misspelt": Variant("database.instanceClas", {"database.instanceClas": "db.t4g.medium"}),
    "nested key misspelt": Variant("services.api.scaling.minimun", {"services.api.scaling.minimun": 2}),
    "endpoint misspelt": Variant("network.endpoints", {"network.endpoints": ["ecsPrivate", "ecr.apii"]}),
    # What belongs together is not there.
    "product missing": Variant("product", {"product": None}),
    "environment missing": Variant("environment", {"environment": None}),
    "a service without a network": Variant("services", {"network": None}),
    "a database without a network": Variant("database", {"network": None, "services": None}),
    "a region of the provider's": Variant("aws:region", {"aws:region": "us-east-1"}),
    "a section that is a list": Variant("network", {"network": [1]}),
    # What only a component can judge.
    "cidr that is none": Variant("network.cidr", {"network.cidr": "10.0.0.0/99"}),
    "cidr with host bits": Variant("network.cidr", {"network.cidr": "10.0.0.1/16"}),
    "cidr too small": Variant("network.cidr", {"network.cidr": "10.0.0.0/27"}),
    "overlapping subnets": Variant(
        "network.subnets",
        {
            "network.subnets": {
                "public": ["10.0.1.0/24", "10.0.2.0/24"],
                "private": ["10.0.2.0/25", "10.0.3.0/24"],
                "isolated": ["10.0.4.0/24", "10.0.5.0/24"],
            }
        },
    ),
    "memory that does not go with the cpu": Variant("memory", {"services.api.memory": 4096}),
    "a size that Fargate lacks": Variant("cpu", {"services.api.cpu": 300}),
    "maximum below minimum": Variant("scaling.maximum", {"services.api.scaling.maximum": 1}),
    "a percentage over 100": Variant("scaling.cpu", {"services.api.scaling.cpuPercent": 160}),
    "an instance class that does not exist": Variant("instanceClass", {"database.instanceClass": "db.t4g.huge"}),
    "a version that does not exist": Variant("version", {"database.version": "99"}),
    "more readers than Aurora has": Variant("readers", {"database.readers": 16}),
    "backups for 36 days": Variant("backupDays", {"database.backupDays": 36}),
    "expiry before transition": Variant("logArchive", {"logArchive": {"glacierAfterDays": 90, "deleteAfterDays": 30}}),
    "visibility below the consumer's timeout": Variant("visibility", {"queues.jobs.visibilitySeconds": 60}),
    "no attempt at all": Variant("maxAttempts", {"queues.jobs.maxAttempts": 0}),
    "a cache node that does not exist": Variant(
        "nodeType",
        {"cache": {"engine": "valkey", "nodeType": "cache.t9.huge", "replicas": 0, "snapshotDays": 1}},
    ),
    "a schedule that never comes": Variant("schedule", {"workflows.batch.schedule.expression": "cron(0 2 * *)"}),
    "an idle timeout of zero": Variant("idleTimeout", {"loadBalancer.idleTimeoutSeconds": 0}),
    "an alarm address that is none": Variant("emails", {"alerts.emails": ["not-an-address"]}),
    "a repository without an owner": Variant("repository", {"delivery.repository": "kumiki"}),
}
