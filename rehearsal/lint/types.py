"""Which CloudFormation type each Pulumi type is, and where their names part ways."""

from __future__ import annotations

from typing import Final

from rehearsal.lint import shapes
from rehearsal.lint.fragments import Cfn

_TYPES: Final = {
    "accessanalyzer/analyzer:Analyzer": Cfn(type="AWS::AccessAnalyzer::Analyzer"),
    "acm/certificate:Certificate": Cfn(type="AWS::CertificateManager::Certificate"),
    "amplify/app:App": Cfn(type="AWS::Amplify::App", renames={"iamServiceRoleArn": "IAMServiceRole"}),
    "amplify/branch:Branch": Cfn(type="AWS::Amplify::Branch"),
    "amplify/domainAssociation:DomainAssociation": Cfn(
        type="AWS::Amplify::Domain",
        renames={"subDomains": "SubDomainSettings", "certificateSettings.type": "CertificateType"},
    ),
    "apigateway/account:Account": Cfn(type="AWS::ApiGateway::Account"),
    "apigateway/authorizer:Authorizer": Cfn(type="AWS::ApiGateway::Authorizer", renames={"restApi": "RestApiId"}),
    "apigateway/deployment:Deployment": Cfn(type="AWS::ApiGateway::Deployment", renames={"restApi": "RestApiId"}),
    "apigateway/domainName:DomainName": Cfn(type="AWS::ApiGateway::DomainName"),
    "apigateway/method:Method": Cfn(
        type="AWS::ApiGateway::Method", renames={"restApi": "RestApiId", "authorization": "AuthorizationType"}
    ),
    "apigateway/model:Model": Cfn(type="AWS::ApiGateway::Model", renames={"restApi": "RestApiId"}),
    "apigateway/requestValidator:RequestValidator": Cfn(
        type="AWS::ApiGateway::RequestValidator", renames={"restApi": "RestApiId"}
    ),
    "apigateway/resource:Resource": Cfn(type="AWS::ApiGateway::Resource", renames={"restApi": "RestApiId"}),
    "apigateway/response:Response": Cfn(type="AWS::ApiGateway::GatewayResponse"),
    "apigateway/restApi:RestApi": Cfn(
        type="AWS::ApiGateway::RestApi", renames={"apiKeySource": "ApiKeySourceType", "putRestApiMode": "Mode"}
    ),
    "apigateway/stage:Stage": Cfn(
        type="AWS::ApiGateway::Stage",
        renames={"restApi": "RestApiId", "deployment": "DeploymentId", "xrayTracingEnabled": "TracingEnabled"},
    ),
    "apigateway/usagePlan:UsagePlan": Cfn(
        type="AWS::ApiGateway::UsagePlan", renames={"quotaSettings": "Quota", "throttleSettings": "Throttle"}
    ),
    "apigatewayv2/api:Api": Cfn(type="AWS::ApiGatewayV2::Api"),
    "apigatewayv2/apiMapping:ApiMapping": Cfn(type="AWS::ApiGatewayV2::ApiMapping"),
    "apigatewayv2/authorizer:Authorizer": Cfn(type="AWS::ApiGatewayV2::Authorizer"),
    "apigatewayv2/deployment:Deployment": Cfn(type="AWS::ApiGatewayV2::Deployment"),
    "apigatewayv2/domainName:DomainName": Cfn(type="AWS::ApiGatewayV2::DomainName"),
    "apigatewayv2/integration:Integration": Cfn(
        type="AWS::ApiGatewayV2::Integration", renames={"timeoutMilliseconds": "TimeoutInMillis"}
    ),
    "apigatewayv2/integrationResponse:IntegrationResponse": Cfn(type="AWS::ApiGatewayV2::IntegrationResponse"),
    "apigatewayv2/route:Route": Cfn(type="AWS::ApiGatewayV2::Route"),
    "apigatewayv2/routeResponse:RouteResponse": Cfn(type="AWS::ApiGatewayV2::RouteResponse"),
    "apigatewayv2/stage:Stage": Cfn(type="AWS::ApiGatewayV2::Stage"),
    "apigatewayv2/vpcLink:VpcLink": Cfn(type="AWS::ApiGatewayV2::VpcLink"),
    "apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion": Cfn(
        type="AWS::AppRunner::AutoScalingConfiguration"
    ),
    "apprunner/observabilityConfiguration:ObservabilityConfiguration": Cfn(
        type="AWS::AppRunner::ObservabilityConfiguration"
    ),
    "apprunner/service:Service": Cfn(type="AWS::AppRunner::Service"),
    "apprunner/vpcConnector:VpcConnector": Cfn(type="AWS::AppRunner::VpcConnector"),
    "appautoscaling/policy:Policy": Cfn(
        type="AWS::ApplicationAutoScaling::ScalingPolicy", renames={"name": "PolicyName"}
    ),
    "appautoscaling/target:Target": Cfn(type="AWS::ApplicationAutoScaling::ScalableTarget"),
    "athena/namedQuery:NamedQuery": Cfn(type="AWS::Athena::NamedQuery", renames={"query": "QueryString"}),
    "athena/workgroup:Workgroup": Cfn(
        type="AWS::Athena::WorkGroup",
        renames={"configuration.resultConfiguration.encryptionConfiguration.kmsKeyArn": "KmsKey"},
    ),
    "autoscaling/group:Group": Cfn(
        type="AWS::AutoScaling::AutoScalingGroup",
        renames={
            "launchTemplate.id": "LaunchTemplateId",
            "launchTemplate.name": "LaunchTemplateName",
            "protectFromScaleIn": "NewInstancesProtectedFromScaleIn",
            "defaultCooldown": "Cooldown",
        },
    ),
    "backup/plan:Plan": Cfn(
        type="AWS::Backup::BackupPlan",
        inside="BackupPlan",
        renames={
            "rules.targetVaultName": "TargetBackupVault",
            "rules.completionWindow": "CompletionWindowMinutes",
            "rules.copyActions.destinationVaultArn": "DestinationBackupVaultArn",
            "rules.copyActions.lifecycle.coldStorageAfter": "MoveToColdStorageAfterDays",
            "rules.copyActions.lifecycle.deleteAfter": "DeleteAfterDays",
            "rules.lifecycle.coldStorageAfter": "MoveToColdStorageAfterDays",
            "rules.lifecycle.deleteAfter": "DeleteAfterDays",
            "rules.schedule": "ScheduleExpression",
            "rules.startWindow": "StartWindowMinutes",
            "rules": "BackupPlanRule",
            "name": "BackupPlanName",
        },
    ),
    "backup/selection:Selection": Cfn(
        type="AWS::Backup::BackupSelection",
        inside="BackupSelection",
        renames={
            "selectionTags.key": "ConditionKey",
            "selectionTags.type": "ConditionType",
            "selectionTags.value": "ConditionValue",
            "name": "SelectionName",
            "selectionTags": "ListOfTags",
        },
        given={"BackupPlanId": "a-plan"},
        left_out=frozenset({"planId"}),
    ),
    "backup/vault:Vault": Cfn(
        type="AWS::Backup::BackupVault", renames={"kmsKeyArn": "EncryptionKeyArn", "name": "BackupVaultName"}
    ),
    "bedrock/agentDataSource:AgentDataSource": Cfn(type="AWS::Bedrock::DataSource"),
    "bedrock/agentKnowledgeBase:AgentKnowledgeBase": Cfn(type="AWS::Bedrock::KnowledgeBase"),
    "budgets/budget:Budget": Cfn(
        type="AWS::Budgets::Budget",
        inside="Budget",
        renames={"name": "BudgetName"},
        left_out=frozenset({"notifications"}),
        reshape=shapes.budget,
    ),
    "cfg/deliveryChannel:DeliveryChannel": Cfn(
        type="AWS::Config::DeliveryChannel", renames={"snapshotDeliveryProperties": "ConfigSnapshotDeliveryProperties"}
    ),
    "cfg/recorder:Recorder": Cfn(type="AWS::Config::ConfigurationRecorder"),
    "cfg/rule:Rule": Cfn(type="AWS::Config::ConfigRule"),
    "chatbot/slackChannelConfiguration:SlackChannelConfiguration": Cfn(
        type="AWS::Chatbot::SlackChannelConfiguration",
        renames={
            "slackTeamId": "SlackWorkspaceId",
            "guardrailPolicyArns": "GuardrailPolicies",
            "userAuthorizationRequired": "UserRoleRequired",
        },
    ),
    "cloudfront/cachePolicy:CachePolicy": Cfn(
        type="AWS::CloudFront::CachePolicy", inside="CachePolicyConfig", reshape=shapes.plain_lists
    ),
    "cloudfront/distribution:Distribution": Cfn(
        type="AWS::CloudFront::Distribution",
        inside="DistributionConfig",
        renames={
            "origins.originId": "Id",
            "originGroups.originId": "Id",
            "origins.customHeaders": "OriginCustomHeaders",
            "origins.customHeaders.name": "HeaderName",
            "origins.customHeaders.value": "HeaderValue",
            "defaultCacheBehavior.lambdaFunctionAssociations.lambdaArn": "LambdaFunctionARN",
            "orderedCacheBehaviors": "CacheBehaviors",
            "isIpv6Enabled": "IPV6Enabled",
            "loggingConfig": "Logging",
        },
    ),
    "cloudfront/function:Function": Cfn(
        type="AWS::CloudFront::Function",
        renames={
            "runtime": "FunctionConfig.Runtime",
            "comment": "FunctionConfig.Comment",
            "code": "FunctionCode",
            "publish": "AutoPublish",
        },
    ),
    "cloudfront/originAccessControl:OriginAccessControl": Cfn(
        type="AWS::CloudFront::OriginAccessControl", inside="OriginAccessControlConfig"
    ),
    "cloudfront/originRequestPolicy:OriginRequestPolicy": Cfn(
        type="AWS::CloudFront::OriginRequestPolicy", inside="OriginRequestPolicyConfig", reshape=shapes.plain_lists
    ),
    "cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": Cfn(
        type="AWS::CloudFront::ResponseHeadersPolicy", inside="ResponseHeadersPolicyConfig"
    ),
    "cloudtrail/trail:Trail": Cfn(
        type="AWS::CloudTrail::Trail",
        renames={"cloudWatchLogsGroupArn": "CloudWatchLogsLogGroupArn", "enableLogging": "IsLogging"},
        given={"IsLogging": True},
    ),
    "cloudwatch/compositeAlarm:CompositeAlarm": Cfn(type="AWS::CloudWatch::CompositeAlarm"),
    "cloudwatch/dashboard:Dashboard": Cfn(type="AWS::CloudWatch::Dashboard"),
    "cloudwatch/eventBus:EventBus": Cfn(type="AWS::Events::EventBus"),
    "cloudwatch/eventRule:EventRule": Cfn(type="AWS::Events::Rule"),
    "cloudwatch/eventTarget:EventTarget": Cfn(
        type="AWS::Events::Rule",
        inside="Targets",
        renames={
            "inputTransformer.inputPaths": "InputPathsMap",
            "ecsTarget": "EcsParameters",
            "sqsTarget": "SqsParameters",
            "targetId": "Id",
        },
        given={"ScheduleExpression": "rate(1 day)"},
        left_out=frozenset({"rule", "eventBusName"}),
    ),
    "cloudwatch/logGroup:LogGroup": Cfn(type="AWS::Logs::LogGroup"),
    "cloudwatch/logMetricFilter:LogMetricFilter": Cfn(
        type="AWS::Logs::MetricFilter",
        renames={
            "name": "FilterName",
            "pattern": "FilterPattern",
            "metricTransformation.name": "MetricName",
            "metricTransformation.namespace": "MetricNamespace",
            "metricTransformation.value": "MetricValue",
        },
    ),
    "cloudwatch/logResourcePolicy:LogResourcePolicy": Cfn(type="AWS::Logs::ResourcePolicy"),
    "cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": Cfn(
        type="AWS::Logs::SubscriptionFilter", renames={"name": "FilterName", "logGroup": "LogGroupName"}
    ),
    "cloudwatch/metricAlarm:MetricAlarm": Cfn(
        type="AWS::CloudWatch::Alarm",
        renames={
            "metricQueries.metric.dimensions": "Metric.Dimensions",
            "metricQueries.metric.metricName": "Metric.MetricName",
            "metricQueries.metric.namespace": "Metric.Namespace",
            "metricQueries": "Metrics",
            "name": "AlarmName",
            "metricQueries.metric": "MetricStat",
        },
    ),
    "cloudwatch/queryDefinition:QueryDefinition": Cfn(type="AWS::Logs::QueryDefinition"),
    "codedeploy/application:Application": Cfn(type="AWS::CodeDeploy::Application"),
    "codedeploy/deploymentConfig:DeploymentConfig": Cfn(type="AWS::CodeDeploy::DeploymentConfig"),
    "codedeploy/deploymentGroup:DeploymentGroup": Cfn(
        type="AWS::CodeDeploy::DeploymentGroup",
        renames={"appName": "ApplicationName", "blueGreenDeploymentConfig": "BlueGreenDeploymentConfiguration"},
        reshape=shapes.deployment_group,
    ),
    "cognito/resourceServer:ResourceServer": Cfn(type="AWS::Cognito::UserPoolResourceServer"),
    "cognito/userGroup:UserGroup": Cfn(type="AWS::Cognito::UserPoolGroup", renames={"name": "GroupName"}),
    "cognito/userPool:UserPool": Cfn(
        type="AWS::Cognito::UserPool",
        renames={"passwordPolicy": "Policies.PasswordPolicy", "signInPolicy": "Policies.SignInPolicy"},
    ),
    "cognito/userPoolClient:UserPoolClient": Cfn(type="AWS::Cognito::UserPoolClient", renames={"name": "ClientName"}),
    "cognito/userPoolDomain:UserPoolDomain": Cfn(type="AWS::Cognito::UserPoolDomain"),
    "costexplorer/anomalyMonitor:AnomalyMonitor": Cfn(type="AWS::CE::AnomalyMonitor", renames={"name": "MonitorName"}),
    "costexplorer/anomalySubscription:AnomalySubscription": Cfn(
        type="AWS::CE::AnomalySubscription",
        renames={"name": "SubscriptionName"},
        left_out=frozenset({"thresholdExpression"}),
    ),
    "dynamodb/table:Table": Cfn(
        type="AWS::DynamoDB::Table",
        renames={
            "attributes": "AttributeDefinitions",
            "attributes.name": "AttributeName",
            "attributes.type": "AttributeType",
            "serverSideEncryption": "SSESpecification",
            "serverSideEncryption.enabled": "SSEEnabled",
            "serverSideEncryption.kmsKeyArn": "KMSMasterKeyId",
            "pointInTimeRecovery": "PointInTimeRecoverySpecification",
            "pointInTimeRecovery.enabled": "PointInTimeRecoveryEnabled",
            "ttl": "TimeToLiveSpecification",
            "streamViewType": "StreamSpecification.StreamViewType",
            "readCapacity": "ProvisionedThroughput.ReadCapacityUnits",
            "writeCapacity": "ProvisionedThroughput.WriteCapacityUnits",
        },
        left_out=frozenset({"streamEnabled"}),
        reshape=shapes.table,
    ),
    "ebs/volume:Volume": Cfn(type="AWS::EC2::Volume"),
    "ec2/eip:Eip": Cfn(type="AWS::EC2::EIP", renames={"instance": "InstanceId"}),
    "ec2/flowLog:FlowLog": Cfn(
        type="AWS::EC2::FlowLog",
        renames={
            "iamRoleArn": "DeliverLogsPermissionArn",
            "vpcId": "ResourceId",
            "subnetId": "ResourceId",
            "eniId": "ResourceId",
        },
        given={"ResourceType": "VPC"},
    ),
    "ec2/instance:Instance": Cfn(
        type="AWS::EC2::Instance",
        renames={
            "privateIp": "PrivateIpAddress",
            "ami": "ImageId",
            "vpcSecurityGroupIds": "SecurityGroupIds",
            "launchTemplate.id": "LaunchTemplateId",
            "launchTemplate.name": "LaunchTemplateName",
            "hibernation": "HibernationOptions.Configured",
            "placementGroup": "PlacementGroupName",
        },
        reshape=shapes.instance,
    ),
    "ec2/keyPair:KeyPair": Cfn(type="AWS::EC2::KeyPair", renames={"publicKey": "PublicKeyMaterial"}),
    "ec2/launchTemplate:LaunchTemplate": Cfn(
        type="AWS::EC2::LaunchTemplate",
        inside="LaunchTemplateData",
        renames={"vpcSecurityGroupIds": "SecurityGroupIds", "blockDeviceMappings.ebs": "Ebs"},
        left_out=frozenset({"name", "description", "defaultVersion", "updateDefaultVersion"}),
    ),
    "ec2/natGateway:NatGateway": Cfn(type="AWS::EC2::NatGateway", renames={"privateIp": "PrivateIpAddress"}),
    "ec2/networkAclRule:NetworkAclRule": Cfn(type="AWS::EC2::NetworkAclEntry", reshape=shapes.acl_entry),
    "ec2/route:Route": Cfn(type="AWS::EC2::Route", renames={"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"}),
    "ec2/securityGroup:SecurityGroup": Cfn(
        type="AWS::EC2::SecurityGroup",
        renames={"description": "GroupDescription", "name": "GroupName"},
        reshape=shapes.security_group,
    ),
    "ec2/subnet:Subnet": Cfn(type="AWS::EC2::Subnet"),
    "ec2/vpc:Vpc": Cfn(type="AWS::EC2::VPC"),
    "ec2/vpcEndpoint:VpcEndpoint": Cfn(type="AWS::EC2::VPCEndpoint"),
    "ecr/lifecyclePolicy:LifecyclePolicy": Cfn(
        type="AWS::ECR::Repository",
        inside="LifecyclePolicy",
        renames={"policy": "LifecyclePolicyText"},
        left_out=frozenset({"repository"}),
    ),
    "ecr/repository:Repository": Cfn(type="AWS::ECR::Repository"),
    "ecs/capacityProvider:CapacityProvider": Cfn(type="AWS::ECS::CapacityProvider", renames={"cluster": "ClusterName"}),
    "ecs/cluster:Cluster": Cfn(type="AWS::ECS::Cluster"),
    "ecs/clusterCapacityProviders:ClusterCapacityProviders": Cfn(
        type="AWS::ECS::ClusterCapacityProviderAssociations", renames={"clusterName": "Cluster"}
    ),
    "ecs/expressGatewayService:ExpressGatewayService": Cfn(
        type="AWS::ECS::ExpressGatewayService",
        renames={"networkConfigurations": "NetworkConfiguration", "scalingTargets": "ScalingTarget"},
        reshape=shapes.express,
        left_out=frozenset({"waitForSteadyState"}),
    ),
    "ecs/service:Service": Cfn(
        type="AWS::ECS::Service",
        renames={
            "deploymentCircuitBreaker": "DeploymentConfiguration.DeploymentCircuitBreaker",
            "deploymentMaximumPercent": "DeploymentConfiguration.MaximumPercent",
            "deploymentMinimumHealthyPercent": "DeploymentConfiguration.MinimumHealthyPercent",
            "forceNewDeployment": "ForceNewDeployment.EnableForceNewDeployment",
            "iamRole": "Role",
            "networkConfiguration": "NetworkConfiguration.AwsvpcConfiguration",
            "orderedPlacementStrategies": "PlacementStrategies",
            "alarms": "DeploymentConfiguration.Alarms",
        },
        reshape=shapes.service,
    ),
    "ecs/taskDefinition:TaskDefinition": Cfn(
        type="AWS::ECS::TaskDefinition", renames={"volumes.hostPath": "Host.SourcePath"}
    ),
    "efs/fileSystem:FileSystem": Cfn(type="AWS::EFS::FileSystem"),
    "efs/mountTarget:MountTarget": Cfn(type="AWS::EFS::MountTarget"),
    "elasticache/parameterGroup:ParameterGroup": Cfn(
        type="AWS::ElastiCache::ParameterGroup",
        renames={"family": "CacheParameterGroupFamily", "name": "CacheParameterGroupName"},
        left_out=frozenset({"parameters"}),
    ),
    "elasticache/replicationGroup:ReplicationGroup": Cfn(
        type="AWS::ElastiCache::ReplicationGroup",
        renames={
            "logDeliveryConfigurations.destination": "DestinationDetails.CloudWatchLogsDetails.LogGroup",
            "nodeType": "CacheNodeType",
            "parameterGroupName": "CacheParameterGroupName",
            "subnetGroupName": "CacheSubnetGroupName",
            "maintenanceWindow": "PreferredMaintenanceWindow",
            "description": "ReplicationGroupDescription",
        },
    ),
    "elasticache/subnetGroup:SubnetGroup": Cfn(
        type="AWS::ElastiCache::SubnetGroup", renames={"name": "CacheSubnetGroupName"}
    ),
    "elasticache/user:User": Cfn(type="AWS::ElastiCache::User"),
    "elasticache/userGroup:UserGroup": Cfn(type="AWS::ElastiCache::UserGroup"),
    "glue/catalogDatabase:CatalogDatabase": Cfn(
        type="AWS::Glue::Database",
        inside="DatabaseInput",
        given={"CatalogId": "123456789012"},
        left_out=frozenset({"catalogId"}),
    ),
    "glue/catalogTable:CatalogTable": Cfn(
        type="AWS::Glue::Table",
        inside="TableInput",
        given={"CatalogId": "123456789012", "DatabaseName": "a_database"},
        left_out=frozenset({"catalogId", "databaseName"}),
    ),
    "glue/crawler:Crawler": Cfn(
        type="AWS::Glue::Crawler",
        renames={
            "s3Targets": "Targets.S3Targets",
            "jdbcTargets": "Targets.JdbcTargets",
            "catalogTargets": "Targets.CatalogTargets",
            "deltaTargets": "Targets.DeltaTargets",
            "dynamodbTargets": "Targets.DynamoDBTargets",
            "icebergTargets": "Targets.IcebergTargets",
            "schedule": "Schedule.ScheduleExpression",
            "securityConfiguration": "CrawlerSecurityConfiguration",
        },
    ),
    "glue/job:Job": Cfn(type="AWS::Glue::Job", renames={"roleArn": "Role", "connections": "Connections.Connections"}),
    "glue/securityConfiguration:SecurityConfiguration": Cfn(type="AWS::Glue::SecurityConfiguration"),
    "glue/trigger:Trigger": Cfn(type="AWS::Glue::Trigger"),
    "guardduty/detector:Detector": Cfn(type="AWS::GuardDuty::Detector"),
    "iam/instanceProfile:InstanceProfile": Cfn(type="AWS::IAM::InstanceProfile"),
    "iam/openIdConnectProvider:OpenIdConnectProvider": Cfn(type="AWS::IAM::OIDCProvider"),
    "iam/policy:Policy": Cfn(type="AWS::IAM::ManagedPolicy"),
    "iam/role:Role": Cfn(
        type="AWS::IAM::Role",
        renames={
            "assumeRolePolicy": "AssumeRolePolicyDocument",
            "inlinePolicies": "Policies",
            "inlinePolicies.name": "PolicyName",
            "inlinePolicies.policy": "PolicyDocument",
        },
    ),
    "iam/rolePolicy:RolePolicy": Cfn(type="AWS::IAM::RolePolicy", renames={"role": "RoleName", "name": "PolicyName"}),
    "iam/serviceLinkedRole:ServiceLinkedRole": Cfn(type="AWS::IAM::ServiceLinkedRole"),
    "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": Cfn(
        type="AWS::KinesisFirehose::DeliveryStream",
        renames={
            "extendedS3Configuration.bufferingInterval": "BufferingHints.IntervalInSeconds",
            "extendedS3Configuration.bufferingSize": "BufferingHints.SizeInMBs",
            "extendedS3Configuration.kmsKeyArn": "EncryptionConfiguration.KMSEncryptionConfig.AWSKMSKeyARN",
            "extendedS3Configuration": "ExtendedS3DestinationConfiguration",
            "kinesisSourceConfiguration": "KinesisStreamSourceConfiguration",
        },
    ),
    "kinesis/stream:Stream": Cfn(
        type="AWS::Kinesis::Stream",
        renames={
            "retentionPeriod": "RetentionPeriodHours",
            "shardLevelMetrics": "DesiredShardLevelMetrics",
            "encryptionType": "StreamEncryption.EncryptionType",
            "kmsKeyId": "StreamEncryption.KeyId",
        },
    ),
    "kms/alias:Alias": Cfn(type="AWS::KMS::Alias"),
    "kms/key:Key": Cfn(
        type="AWS::KMS::Key",
        renames={
            "customerMasterKeySpec": "KeySpec",
            "deletionWindowInDays": "PendingWindowInDays",
            "isEnabled": "Enabled",
            "policy": "KeyPolicy",
        },
    ),
    "lambda/alias:Alias": Cfn(type="AWS::Lambda::Alias"),
    "lambda/eventSourceMapping:EventSourceMapping": Cfn(
        type="AWS::Lambda::EventSourceMapping", renames={"destinationConfig.onFailure.destinationArn": "Destination"}
    ),
    "lambda/function:Function": Cfn(
        type="AWS::Lambda::Function",
        renames={
            "s3Bucket": "Code.S3Bucket",
            "s3Key": "Code.S3Key",
            "s3ObjectVersion": "Code.S3ObjectVersion",
            "imageUri": "Code.ImageUri",
        },
        left_out=frozenset({"code"}),
        reshape=shapes.function,
    ),
    "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Cfn(type="AWS::Lambda::EventInvokeConfig"),
    "lambda/functionUrl:FunctionUrl": Cfn(
        type="AWS::Lambda::Url", renames={"authorizationType": "AuthType", "functionName": "TargetFunctionArn"}
    ),
    "lambda/layerVersion:LayerVersion": Cfn(
        type="AWS::Lambda::LayerVersion",
        renames={
            "s3Bucket": "Content.S3Bucket",
            "s3Key": "Content.S3Key",
            "s3ObjectVersion": "Content.S3ObjectVersion",
        },
        left_out=frozenset({"code"}),
        reshape=shapes.layer,
    ),
    "lambda/permission:Permission": Cfn(type="AWS::Lambda::Permission", renames={"function": "FunctionName"}),
    "lb/listener:Listener": Cfn(
        type="AWS::ElasticLoadBalancingV2::Listener",
        renames={
            "defaultActions.forward.targetGroups.arn": "TargetGroupArn",
            "defaultActions.forward.stickiness": "TargetGroupStickinessConfig",
            "certificateArn": "Certificates.CertificateArn",
            "defaultActions.authenticateCognito": "AuthenticateCognitoConfig",
            "defaultActions.authenticateOidc": "AuthenticateOidcConfig",
            "defaultActions.fixedResponse": "FixedResponseConfig",
            "defaultActions.forward": "ForwardConfig",
            "defaultActions.redirect": "RedirectConfig",
        },
    ),
    "lb/listenerRule:ListenerRule": Cfn(
        type="AWS::ElasticLoadBalancingV2::ListenerRule",
        renames={
            "actions.forward.targetGroups.arn": "TargetGroupArn",
            "actions.forward.stickiness": "TargetGroupStickinessConfig",
            "actions.authenticateCognito": "AuthenticateCognitoConfig",
            "actions.authenticateOidc": "AuthenticateOidcConfig",
            "actions.fixedResponse": "FixedResponseConfig",
            "actions.forward": "ForwardConfig",
            "actions.jwtValidation": "JwtValidationConfig",
            "actions.redirect": "RedirectConfig",
            "conditions.hostHeader": "HostHeaderConfig",
            "conditions.httpHeader": "HttpHeaderConfig",
            "conditions.httpRequestMethod": "HttpRequestMethodConfig",
            "conditions.pathPattern": "PathPatternConfig",
            "conditions.queryStrings": "QueryStringConfig",
            "conditions.sourceIp": "SourceIpConfig",
        },
        reshape=shapes.listener_rule,
    ),
    "lb/loadBalancer:LoadBalancer": Cfn(
        type="AWS::ElasticLoadBalancingV2::LoadBalancer",
        renames={"loadBalancerType": "Type"},
        reshape=shapes.load_balancer,
    ),
    "lb/targetGroup:TargetGroup": Cfn(type="AWS::ElasticLoadBalancingV2::TargetGroup", reshape=shapes.target_group),
    "pipes/pipe:Pipe": Cfn(type="AWS::Pipes::Pipe"),
    "opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": Cfn(type="AWS::OpenSearchServerless::AccessPolicy"),
    "opensearch/serverlessCollection:ServerlessCollection": Cfn(type="AWS::OpenSearchServerless::Collection"),
    "opensearch/serverlessCollectionGroup:ServerlessCollectionGroup": Cfn(
        type="AWS::OpenSearchServerless::CollectionGroup"
    ),
    "opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": Cfn(
        type="AWS::OpenSearchServerless::SecurityPolicy"
    ),
    "opensearch/serverlessVpcEndpoint:ServerlessVpcEndpoint": Cfn(type="AWS::OpenSearchServerless::VpcEndpoint"),
    "rds/cluster:Cluster": Cfn(
        type="AWS::RDS::DBCluster",
        renames={
            "clusterIdentifier": "DBClusterIdentifier",
            "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
            "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
            "masterPassword": "MasterUserPassword",
            "masterUserSecretKmsKeyId": "MasterUserSecret.KmsKeyId",
        },
    ),
    "rds/clusterInstance:ClusterInstance": Cfn(
        type="AWS::RDS::DBInstance",
        renames={
            "clusterIdentifier": "DBClusterIdentifier",
            "identifier": "DBInstanceIdentifier",
            "instanceClass": "DBInstanceClass",
            "caCertIdentifier": "CACertificateIdentifier",
            "performanceInsightsEnabled": "EnablePerformanceInsights",
        },
    ),
    "rds/clusterParameterGroup:ClusterParameterGroup": Cfn(type="AWS::RDS::DBClusterParameterGroup"),
    "rds/instance:Instance": Cfn(
        type="AWS::RDS::DBInstance",
        renames={
            "identifier": "DBInstanceIdentifier",
            "instanceClass": "DBInstanceClass",
            "backupWindow": "PreferredBackupWindow",
            "maintenanceWindow": "PreferredMaintenanceWindow",
            "caCertIdentifier": "CACertificateIdentifier",
            "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
            "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
            "masterUserSecretKmsKeyId": "MasterUserSecret.KmsKeyId",
            "parameterGroupName": "DBParameterGroupName",
            "password": "MasterUserPassword",
            "username": "MasterUsername",
            "performanceInsightsEnabled": "EnablePerformanceInsights",
            "replicateSourceDb": "SourceDBInstanceIdentifier",
            "snapshotIdentifier": "DBSnapshotIdentifier",
            "vpcSecurityGroupIds": "VPCSecurityGroups",
        },
    ),
    "rds/parameterGroup:ParameterGroup": Cfn(type="AWS::RDS::DBParameterGroup"),
    "rds/subnetGroup:SubnetGroup": Cfn(type="AWS::RDS::DBSubnetGroup"),
    "route53/healthCheck:HealthCheck": Cfn(
        type="AWS::Route53::HealthCheck",
        inside="HealthCheckConfig",
        renames={
            "invertHealthcheck": "Inverted",
            "fqdn": "FullyQualifiedDomainName",
            "childHealthchecks": "ChildHealthChecks",
        },
    ),
    "route53/hostedZoneDnsSec:HostedZoneDnsSec": Cfn(
        # NOT_SIGNING is a zone without the resource there.
        type="AWS::Route53::DNSSEC",
        left_out=frozenset({"signingStatus"}),
    ),
    "route53/keySigningKey:KeySigningKey": Cfn(type="AWS::Route53::KeySigningKey"),
    "route53/record:Record": Cfn(
        type="AWS::Route53::RecordSet",
        reshape=shapes.record,
        renames={
            "zoneId": "HostedZoneId",
            "aliases": "AliasTarget",
            "aliases.name": "DNSName",
            "aliases.zoneId": "HostedZoneId",
            "records": "ResourceRecords",
            "multivalueAnswerRoutingPolicy": "MultiValueAnswer",
        },
    ),
    "route53/zone:Zone": Cfn(
        type="AWS::Route53::HostedZone", renames={"comment": "HostedZoneConfig.Comment"}, reshape=shapes.zone
    ),
    "s3/bucket:Bucket": Cfn(type="AWS::S3::Bucket", renames={"bucket": "BucketName"}),
    "s3/bucketCorsConfiguration:BucketCorsConfiguration": Cfn(
        type="AWS::S3::Bucket", inside="CorsConfiguration", left_out=frozenset({"bucket", "expectedBucketOwner"})
    ),
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Cfn(
        type="AWS::S3::Bucket",
        inside="LifecycleConfiguration",
        left_out=frozenset({"bucket", "expectedBucketOwner"}),
        reshape=shapes.lifecycle,
    ),
    "s3/bucketLogging:BucketLogging": Cfn(
        type="AWS::S3::Bucket",
        inside="LoggingConfiguration",
        renames={"targetBucket": "DestinationBucketName", "targetPrefix": "LogFilePrefix"},
        left_out=frozenset({"bucket", "expectedBucketOwner"}),
    ),
    "s3/bucketNotification:BucketNotification": Cfn(
        type="AWS::S3::Bucket",
        inside="NotificationConfiguration",
        left_out=frozenset({"bucket"}),
        reshape=shapes.notification,
    ),
    "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": Cfn(
        type="AWS::S3::Bucket",
        inside="ObjectLockConfiguration",
        given={"ObjectLockEnabled": True},
        left_out=frozenset({"bucket", "expectedBucketOwner", "token"}),
    ),
    "s3/bucketOwnershipControls:BucketOwnershipControls": Cfn(
        type="AWS::S3::Bucket", inside="OwnershipControls", left_out=frozenset({"bucket"})
    ),
    "s3/bucketPolicy:BucketPolicy": Cfn(type="AWS::S3::BucketPolicy"),
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Cfn(
        type="AWS::S3::Bucket", inside="PublicAccessBlockConfiguration", left_out=frozenset({"bucket"})
    ),
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Cfn(
        type="AWS::S3::Bucket",
        inside="BucketEncryption",
        renames={
            "rules": "ServerSideEncryptionConfiguration",
            "rules.applyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault",
            "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId": "KMSMasterKeyID",
            "rules.blockedEncryptionTypes": "BlockedEncryptionTypes.EncryptionType",
        },
        left_out=frozenset({"bucket", "expectedBucketOwner"}),
    ),
    "s3/bucketVersioning:BucketVersioning": Cfn(
        type="AWS::S3::Bucket", left_out=frozenset({"bucket", "expectedBucketOwner", "mfa"})
    ),
    "scheduler/schedule:Schedule": Cfn(type="AWS::Scheduler::Schedule"),
    "scheduler/scheduleGroup:ScheduleGroup": Cfn(type="AWS::Scheduler::ScheduleGroup"),
    "secretsmanager/secret:Secret": Cfn(type="AWS::SecretsManager::Secret", renames={"replicas": "ReplicaRegions"}),
    "secretsmanager/secretPolicy:SecretPolicy": Cfn(
        type="AWS::SecretsManager::ResourcePolicy", renames={"policy": "ResourcePolicy", "secretArn": "SecretId"}
    ),
    "secretsmanager/secretRotation:SecretRotation": Cfn(
        type="AWS::SecretsManager::RotationSchedule", renames={"rotateImmediately": "RotateImmediatelyOnUpdate"}
    ),
    "sfn/stateMachine:StateMachine": Cfn(
        type="AWS::StepFunctions::StateMachine",
        renames={
            "definition": "DefinitionString",
            "loggingConfiguration.logDestination": "Destinations.CloudWatchLogsLogGroup.LogGroupArn",
        },
    ),
    "sns/topic:Topic": Cfn(type="AWS::SNS::Topic"),
    "sns/topicPolicy:TopicPolicy": Cfn(type="AWS::SNS::TopicPolicy", renames={"arn": "Topics"}),
    "sns/topicSubscription:TopicSubscription": Cfn(type="AWS::SNS::Subscription", renames={"topic": "TopicArn"}),
    "sqs/queue:Queue": Cfn(
        type="AWS::SQS::Queue",
        renames={
            "maxMessageSize": "MaximumMessageSize",
            "messageRetentionSeconds": "MessageRetentionPeriod",
            "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
            "visibilityTimeoutSeconds": "VisibilityTimeout",
        },
    ),
    "sqs/queuePolicy:QueuePolicy": Cfn(type="AWS::SQS::QueuePolicy", renames={"queueUrl": "Queues"}),
    "sqs/redriveAllowPolicy:RedriveAllowPolicy": Cfn(type="AWS::SQS::Queue", left_out=frozenset({"queueUrl"})),
    "ssm/association:Association": Cfn(type="AWS::SSM::Association"),
    "ssm/document:Document": Cfn(type="AWS::SSM::Document"),
    "ssm/maintenanceWindow:MaintenanceWindow": Cfn(type="AWS::SSM::MaintenanceWindow"),
    "ssm/parameter:Parameter": Cfn(type="AWS::SSM::Parameter", renames={"insecureValue": "Value"}),
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": Cfn(
        type="AWS::EC2::SecurityGroupEgress",
        renames={
            "prefixListId": "DestinationPrefixListId",
            "referencedSecurityGroupId": "DestinationSecurityGroupId",
            "securityGroupId": "GroupId",
            "cidrIpv4": "CidrIp",
        },
    ),
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": Cfn(
        type="AWS::EC2::SecurityGroupIngress",
        renames={
            "prefixListId": "SourcePrefixListId",
            "referencedSecurityGroupId": "SourceSecurityGroupId",
            "securityGroupId": "GroupId",
            "cidrIpv4": "CidrIp",
        },
    ),
    "wafv2/ipSet:IpSet": Cfn(type="AWS::WAFv2::IPSet"),
    "wafv2/webAcl:WebAcl": Cfn(type="AWS::WAFv2::WebACL", reshape=shapes.bodies_by_sender),
    "wafv2/webAclAssociation:WebAclAssociation": Cfn(type="AWS::WAFv2::WebACLAssociation"),
    "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": Cfn(type="AWS::WAFv2::LoggingConfiguration"),
    "xray/group:Group": Cfn(type="AWS::XRay::Group"),
    "xray/samplingRule:SamplingRule": Cfn(type="AWS::XRay::SamplingRule"),
}

TYPES: Final = {f"aws:{token}": cfn for token, cfn in _TYPES.items()}

_NONE: Final = "CloudFormation has no such type"
_EMPTY: Final = "nothing but ids"
NOT_LINTED: Final = {
    f"aws:{token}": why
    for token, why in {
        "acm/certificateValidation:CertificateValidation": _NONE,
        "apigateway/integration:Integration": "part of a method in CloudFormation, and checked by the emulator's model",
        "apigateway/integrationResponse:IntegrationResponse": "part of a method in CloudFormation",
        "apigateway/methodResponse:MethodResponse": "part of a method in CloudFormation",
        "apigateway/methodSettings:MethodSettings": "part of a stage in CloudFormation",
        "apigateway/restApiPolicy:RestApiPolicy": "the policy pack checks the policy",
        "appautoscaling/scheduledAction:ScheduledAction": "part of a target in CloudFormation",
        "cfg/recorderStatus:RecorderStatus": _NONE,
        "costexplorer/costAllocationTag:CostAllocationTag": _NONE,
        "ec2/defaultSecurityGroup:DefaultSecurityGroup": _NONE,
        "ec2/internetGateway:InternetGateway": _EMPTY,
        "ec2/networkAcl:NetworkAcl": "its entries are types of their own in CloudFormation",
        "ec2/networkAclAssociation:NetworkAclAssociation": _EMPTY,
        "ec2/routeTable:RouteTable": "its routes are types of their own in CloudFormation",
        "ec2/routeTableAssociation:RouteTableAssociation": _EMPTY,
        "ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation": _EMPTY,
        "guardduty/detectorFeature:DetectorFeature": "part of a detector in CloudFormation",
        "iam/rolePolicyAttachment:RolePolicyAttachment": _EMPTY,
        "s3/bucketObject:BucketObject": _NONE,
        "s3/bucketObjectv2:BucketObjectv2": _NONE,
        "secretsmanager/secretVersion:SecretVersion": _NONE,
    }.items()
}
"""Types that the linter leaves out, and why."""


def why_not(type_: str) -> str:
    """Why the linter says nothing about a type that `TYPES` does not have."""
    return NOT_LINTED.get(type_, "nobody has said yet which CloudFormation type it is")
