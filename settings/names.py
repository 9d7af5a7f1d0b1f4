"""Names that AWS accepts: how long a product and the names of services may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from settings.aws_names import SUFFIX_LENGTH, longest

if TYPE_CHECKING:
    from settings import Settings

_ROLE = longest("aws:iam/role:Role")
_BUCKET = longest("aws:s3/bucket:Bucket")

# The children of each part whose names come nearest to AWS's limit: what is added to {product}-{environment}-{service}
# (with Pulumi's own suffix of 8, where it adds one), and the limit. The architecture's tests keep this table true.
_TIGHTEST_NAMES: dict[str, tuple[tuple[str, int, int], ...]] = {
    "network": (("role", len("-flow-log-role") + SUFFIX_LENGTH, _ROLE),),
    # The load balancer has no suffix: its name is the component's.
    "load balancer": (("load balancer", 0, longest("aws:lb/loadBalancer:LoadBalancer")),),
    "database": (("cluster", 0, longest("aws:rds/cluster:Cluster")),),
    "cache": (("user", len("-app"), longest("aws:elasticache/user:User")),),
    "site": (
        ("bucket", len("-content-bucket") + SUFFIX_LENGTH, _BUCKET),
        (
            "access control",
            len("-access-control") + SUFFIX_LENGTH,
            longest("aws:cloudfront/originAccessControl:OriginAccessControl"),
        ),
    ),
    "deploy role": (("role", len("-role") + SUFFIX_LENGTH, _ROLE),),
    "deployer role": (("role", len("-role") + SUFFIX_LENGTH, _ROLE),),
    "build": (("role", len("-role") + SUFFIX_LENGTH, _ROLE),),
    "pipeline": (
        ("role", len("-pipeline-role") + SUFFIX_LENGTH, _ROLE),
        ("bucket", len("-store-bucket") + SUFFIX_LENGTH, _BUCKET),
    ),
    "service": (("role", len("-deployment-role") + SUFFIX_LENGTH, _ROLE),),
    "simple service": (("role", len("-infrastructure-role") + SUFFIX_LENGTH, _ROLE),),
    "bucket": (("bucket", len("-bucket") + SUFFIX_LENGTH, _BUCKET),),
    "replicated bucket": (
        ("role", len("-replica-role") + SUFFIX_LENGTH, _ROLE),
        ("bucket", len("-replica-bucket") + SUFFIX_LENGTH, _BUCKET),
    ),
    "table": (("table", 0, longest("aws:dynamodb/table:Table")),),
    "queue": (("dead-letter queue", len("-dead-letters.fifo"), longest("aws:sqs/queue:Queue")),),
    "workflow": (("role", len("-role") + SUFFIX_LENGTH, _ROLE),),
    "scheduled workflow": (("role", len("-schedule-role") + SUFFIX_LENGTH, _ROLE),),
    "function": (
        ("function", 0, longest("aws:lambda/function:Function")),
        ("role", len("-role") + SUFFIX_LENGTH, _ROLE),
    ),
    "scheduled function": (("role", len("-schedule-role") + SUFFIX_LENGTH, _ROLE),),
    "api": (("authorizer", len("-authorizer"), longest("aws:apigatewayv2/authorizer:Authorizer")),),
    "log export": (("role", len("-subscription-role") + SUFFIX_LENGTH, _ROLE),),
    "collection": (
        ("collection", 0, longest("aws:opensearch/serverlessCollection:ServerlessCollection")),
        ("role", len("-indexes-role") + SUFFIX_LENGTH, _ROLE),
    ),
    "collections": (("endpoint", 0, longest("aws:opensearch/serverlessVpcEndpoint:ServerlessVpcEndpoint")),),
    "knowledge base": (("role", len("-schedule-role") + SUFFIX_LENGTH, _ROLE),),
    "models": (("guardrail", len("-guardrail"), longest("aws:bedrock/guardrail:Guardrail")),),
    "job": (("role", len("-role") + SUFFIX_LENGTH, _ROLE),),
    "office hours": (("role", len("-alarms-1-role") + SUFFIX_LENGTH, _ROLE),),
    "event workflow": (("role", len("-event-role") + SUFFIX_LENGTH, _ROLE),),
}

RESERVED_SERVICES = (
    "alerts",
    "api-logs",
    "audit",
    "backup",
    "baseline",
    "build",
    "builds",
    "cache",
    "cluster",
    "collections",
    "config",
    "costs",
    "data",
    "data-replica",
    "database",
    "database-copies",
    "database-logs",
    "database-copy",
    "database-copy-schedule",
    "database-password",
    "delivery",
    "dnssec",
    "domain",
    "events",
    "firewall",
    "front-end",
    "group-logs",
    "internal",
    "lake",
    "lake-activity",
    "lake-clean",
    "lake-cloudwatch",
    "lake-code",
    "lake-code-files",
    "lake-curated",
    "lake-database",
    "lake-exports",
    "lake-extract",
    "lake-exports-schedule",
    "lake-formation",
    "lake-history",
    "function-logs",
    "lake-log-export",
    "lake-logs",
    "lake-night",
    "lake-night-schedule",
    "lake-quality",
    "lake-raw",
    "lake-results",
    "lake-table-export",
    "log-archive",
    "log-router",
    "logs",
    "model-logs",
    "models",
    "network",
    "office-hours",
    "overview",
    "parameters",
    "pipeline",
    "pipeline-store",
    "query-results",
    "recovery-drill",
    "replica-alerts",
    "secrets",
    "simple",
    "site",
    "site-firewall",
    "site-logs",
    "site-tls",
    "tls",
    "tracing",
    "us-east-alerts",
    "us-east-office-hours",
    "users",
    "web",
)
"""Services that the program names itself."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """Names that would overflow: key and why."""
    stem = f"{settings.product}-{settings.environment}"
    ours: list[tuple[str, str]] = [("network", "network")] if settings.network else []
    ours += [("log-archive", "bucket")] if settings.log_archive else []
    ours += [("web", "load balancer")] if settings.load_balancer else []
    ours += [("database", "database")] if settings.database else []
    ours += [("cache", "cache")] if settings.cache else []
    ours += [("delivery", "deploy role")] if settings.delivery else []
    ours += [("site", "site")] if settings.site else []
    ours += [("simple", "simple service")] if settings.simple_service else []
    ours += [("collections", "collections")] if settings.vector_collections else []
    ours += [("models", "models"), ("model-logs", "bucket")] if settings.model_access else []
    ours += [("build", "build"), ("builds", "bucket")] if settings.build else []
    ours += [("pipeline", "pipeline")] if settings.pipeline else []
    ours += (
        [("lake-curated", "bucket"), ("lake-cloudwatch", "job"), ("lake-night", "workflow")] if settings.lake else []
    )
    ours += [("lake-exports", "workflow")] if settings.lake and settings.lake.export_tables else []
    ours += [("lake-log-export", "log export")] if settings.lake and settings.lake.export_logs else []
    logged = settings.functions and settings.log_archive and settings.log_archive.function_logs
    ours += [("function-logs", "log export")] if logged else []
    if settings.log_archive and settings.log_archive.group_logs:
        ours += [("database-logs", "log export")] if settings.database else []
        ours += [("group-logs", "log export")]
    ours += [("us-east-office-hours", "office hours")] if settings.office_hours else []
    ours += [("query-results", "bucket")] if settings.log_analytics else []
    # All services share the product: one line for the worst of them.
    overflows = [over for service, part in ours for over in _overflows(f"{stem}-{service}", part)]
    if overflows:
        excess, text = max(overflows)
        yield "product", f"{settings.product!r} {text}; shorten the product by {excess}"
    for section, service, part in _chosen(settings):
        if service in RESERVED_SERVICES:
            yield (
                f"{section}.{service}",
                f"is a name that the program uses itself ({', '.join(RESERVED_SERVICES)}); choose another",
            )
        overflows = _overflows(f"{stem}-{service}", part)
        if overflows:
            excess, text = max(overflows)
            yield f"{section}.{service}", f"{text}; shorten the {section[:-1]}'s key or the product by {excess}"


def _chosen(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Section, service and tightest part of everything whose name the user chose."""
    for service, bucket in settings.buckets.items():
        yield "buckets", service, "replicated bucket" if bucket.replicate_to else "bucket"
    for service in settings.deployers:
        yield "deployers", service, "deployer role"
    for service in settings.tables:
        yield "tables", service, "table"
    for service in settings.queues:
        yield "queues", service, "queue"
    for service in settings.vector_collections:
        yield "vectorCollections", service, "collection"
    for service in settings.knowledge_bases:
        yield "knowledgeBases", service, "knowledge base"
    for service, workflow in settings.workflows.items():
        yield (
            "workflows",
            service,
            "scheduled workflow" if workflow.schedule else "event workflow" if workflow.event else "workflow",
        )
    for service in settings.apis:
        yield "apis", service, "api"
    for service in settings.services:
        yield "services", service, "service"
    for service, function in settings.functions.items():
        yield "functions", service, "scheduled function" if function.schedule else "function"


def _overflows(name: str, part: str) -> list[tuple[int, str]]:
    return [
        (
            len(name) + added - limit,
            f"makes the name of the {kind} of {name} {len(name) + added} characters long, and AWS allows {limit}",
        )
        for kind, added, limit in _TIGHTEST_NAMES[part]
        if len(name) + added > limit
    ]
