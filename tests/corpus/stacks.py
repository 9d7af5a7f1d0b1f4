"""Broken variants of the dev stack: one change each, the key that must be named, and the layer that must refuse it.

`settings` refuses what the file alone shows, `args` what only a component can judge; both before anything is made.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Variant(NamedTuple):
    layer: str
    key: str
    """What the refusal must name."""

    changes: dict[str, Any]
    """Settings by dotted path; None takes one away."""


VARIANTS: dict[str, Variant] = {
    # A wrong value.
    "environment misspelt": Variant("settings", "environment", {"environment": "devel"}),
    "region that is none": Variant("settings", "region", {"region": "ap-northeast-9"}),
    "product too long for a load balancer": Variant("settings", "product", {"product": "p" * 40}),
    "retention of logs that CloudWatch lacks": Variant("settings", "logs.retentionDays", {"logs.retentionDays": 45}),
    "retention neither protected nor ephemeral": Variant("settings", "retention", {"retention": "forever"}),
    "four zones": Variant("settings", "network.zones", {"network.zones": 4}),
    "nat misspelt": Variant("settings", "network.nat", {"network.nat": "one"}),
    "engine misspelt": Variant("settings", "database.engine", {"database.engine": "aurorra"}),
    "a port that is text": Variant("settings", "services.api.port", {"services.api.port": "http"}),
    "firewall mode misspelt": Variant("settings", "loadBalancer.firewall.mode", {"loadBalancer.firewall.mode": "deny"}),
    # A typo in a key.
    "section misspelt": Variant("settings", "netwrok", {"netwrok": {"zones": 2}}),
    "key of a section misspelt": Variant(
        "settings", "database.instanceClas", {"database.instanceClas": "db.t4g.medium"}
    ),
    "nested key misspelt": Variant("settings", "services.api.scaling.minimun", {"services.api.scaling.minimun": 2}),
    "endpoint misspelt": Variant("settings", "network.endpoints", {"network.endpoints": ["ecsPrivate", "ecr.apii"]}),
    # What belongs together is not there.
    "product missing": Variant("settings", "product", {"product": None}),
    "environment missing": Variant("settings", "environment", {"environment": None}),
    "a service without a network": Variant("settings", "services", {"network": None}),
    "a database without a network": Variant("settings", "database", {"network": None, "services": None}),
    "a region of the provider's": Variant("settings", "aws:region", {"aws:region": "us-east-1"}),
    "a section that is a list": Variant("settings", "network", {"network": [1]}),
    # What only a component can judge.
    "cidr that is none": Variant("settings", "network.cidr", {"network.cidr": "10.0.0.0/99"}),
    "cidr with host bits": Variant("settings", "network.cidr", {"network.cidr": "10.0.0.1/16"}),
    "cidr too small": Variant("args", "network.cidr", {"network.cidr": "10.0.0.0/27"}),
    "overlapping subnets": Variant(
        "args",
        "network.subnets",
        {
            "network.subnets": {
                "public": ["10.0.1.0/24", "10.0.2.0/24"],
                "private": ["10.0.2.0/25", "10.0.3.0/24"],
                "isolated": ["10.0.4.0/24", "10.0.5.0/24"],
            }
        },
    ),
    "memory that does not go with the cpu": Variant("args", "memory", {"services.api.memory": 4096}),
    "a size that Fargate lacks": Variant("args", "cpu", {"services.api.cpu": 300}),
    "maximum below minimum": Variant("args", "scaling.maximum", {"services.api.scaling.maximum": 1}),
    "a percentage over 100": Variant("args", "scaling.cpu", {"services.api.scaling.cpuPercent": 160}),
    "an instance class that does not exist": Variant(
        "args", "instanceClass", {"database.instanceClass": "db.t4g.huge"}
    ),
    "a version that does not exist": Variant("args", "version", {"database.version": "99"}),
    "more readers than Aurora has": Variant("args", "readers", {"database.readers": 16}),
    "backups for 36 days": Variant("args", "backupDays", {"database.backupDays": 36}),
    "expiry before transition": Variant(
        "settings", "logArchive", {"logArchive": {"glacierAfterDays": 90, "deleteAfterDays": 30}}
    ),
    "visibility below the consumer's timeout": Variant("args", "visibility", {"queues.jobs.visibilitySeconds": 60}),
    "no attempt at all": Variant("args", "maxAttempts", {"queues.jobs.maxAttempts": 0}),
    "a cache node that does not exist": Variant(
        "args",
        "nodeType",
        {"cache": {"engine": "valkey", "nodeType": "cache.t9.huge", "replicas": 0, "snapshotDays": 1}},
    ),
    "a schedule that never comes": Variant(
        "args", "schedule", {"workflows.batch.schedule.expression": "cron(0 2 * *)"}
    ),
    "an idle timeout of zero": Variant("args", "idleTimeout", {"loadBalancer.idleTimeoutSeconds": 0}),
    "an alarm address that is none": Variant("args", "emails", {"alerts.emails": ["not-an-address"]}),
    "a repository without an owner": Variant("args", "repository", {"delivery.repository": "kumiki"}),
}
