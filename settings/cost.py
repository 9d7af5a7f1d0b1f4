"""Settings of what watches over the costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from components.args import Args
from components.operations.cost_guard import CostGuardArgs

if TYPE_CHECKING:
    from settings import Settings

# The upper bound is no limit of AWS's: what is more has been mistyped.
NotNegative = Annotated[float, Field(ge=0, le=1e12)]


class ExpectedSettings(Args):
    """What passes through the system in a month. Nothing is made of it: a rehearsal and `kumiki cost` price it. What is
    not said is nothing, or what the profile says; a size that is not said is within what AWS counts as one."""

    profile: Literal["small", "medium", "large"] | None = None
    """What the other keys are without being said: a trial with a few people, a product with some thousands, one with
    hundreds of thousands."""

    storage_gb: NotNegative = 0
    """Kept in S3, on average; 10, 200 or 5,000 by the profiles."""

    object_writes: NotNegative = 0
    """Objects written to S3, and lists of them; 10,000, 500,000 or 20,000,000 by the profiles."""

    object_reads: NotNegative = 0
    """Objects read from S3; 100,000, 5,000,000 or 200,000,000 by the profiles."""

    object_kb: NotNegative = 0
    """Kilobytes of an object in S3, on average; 256 by the profiles."""

    moved_objects: NotNegative = 0
    """Objects that rules move to another class; 1,000, 50,000 or 2,000,000 by the profiles."""

    infrequent_gb: NotNegative = 0
    """Of what is kept in S3, what rules have moved to classes for infrequent access; 0, 50 or 2,000 by the profiles."""

    archived_gb: NotNegative = 0
    """Of what is kept in S3, what rules have moved to archives; 0, 20 or 1,000 by the profiles."""

    retrieved_gb: NotNegative = 0
    """Read back from these classes; 0, 5 or 100 by the profiles."""

    replicated_gb: NotNegative = 0
    """Copied by S3 to another bucket; 1, 20 or 500 by the profiles."""

    images_gb: NotNegative = 0
    """Kept in ECR; 1, 5 or 20 by the profiles."""

    transfer_gb: NotNegative = 0
    """Sent to users by CloudFront; 10, 500 or 20,000 by the profiles."""

    site_requests: NotNegative = 0
    """Requests to CloudFront; 100,000, 10,000,000 or 500,000,000 by the profiles."""

    upload_gb: NotNegative = 0
    """Sent by users through CloudFront to what stands behind it; 1, 20 or 500 by the profiles."""

    large_bodies: NotNegative = 0
    """Requests with more than 16 KB, which firewalls read further; 1,000, 100,000 or 5,000,000 by the profiles."""

    invalidations: NotNegative = 0
    """Paths that deployments of a site have CloudFront forget; 100, 1,000 or 10,000 by the profiles."""

    internet_gb: NotNegative = 0
    """Sent to the internet by servers, not by CloudFront; 1, 50 or 2,000 by the profiles."""

    web_requests: NotNegative = 0
    """Requests to load balancers; 100,000, 10,000,000 or 500,000,000 by the profiles."""

    nat_gb: NotNegative = 0
    """Through NAT gateways; 1, 50 or 2,000 by the profiles."""

    endpoint_gb: NotNegative = 0
    """Through interface endpoints; 1, 50 or 2,000 by the profiles."""

    zones_gb: NotNegative = 0
    """Between zones, by servers; 1, 50 or 2,000 by the profiles."""

    logs_gb: NotNegative = 0
    """Written to CloudWatch; 1, 20 or 500 by the profiles."""

    searched_logs_gb: NotNegative = 0
    """Of logs, what queries of CloudWatch read; 1, 20 or 500 by the profiles."""

    metrics: NotNegative = 0
    """Metrics that programs publish; 0, 20 or 200 by the profiles."""

    traces: NotNegative = 0
    """Recorded by X-Ray; 10,000, 500,000 or 20,000,000 by the profiles."""

    traces_read: NotNegative = 0
    """Traces that people search and read; 10,000, 500,000 or 20,000,000 by the profiles."""

    emails: NotNegative = 0
    """E-mails from topics; 100, 1,000 or 10,000 by the profiles."""

    sent_emails: NotNegative = 0
    """E-mails sent by SES; 1,000, 50,000 or 1,000,000 by the profiles."""

    messages: NotNegative = 0
    """Requests to queues and topics, and events of one's own; 100,000, 10,000,000 or 500,000,000 by the profiles."""

    message_kb: NotNegative = 0
    """Kilobytes of a message, on average; 4 by the profiles."""

    workflow_steps: NotNegative = 0
    """Steps of workflows; 5,000, 100,000 or 5,000,000 by the profiles."""

    function_calls: NotNegative = 0
    """Calls of functions, and of APIs before them; 100,000, 5,000,000 or 200,000,000 by the profiles."""

    function_milliseconds: NotNegative = 0
    """How long a call takes, on average; 200, 200 or 200 by the profiles."""

    call_kb: NotNegative = 0
    """Kilobytes of a call or its answer, on average; 16 by the profiles."""

    connection_minutes: NotNegative = 0
    """Minutes of WebSocket connections; 100,000, 5,000,000 or 200,000,000 by the profiles."""

    model_input_tokens: NotNegative = 0
    """Tokens that chat models read; 1,000,000, 20,000,000 or 1,000,000,000 by the profiles."""

    model_output_tokens: NotNegative = 0
    """Tokens that chat models write; 200,000, 4,000,000 or 200,000,000 by the profiles."""

    embedded_tokens: NotNegative = 0
    """Tokens made into vectors; 1,000,000, 20,000,000 or 500,000,000 by the profiles."""

    table_reads: NotNegative = 0
    """Read units of tables on demand; 500,000, 20,000,000 or 1,000,000,000 by the profiles."""

    table_writes: NotNegative = 0
    """Write units of tables on demand; 100,000, 5,000,000 or 200,000,000 by the profiles."""

    table_gb: NotNegative = 0
    """Kept in tables; 1, 20 or 500 by the profiles."""

    database_gb: NotNegative = 0
    """Kept in Aurora; 10, 100 or 2,000 by the profiles."""

    database_requests: NotNegative = 0
    """Reads and writes of Aurora's storage; 10,000,000, 100,000,000 or 5,000,000,000 by the profiles."""

    database_acus: NotNegative = 0
    """Capacity units of serverless databases, on average; 0.5, 2 or 16 by the profiles."""

    credit_hours: NotNegative = 0
    """VCPU-hours of burstable servers and databases above their baseline; 0, 20 or 500 by the profiles."""

    cache_gb: NotNegative = 0
    """Kept in caches; 0.1, 2 or 20 by the profiles."""

    cache_requests: NotNegative = 0
    """Units of requests (ECPU) to serverless caches; 1,000,000, 50,000,000 or 2,000,000,000 by the profiles."""

    vector_gb: NotNegative = 0
    """Kept in collections of vectors; 1, 10 or 200 by the profiles."""

    backup_gb: NotNegative = 0
    """Copies kept by backups, beyond what is free; 5, 50 or 1,000 by the profiles."""

    users: NotNegative = 0
    """People who sign in; 100, 10,000 or 200,000 by the profiles."""

    dns_queries: NotNegative = 0
    """Questions to hosted zones; 100,000, 5,000,000 or 100,000,000 by the profiles."""

    secret_reads: NotNegative = 0
    """Secrets read; 5,000, 100,000 or 2,000,000 by the profiles."""

    key_requests: NotNegative = 0
    """Requests to KMS; 50,000, 1,000,000 or 50,000,000 by the profiles."""

    audit_events: NotNegative = 0
    """Management events that GuardDuty analyses; 50,000, 1,000,000 or 20,000,000 by the profiles."""

    config_items: NotNegative = 0
    """Changes that AWS Config records; 500, 2,000 or 20,000 by the profiles."""

    build_minutes: NotNegative = 0
    """Minutes of builds; 100, 1,000 or 10,000 by the profiles."""

    builds: NotNegative = 0
    """Builds, and actions of pipelines; 20, 200 or 2,000 by the profiles."""

    job_hours: NotNegative = 0
    """DPU-hours of Glue's jobs and crawlers; 10, 100 or 1,000 by the profiles."""

    job_runs: NotNegative = 0
    """Runs of Glue's jobs and crawlers; 30, 300 or 3,000 by the profiles."""

    scanned_gb: NotNegative = 0
    """Read by queries of Athena; 10, 500 or 20,000 by the profiles."""

    queries: NotNegative = 0
    """Queries of Athena; 100, 5,000 or 100,000 by the profiles."""

    stream_gb: NotNegative = 0
    """Taken in by Firehose and Kinesis; 1, 50 or 2,000 by the profiles."""

    record_kb: NotNegative = 0
    """Kilobytes of a record in it, on average; 25 by the profiles."""


class CostGuardSettings(CostGuardArgs):
    """Budgets, the monitor of unusual costs, and the tags on the bill."""

    counts: Literal["account", "tags"] = "account"
    """What the budgets count: the whole account, or what carries this stack's Environment and Project. The latter is
    nothing until these tags are activated, here or by the organisation's management account."""

    billing_alarm: bool = False
    """Alarm on the whole account's bill, in us-east-1. Somebody must switch on billing alerts in the account once."""

    activate_tags: bool = False
    """Show Component, Environment, Owner and Project on the bill. AWS refuses until it has known a tag for a day, so
    not in the first deployment to an account."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    guard = settings.cost_guard
    if guard is None or settings.alerts is not None:
        return
    if not guard.emails:
        yield "costGuard.emails", "is empty and there are no alerts; write an address, or add the section alerts"
    if guard.billing_alarm:
        yield "costGuard.billingAlarm", "true goes to the people of alerts, which are missing; add the section alerts"
