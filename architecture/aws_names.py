"""How long AWS lets names be. The provider only finds out in the middle of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.refusal import Refusal

_PULUMI_SUFFIX = len("-1234567")

# Type → the property that holds the name, and the most characters that AWS takes.
LIMITS: dict[str, tuple[str, int]] = {
    "aws:accessanalyzer/analyzer:Analyzer": ("analyzerName", 255),
    "aws:amplify/app:App": ("name", 255),
    "aws:apigateway/authorizer:Authorizer": ("name", 128),
    "aws:apigateway/requestValidator:RequestValidator": ("name", 128),
    "aws:apigateway/restApi:RestApi": ("name", 1024),
    "aws:apigatewayv2/api:Api": ("name", 128),
    "aws:apigatewayv2/authorizer:Authorizer": ("name", 128),
    "aws:appautoscaling/policy:Policy": ("name", 256),
    "aws:athena/namedQuery:NamedQuery": ("name", 128),
    "aws:athena/workgroup:Workgroup": ("name", 128),
    "aws:budgets/budget:Budget": ("name", 100),
    "aws:backup/plan:Plan": ("name", 50),
    "aws:backup/selection:Selection": ("name", 50),
    "aws:backup/vault:Vault": ("name", 50),
    "aws:cfg/deliveryChannel:DeliveryChannel": ("name", 256),
    "aws:cfg/recorder:Recorder": ("name", 256),
    "aws:cfg/rule:Rule": ("name", 128),
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": ("configurationName", 128),
    "aws:cloudfront/cachePolicy:CachePolicy": ("name", 128),
    "aws:cloudfront/function:Function": ("name", 64),
    "aws:cloudfront/originAccessControl:OriginAccessControl": ("name", 64),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": ("name", 128),
    "aws:cloudtrail/trail:Trail": ("name", 128),
    "aws:cloudwatch/dashboard:Dashboard": ("dashboardName", 255),
    "aws:cloudwatch/eventBus:EventBus": ("name", 256),
    "aws:cloudwatch/eventRule:EventRule": ("name", 64),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": ("name", 60),
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": ("name", 60),
    "aws:cloudwatch/logGroup:LogGroup": ("name", 512),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": ("name", 512),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("name", 255),
    "aws:cloudwatch/queryDefinition:QueryDefinition": ("name", 255),
    "aws:costexplorer/anomalyMonitor:AnomalyMonitor": ("name", 1024),
    "aws:costexplorer/anomalySubscription:AnomalySubscription": ("name", 1024),
    "aws:cognito/userGroup:UserGroup": ("name", 128),
    "aws:cognito/userPool:UserPool": ("name", 128),
    "aws:cognito/userPoolClient:UserPoolClient": ("name", 128),
    "aws:dynamodb/table:Table": ("name", 255),
    "aws:codebuild/project:Project": ("name", 150),
    "aws:codedeploy/application:Application": ("name", 100),
    "aws:codedeploy/deploymentGroup:DeploymentGroup": ("deployment_group_name", 100),
    "aws:ec2/securityGroup:SecurityGroup": ("name", 255),
    "aws:ecr/repository:Repository": ("name", 256),
    "aws:ecs/cluster:Cluster": ("name", 255),
    "aws:ecs/service:Service": ("name", 255),
    "aws:ecs/taskDefinition:TaskDefinition": ("family", 255),
    "aws:elasticache/replicationGroup:ReplicationGroup": ("replication_group_id", 40),
    "aws:elasticache/subnetGroup:SubnetGroup": ("name", 255),
    "aws:elasticache/user:User": ("user_id", 40),
    "aws:elasticache/userGroup:UserGroup": ("user_group_id", 40),
    "aws:glue/catalogDatabase:CatalogDatabase": ("name", 255),
    "aws:glue/catalogTable:CatalogTable": ("name", 255),
    "aws:iam/instanceProfile:InstanceProfile": ("name", 128),
    "aws:iam/policy:Policy": ("name", 128),
    "aws:iam/role:Role": ("name", 64),
    "aws:iam/rolePolicy:RolePolicy": ("name", 128),
    "aws:kms/alias:Alias": ("name", 256),
    "aws:lambda/function:Function": ("name", 64),
    "aws:lambda/layerVersion:LayerVersion": ("layer_name", 140),
    "aws:lb/loadBalancer:LoadBalancer": ("name", 32),
    "aws:lb/targetGroup:TargetGroup": ("name", 32),
    "aws:rds/cluster:Cluster": ("cluster_identifier", 63),
    "aws:rds/clusterInstance:ClusterInstance": ("identifier", 63),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": ("name", 255),
    "aws:rds/instance:Instance": ("identifier", 63),
    "aws:rds/parameterGroup:ParameterGroup": ("name", 255),
    "aws:rds/subnetGroup:SubnetGroup": ("name", 255),
    "aws:s3/bucket:Bucket": ("bucket", 63),
    "aws:scheduler/schedule:Schedule": ("name", 64),
    "aws:scheduler/scheduleGroup:ScheduleGroup": ("name", 64),
    "aws:secretsmanager/secret:Secret": ("name", 512),
    "aws:sfn/stateMachine:StateMachine": ("name", 80),
    "aws:sns/topic:Topic": ("name", 256),
    "aws:sqs/queue:Queue": ("name", 80),
    "aws:ssm/document:Document": ("name", 128),
    "aws:ssm/parameter:Parameter": ("name", 1011),
    "aws:wafv2/webAcl:WebAcl": ("name", 128),
}


def check_name(type_: str, name: str, props: Mapping[str, Any]) -> None:
    """Refuse a resource whose name in AWS (given, or made by Pulumi from `name` and a suffix) would be too long."""
    if type_ not in LIMITS:
        return
    field, limit = LIMITS[type_]
    given = props.get(field)
    if given is not None and not isinstance(given, str):
        return  # an output: its length is known to nobody yet
    final = given if given is not None else f"{name}-{'x' * (_PULUMI_SUFFIX - 1)}"
    if len(final) > limit:
        kind = type_.rsplit(":", 1)[-1]
        raise Refusal(
            f"the name of {kind} {name}",
            final,
            f"would be {len(final)} characters long, and AWS allows {limit}; "
            f"shorten the product or the service by {len(final) - limit}",
        )
