"""What the peers' collections ask for, which rule of ours asks for it, at which level: nothing gets lost or softer."""

from __future__ import annotations

import pytest
from guardrails.kit import ADVISORY, MANDATORY, MANDATORY_IN_PROD
from guardrails.rules import RULES

BY_ID = {rule.id: rule for rule in RULES}

# M mandatory; A advisory; Mp mandatory in prod and advisory elsewhere; P mandatory in prod and silent elsewhere, for
# what a stack that is thrown away does without on purpose (docs/decisions/0016).
ASKED: dict[str, dict[str, str]] = {
    "naming": {"name-pattern": "M", "name-environment": "M", "name-length": "M"},
    "tagging": {"tags-required": "M", "tags-equal-stack": "M", "tags-propagate": "A"},
    "at rest": {
        "bucket-encryption": "M",
        "database-encrypted": "M",
        "database-key": "M",
        "volume-encrypted": "M",
        "table-key": "Mp",
        "collection-encrypted-first": "M",
        "collection-key": "Mp",
        "cache-encrypted": "M",
        "queue-encrypted": "M",
        "topic-encrypted": "M",
        "log-group-key": "Mp",
        "image-key": "Mp",
        "secret-key": "M",
        "parameter-key": "M",
        "function-environment-key": "P",
        "query-results-encrypted": "M",
        "glue-job-encrypted": "Mp",
        "glue-crawler-encrypted": "Mp",
        "delivery-stream-encrypted": "M",
        "stream-encrypted": "M",
        "build-results-encrypted": "M",
        "backup-vault-key": "M",
        "trail-key": "M",
        "kms-rotation": "M",
        "kms-policy-not-public": "M",
    },
    "in transit": {
        "bucket-tls": "M",
        "listener-tls": "M",
        "listener-redirects-http": "Mp",
        "distribution-viewer-tls": "M",
        "distribution-https": "M",
        "distribution-origin-tls": "M",
        "api-domain-tls": "M",
        "database-tls": "M",
        "cache-tls": "M",
        "queue-tls": "Mp",
        "topic-tls": "Mp",
        "distribution-hsts": "A",
    },
    "network": {
        "group-world-ingress": "M",
        "group-all-ports": "M",
        "group-world-egress": "A",
        "group-descriptions": "M",
        "group-one-way-of-rules": "M",
        "vpc-default-group-closed": "M",
        "subnet-no-public-address": "M",
        "instance-public-address": "M",
        "instance-metadata-tokens": "M",
        "database-not-public": "M",
        "store-no-internet-route": "M",
        "store-behind-a-program": "M",
        "store-callers-declared": "M",
        "calls-have-a-way": "M",
        "collection-private": "Mp",
        "endpoint-policy": "A",
        "task-no-public-address": "M",
        "bucket-access-block": "M",
        "bucket-access-block-whole": "M",
        "bucket-acls-off": "M",
        "bucket-policy-not-public": "M",
        "distribution-origin-access": "M",
        "distribution-waf": "P",
        "balancer-firewall": "Mp",
        "api-firewall": "Mp",
        "firewall-not-empty": "M",
        "api-authorization": "M",
        "api-request-validation": "A",
        "function-url-signed": "M",
        "function-permission-scoped": "M",
        "balancer-drops-bad-headers": "M",
        "acl-admin-ports": "M",
    },
    "IAM": {
        "iam-no-full-access": "M",
        "iam-no-service-wildcard": "M",
        "iam-resources-named": "M",
        "iam-no-escalation": "M",
        "iam-reads-named": "A",
        "iam-credentials-named": "A",
        "iam-permissions-named": "A",
        "iam-writes-named": "A",
        "iam-decrypt-named": "M",
        "iam-trust-not-public": "M",
        "iam-trust-source": "M",
        "collection-access-named": "M",
        "oidc-subject-pinned": "M",
        "iam-no-administrator": "M",
        "iam-own-policies": "A",
        "iam-no-users": "M",
        "role-one-way-of-policies": "M",
        "messages-not-public": "M",
        "resource-policy-not-public": "M",
        "task-roles-differ": "M",
        "container-unprivileged": "M",
        "container-read-only": "M",
        "user-pool-password": "Mp",
        "user-pool-mfa": "P",
        "identity-pool-guests": "M",
        "database-iam-login": "A",
    },
    "logging": {
        "log-group-retention": "M",
        "log-bucket-expiry": "M",
        "audit-bucket-lock": "M",
        "bucket-access-logs": "Mp",
        "vpc-flow-logs": "M",
        "balancer-access-logs": "Mp",
        "distribution-logs": "Mp",
        "api-access-log": "M",
        "api-data-trace": "M",
        "firewall-logs": "Mp",
        "database-logs": "M",
        "container-logs": "M",
        "cluster-insights": "M",
        "workflow-logs": "M",
        "workflow-tracing": "A",
        "api-tracing": "A",
        "function-tracing": "P",
        "trail-everywhere": "M",
        "trail-validated": "M",
    },
    "backup": {
        "database-backups": "M",
        "table-recovery": "Mp",
        "bucket-versioning": "M",
        "bucket-noncurrent-expiry": "M",
        "bucket-multipart-abort": "M",
        "cache-snapshots": "P",
        "backup-covers": "P",
        "database-deletion-protection": "P",
        "table-deletion-protection": "P",
        "balancer-deletion-protection": "P",
        "data-protected": "P",
        "database-final-snapshot": "P",
        "no-force-destroy": "P",
    },
    "availability": {
        "database-two-zones": "P",
        "cache-two-zones": "P",
        "balancer-two-zones": "M",
        "service-two-tasks": "P",
        "service-circuit-breaker": "P",
        "function-two-zones": "P",
        "queue-dead-letters": "M",
        "function-dead-letters": "M",
        "event-dead-letters": "M",
        "schedule-dead-letters": "M",
        "function-queue-visibility": "M",
    },
    "cost": {
        "free-tier-nothing-paid": "M",
        "free-tier-endpoints": "M",
        "free-tier-instance": "M",
        "free-tier-database": "M",
        "cost-budget": "P",
        "nothing-unattached": "A",
        "image-expiry": "A",
    },
    "residency": {
        "residency-provider": "M",
        "residency-region": "M",
        "residency-copies": "M",
        "residency-replication": "M",
    },
    "secrets": {
        "container-no-plain-secrets": "M",
        "function-no-literal-secret": "M",
        "build-no-literal-secret": "M",
        "instance-no-literal-secret": "M",
        "parameter-secure": "M",
        "database-managed-password": "M",
        "secret-rotation": "Mp",
        "cache-login": "M",
        "image-scan": "M",
        "image-tags-fixed": "M",
        "function-runtime": "M",
    },
}


def level(rule_id: str) -> str:
    rule = BY_ID[rule_id]
    if rule.environments:
        assert rule.environments == ("prod",)
        return {MANDATORY: "P"}[rule.level]
    return {MANDATORY: "M", ADVISORY: "A", MANDATORY_IN_PROD: "Mp"}[rule.level]


@pytest.mark.parametrize("topic", ASKED)
def test_what_the_peers_ask_for_is_judged_at_its_level(topic: str) -> None:
    assert {rule_id: level(rule_id) for rule_id in ASKED[topic]} == ASKED[topic]


def test_what_opens_a_stack_to_strangers_cannot_be_waived() -> None:
    critical = {rule.id for rule in RULES if not rule.waivable}

    assert {
        *("bucket-policy-not-public", "kms-policy-not-public", "messages-not-public", "resource-policy-not-public"),
        *("database-not-public", "store-behind-a-program", "api-authorization"),
        *("iam-no-full-access", "iam-no-escalation", "iam-no-administrator", "iam-trust-not-public"),
        *("function-no-literal-secret", "build-no-literal-secret", "instance-no-literal-secret", "waiver-ledger"),
    } <= critical


def test_safe_remediations_are_offered() -> None:
    assert {
        *("tags-required", "kms-rotation", "bucket-access-block-whole", "instance-metadata-tokens"),
        *("database-encrypted", "database-not-public", "queue-encrypted", "image-scan", "log-group-retention"),
    } <= {rule.id for rule in RULES if rule.remediate}
