"""Where AWS resources carry their names, and how long these may be (AWS service documentation, by type)."""

from __future__ import annotations

NAMES: dict[str, tuple[str, int]] = {
    "aws:athena/workgroup:Workgroup": ("name", 128),
    "aws:backup/vault:Vault": ("name", 50),
    "aws:cloudwatch/eventRule:EventRule": ("name", 64),
    "aws:cloudwatch/logGroup:LogGroup": ("name", 512),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("name", 255),
    "aws:codebuild/project:Project": ("name", 150),
    "aws:codepipeline/pipeline:Pipeline": ("name", 100),
    "aws:cognito/userPool:UserPool": ("name", 128),
    "aws:dynamodb/table:Table": ("name", 255),
    "aws:ec2/launchTemplate:LaunchTemplate": ("name", 128),
    "aws:ec2/securityGroup:SecurityGroup": ("name", 255),
    "aws:ecr/repository:Repository": ("name", 256),
    "aws:ecs/cluster:Cluster": ("name", 255),
    "aws:ecs/service:Service": ("name", 255),
    "aws:ecs/taskDefinition:TaskDefinition": ("family", 255),
    "aws:elasticache/replicationGroup:ReplicationGroup": ("replicationGroupId", 40),
    "aws:elasticache/user:User": ("userId", 40),
    "aws:elasticache/userGroup:UserGroup": ("userGroupId", 40),
    "aws:glue/catalogDatabase:CatalogDatabase": ("name", 255),
    "aws:iam/instanceProfile:InstanceProfile": ("name", 128),
    "aws:iam/policy:Policy": ("name", 128),
    "aws:iam/role:Role": ("name", 64),
    "aws:iam/rolePolicy:RolePolicy": ("name", 128),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": ("name", 64),
    "aws:kms/alias:Alias": ("name", 256),
    "aws:lambda/function:Function": ("name", 64),
    "aws:lambda/layerVersion:LayerVersion": ("layerName", 140),
    "aws:lb/loadBalancer:LoadBalancer": ("name", 32),
    "aws:lb/targetGroup:TargetGroup": ("name", 32),
    "aws:opensearch/serverlessCollection:ServerlessCollection": ("name", 32),
    "aws:rds/cluster:Cluster": ("clusterIdentifier", 63),
    "aws:rds/instance:Instance": ("identifier", 63),
    "aws:rds/parameterGroup:ParameterGroup": ("name", 255),
    "aws:rds/subnetGroup:SubnetGroup": ("name", 255),
    "aws:s3/bucket:Bucket": ("bucket", 63),
    "aws:scheduler/schedule:Schedule": ("name", 64),
    "aws:secretsmanager/secret:Secret": ("name", 512),
    "aws:sfn/stateMachine:StateMachine": ("name", 80),
    "aws:sns/topic:Topic": ("name", 256),
    "aws:sqs/queue:Queue": ("name", 80),
    "aws:ssm/parameter:Parameter": ("name", 1011),
    "aws:wafv2/webAcl:WebAcl": ("name", 128),
}
"""Type → the property that holds the name, and the number of characters it may have."""

SUFFIX_LENGTH = 8
"""What Pulumi adds to a name of its own making: a hyphen and seven random characters."""
