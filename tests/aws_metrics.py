"""The metrics that AWS has, as far as alarms and dashboards use them, and where AWS says so.

CloudWatch takes any name, and an alarm or a graph of a metric that is not there stays silent for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_DOCS: Final = "https://docs.aws.amazon.com/"


@dataclass(frozen=True)
class Namespace:
    """What a service tells CloudWatch."""

    source: str
    metrics: Mapping[str, str]
    """Dimensions → the metrics that are there with exactly these."""

    us_east_only: bool = False

    def has(self, metric: str, dimensions: frozenset[str]) -> bool:
        return any(
            metric in metrics.split()
            for known, metrics in self.metrics.items()
            if frozenset(known.split()) == dimensions
        )


AWS_METRICS: Final = {
    "AWS/AOSS": Namespace(
        _DOCS + "opensearch-service/latest/developerguide/monitoring-cloudwatch.html",
        {
            "ClientId CollectionId CollectionName": "2xx 3xx 4xx 5xx SearchRequestLatency SearchRequestErrors "
            "IngestionRequestErrors",
            **dict.fromkeys(("ClientId", "ClientId CollectionGroupId CollectionGroupName"), "IndexingOCU SearchOCU"),
        },
    ),
    "AWS/AmplifyHosting": Namespace(
        _DOCS + "amplify/latest/userguide/access-cloudwatch-metrics.html",
        {"App": "Requests BytesDownloaded BytesUploaded 4xxErrors 5xxErrors Latency"},
    ),
    "AWS/ApiGateway": Namespace(
        # HTTP, REST and WebSocket APIs each have a page; ApiName is of REST APIs.
        _DOCS + "apigateway/latest/developerguide/http-api-metrics.html, "
        "api-gateway-metrics-and-dimensions.html, apigateway-websocket-api-logging.html",
        {
            "ApiId": "4xx 5xx Count IntegrationLatency Latency DataProcessed",
            "ApiName Stage": "4XXError 5XXError Count IntegrationLatency Latency",
            "ApiId Stage": "ConnectCount MessageCount IntegrationError ClientError ExecutionError IntegrationLatency",
        },
    ),
    "AWS/ApplicationELB": Namespace(
        _DOCS + "elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html",
        {
            "LoadBalancer": "RequestCount HTTPCode_ELB_5XX_Count HTTPCode_Target_5XX_Count TargetResponseTime "
            "RejectedConnectionCount",
            "LoadBalancer TargetGroup": "RequestCount HTTPCode_Target_5XX_Count UnHealthyHostCount TargetResponseTime",
        },
    ),
    "AWS/Athena": Namespace(
        _DOCS + "athena/latest/ug/query-metrics-viewing.html",
        {"WorkGroup": "ProcessedBytes", "QueryState QueryType WorkGroup": "ProcessedBytes TotalExecutionTime"},
    ),
    "AWS/Backup": Namespace(
        _DOCS + "aws-backup/latest/devguide/cloudwatch.html",
        dict.fromkeys(
            ("BackupVaultName", "ResourceType"),
            "NumberOfBackupJobsCompleted NumberOfBackupJobsFailed NumberOfBackupJobsExpired NumberOfCopyJobsFailed",
        ),
    ),
    "AWS/Bedrock": Namespace(
        _DOCS + "bedrock/latest/userguide/monitoring.html",
        {
            "ModelId": "InputTokenCount InvocationClientErrors InvocationLatency InvocationServerErrors "
            "InvocationThrottles Invocations OutputTokenCount"
        },
    ),
    "AWS/Billing": Namespace(
        _DOCS + "AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html",
        {"Currency": "EstimatedCharges"},
        us_east_only=True,
    ),
    "AWS/CertificateManager": Namespace(
        _DOCS + "acm/latest/userguide/cloudwatch-metrics.html", {"CertificateArn": "DaysToExpiry"}
    ),
    "AWS/CloudFront": Namespace(
        _DOCS + "AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html",
        {"DistributionId Region": "Requests BytesDownloaded 4xxErrorRate 5xxErrorRate"},
        us_east_only=True,
    ),
    "AWS/CodeBuild": Namespace(
        _DOCS + "codebuild/latest/userguide/monitoring-metrics.html",
        {"ProjectName": "Builds Duration FailedBuilds SucceededBuilds"},
    ),
    "AWS/Cognito": Namespace(
        _DOCS + "cognito/latest/developerguide/metrics-for-cognito-user-pools.html",
        {
            "UserPool UserPoolClient": "SignUpSuccesses SignInSuccesses TokenRefreshSuccesses SignInThrottles "
            "TokenRefreshThrottles",
            "IdentityProvider UserPool UserPoolClient": "FederationSuccesses FederationThrottles",
        },
    ),
    "AWS/DynamoDB": Namespace(
        _DOCS + "amazondynamodb/latest/developerguide/metrics-dimensions.html",
        {
            "TableName": "ConsumedReadCapacityUnits ConsumedWriteCapacityUnits ReadThrottleEvents WriteThrottleEvents",
            "GlobalSecondaryIndexName TableName": "ReadThrottleEvents WriteThrottleEvents",
            "Operation TableName": "SystemErrors",
            "ReceivingRegion TableName": "ReplicationLatency",
        },
    ),
    "AWS/EC2": Namespace(
        _DOCS + "AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html",
        {"InstanceId": "CPUUtilization StatusCheckFailed"},
    ),
    "AWS/AppRunner": Namespace(
        _DOCS + "apprunner/latest/dg/monitor-cw.html",
        {
            "ServiceID ServiceName": "2xxStatusResponses 4xxStatusResponses 5xxStatusResponses ActiveInstances "
            "CPUUtilization Concurrency MemoryUtilization RequestLatency Requests",
        },
    ),
    "AWS/ECS": Namespace(
        _DOCS + "AmazonECS/latest/developerguide/available-metrics.html",
        {"ClusterName ServiceName": "CPUUtilization MemoryUtilization"},
    ),
    "AWS/ElastiCache": Namespace(
        _DOCS + "AmazonElastiCache/latest/dg/CacheMetrics.Redis.html",
        {"CacheClusterId": "DatabaseMemoryUsagePercentage EngineCPUUtilization Evictions"},
    ),
    "AWS/Firehose": Namespace(
        _DOCS + "firehose/latest/dev/monitoring-with-cloudwatch-metrics.html",
        {"DeliveryStreamName": "IncomingBytes DeliveryToS3.DataFreshness"},
    ),
    "AWS/Lambda": Namespace(
        _DOCS + "lambda/latest/dg/monitoring-metrics-types.html",
        {
            "FunctionName Resource": "Invocations Errors Throttles Duration ConcurrentExecutions IteratorAge "
            "ProvisionedConcurrencySpilloverInvocations"
        },
    ),
    "AWS/Logs": Namespace(
        _DOCS + "AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html",
        {"LogGroupName": "IncomingLogEvents"},
    ),
    "AWS/NATGateway": Namespace(
        _DOCS + "vpc/latest/userguide/metrics-dimensions-nat-gateway.html",
        {"NatGatewayId": "ActiveConnectionCount BytesOutToDestination ErrorPortAllocation PacketsDropCount"},
    ),
    "AWS/RDS": Namespace(
        _DOCS + "AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html, "
        "AmazonRDS/latest/UserGuide/rds-metrics.html, dimensions.html",
        {
            "DBInstanceIdentifier": "CPUUtilization DatabaseConnections FreeStorageSpace",
            "DBClusterIdentifier": "CPUUtilization DatabaseConnections FreeLocalStorage AuroraReplicaLagMaximum "
            "VolumeBytesUsed",
            "DBClusterIdentifier Role": "CPUUtilization DatabaseConnections FreeLocalStorage",
        },
    ),
    "AWS/Route53": Namespace(
        _DOCS + "Route53/latest/DeveloperGuide/monitoring-hosted-zones-with-cloudwatch.html",
        {"HostedZoneId": "DNSSECInternalFailure DNSSECKeySigningKeysNeedingAction"},
        us_east_only=True,
    ),
    "AWS/S3": Namespace(
        _DOCS + "AmazonS3/latest/userguide/repl-metrics.html",
        {"DestinationBucket RuleId SourceBucket": "OperationsFailedReplication ReplicationLatency"},
    ),
    "AWS/SNS": Namespace(
        _DOCS + "sns/latest/dg/sns-monitoring-using-cloudwatch.html",
        {"TopicName": "NumberOfMessagesPublished NumberOfNotificationsFailed"},
    ),
    "AWS/SQS": Namespace(
        _DOCS + "AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html",
        {"QueueName": "ApproximateAgeOfOldestMessage ApproximateNumberOfMessagesVisible"},
    ),
    "AWS/States": Namespace(
        _DOCS + "step-functions/latest/dg/procedure-cw-metrics.html",
        {"StateMachineArn": "ExecutionThrottled ExecutionTime ExecutionsFailed ExecutionsSucceeded ExecutionsTimedOut"},
    ),
    "AWS/X-Ray": Namespace(
        _DOCS + "xray/latest/devguide/xray-console-groups.html#xray-console-group-cloudwatch",
        {"GroupName": "ApproximateTraceCount"},
    ),
    "AWS/WAFV2": Namespace(
        # Of a distribution's there is no region.
        _DOCS + "waf/latest/developerguide/waf-metrics.html",
        {"Region Rule WebACL": "AllowedRequests BlockedRequests", "Rule WebACL": "AllowedRequests BlockedRequests"},
    ),
    "ECS/ContainerInsights": Namespace(
        _DOCS + "AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html",
        {"ClusterName ServiceName": "DesiredTaskCount RunningTaskCount"},
    ),
    "Glue": Namespace(
        _DOCS + "glue/latest/dg/monitoring-awsglue-with-cloudwatch-metrics.html, monitor-observability.html",
        {
            "JobName JobRunId Type": "glue.driver.aggregate.elapsedTime glue.driver.aggregate.numFailedTasks",
            "JobName JobRunId ObservabilityGroup Type": "glue.error.ALL glue.succeed.ALL",
        },
    ),
}
