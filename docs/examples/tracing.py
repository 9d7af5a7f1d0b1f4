"""A tenth of the requests is traced, and two groups show the traces with faults and the slow ones; alarms on both."""

import pulumi_aws as aws

from components.alarms import AlarmTopics
from components.operations.tracing import Tracing, TracingArgs

topic = aws.sns.Topic("wiki-dev-warnings", kms_master_key_id="alias/aws/sns")
tracing = Tracing(
    "wiki-dev-tracing",
    TracingArgs(sample_percent=10, slow_seconds=2),
    services=["wiki-dev-api", "wiki-dev-worker"],
    sampled="wiki-dev-*",
)
tracing.alarms(AlarmTopics(critical=topic.arn, warning=topic.arn))
