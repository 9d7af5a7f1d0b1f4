"""By which operations each type is read, changed and deleted: the table beside the specs of their creation.

What is not said here of a type, the emulator cannot do, or nobody has needed yet: whoever asks is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rehearsal.cloud.specs import kms, route53, sqs

if TYPE_CHECKING:
    from rehearsal.cloud.creation import CreateContext


@dataclass(frozen=True)
class Operation:
    """One request about a resource that is there."""

    name: str
    members: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Members and what they hold: `=input` for an input or an output, a text with `{fields}`, a function of the
    context, or the value itself. What AWS requires besides is filled by its name, else by the id."""
    service: str | None = None
    takes: tuple[str, ...] = ()
    """Inputs that these members carry, where their names do not say so."""


@dataclass(frozen=True)
class Operations:
    """What there is for a type; what is missing the emulator cannot do, or nobody has said."""

    read: Operation | None = None
    at: str = ""
    """Where in the answer the thing stands: `Vpcs.0`, or `logGroups.[logGroupName]` for the one of its id, or of one of
    its inputs. Where nothing stands, it is gone."""
    delete: tuple[Operation | Callable[[CreateContext], None], ...] = ()
    """In this order; a function where it takes a look before."""
    update: tuple[Operation, ...] = ()
    again: bool = False
    """Whether it is changed as it is created: by the same requests, which replace what is there."""


def _op(name: str, /, *, takes: tuple[str, ...] = (), **members: Any) -> Operation:
    return Operation(name, members, takes=takes)


def _ops(
    read: Operation | str | None,
    at: str = "",
    *delete: Operation | str | Callable[[CreateContext], None],
    update: Sequence[Operation | str] = (),
    again: bool = False,
) -> Operations:
    """An operation without members is said by its name."""
    return Operations(
        _op(read) if isinstance(read, str) else read,
        at,
        tuple(_op(one) if isinstance(one, str) else one for one in delete),
        tuple(_op(one) if isinstance(one, str) else one for one in update),
        again,
    )


def _part(position: int, separator: str = "/") -> Callable[[CreateContext], str]:
    """A part of the id."""
    return lambda context: context.id.split(separator)[position]


def _last(name: str, separator: str = "/") -> Callable[[CreateContext], str]:
    """What stands behind the last separator in an input: the name at the end of an ARN."""
    return lambda context: str(context.inputs[name]).rpartition(separator)[2]


def _etag(operation: str) -> Callable[[CreateContext], str]:
    """CloudFront changes only what is as the caller knows it."""
    return lambda context: context.call(operation, {"Id": context.id})["ETag"]


def _lock(context: CreateContext) -> str:
    """WAF, too."""
    what = {"Name": context.inputs["name"], "Scope": context.inputs["scope"], "Id": context.id}
    return context.call("GetWebACL", what)["LockToken"]


def _free_subnets(context: CreateContext) -> None:
    """The network's own list takes over where this one stood."""
    lists = context.call("DescribeNetworkAcls", {})["NetworkAcls"]
    own = next((one for one in lists if one["NetworkAclId"] == context.id), None)
    if own is None:
        return
    default = next(one["NetworkAclId"] for one in lists if one["IsDefault"] and one["VpcId"] == own["VpcId"])
    for one in own["Associations"]:
        association = {"AssociationId": one["NetworkAclAssociationId"], "NetworkAclId": default}
        context.call("ReplaceNetworkAclAssociation", association)


def _empty(context: CreateContext) -> None:
    """As the provider does, where the program has said that what is in a bucket may go with it."""
    if context.inputs.get("forceDestroy") is not True:
        return
    there = context.call("ListObjectVersions", {"Bucket": context.id})
    for one in [*there.get("Versions", ()), *there.get("DeleteMarkers", ())]:
        what = {"Bucket": context.id, "Key": one["Key"], "VersionId": one["VersionId"]}
        context.call("DeleteObject", {**what, "BypassGovernanceRetention": True})


def _rule_of_group(context: CreateContext) -> str:
    return str(context.inputs["securityGroupId"])


def _without_revision(context: CreateContext) -> str:
    return str(context.response["arn"])


_SGR: Final = _op("DescribeSecurityGroupRules", SecurityGroupRuleIds="{id}")
_QUEUE: Final = _op("GetQueueAttributes", QueueUrl="{id}", AttributeNames=["All"])
_TOPIC: Final = _op("GetTopicAttributes", TopicArn="{id}")


def _bucket(read: str, *delete: str) -> Operations:
    """What is set on a bucket."""
    return _ops(_op(read, Bucket="=bucket"), "", *(_op(one, Bucket="=bucket") for one in delete))


def _ec2(
    read: str,
    member: str,
    at: str,
    *delete: Operation | str | Callable[[CreateContext], None],
    update: Sequence[Operation | str] = (),
) -> Operations:
    return _ops(Operation(read, {member: "{id}"}), f"{at}.0", *delete, update=update)


OPERATIONS: Final[dict[str, Operations]] = {
    "aws:acm/certificate:Certificate": _ops("DescribeCertificate", "Certificate", "DeleteCertificate"),
    "aws:apigateway/deployment:Deployment": _ops(
        _op("GetDeployment", restApiId="=restApi", deploymentId="{id}"),
        "",
        _op("DeleteDeployment", restApiId="=restApi", deploymentId="{id}"),
    ),
    "aws:apigateway/domainName:DomainName": _ops("GetDomainName", "", "DeleteDomainName"),
    "aws:apigateway/integration:Integration": _ops("GetIntegration", "", "DeleteIntegration", again=True),
    "aws:apigateway/method:Method": _ops("GetMethod", "", "DeleteMethod", again=True),
    "aws:apigateway/requestValidator:RequestValidator": _ops("GetRequestValidator", "", "DeleteRequestValidator"),
    "aws:apigateway/resource:Resource": _ops("GetResource", "", "DeleteResource"),
    "aws:apigateway/restApi:RestApi": _ops("GetRestApi", "", "DeleteRestApi"),
    "aws:apigateway/stage:Stage": _ops(
        _op("GetStage", restApiId="=restApi", stageName="=stageName"),
        "",
        _op("DeleteStage", restApiId="=restApi", stageName="=stageName"),
    ),
    "aws:apigateway/authorizer:Authorizer": _ops("GetAuthorizer", "", "DeleteAuthorizer"),
    "aws:apigateway/model:Model": _ops("GetModel", "", "DeleteModel"),
    "aws:apigateway/response:Response": _ops("GetGatewayResponse", "", "DeleteGatewayResponse", again=True),
    "aws:apigatewayv2/api:Api": _ops("GetApi", "", "DeleteApi", update=("UpdateApi",)),
    "aws:apigatewayv2/apiMapping:ApiMapping": _ops(
        "GetApiMapping", "", "DeleteApiMapping", update=("UpdateApiMapping",)
    ),
    "aws:apigatewayv2/authorizer:Authorizer": _ops(
        "GetAuthorizer", "", "DeleteAuthorizer", update=("UpdateAuthorizer",)
    ),
    "aws:apigatewayv2/domainName:DomainName": _ops(
        "GetDomainName", "", "DeleteDomainName", update=("UpdateDomainName",)
    ),
    "aws:apigatewayv2/integration:Integration": _ops(
        "GetIntegration", "", "DeleteIntegration", update=("UpdateIntegration",)
    ),
    "aws:apigatewayv2/route:Route": _ops("GetRoute", "", "DeleteRoute", update=("UpdateRoute",)),
    "aws:apigatewayv2/stage:Stage": _ops(
        _op("GetStage", ApiId="=apiId", StageName="=name"),
        "",
        _op("DeleteStage", ApiId="=apiId", StageName="=name"),
        update=(_op("UpdateStage", ApiId="=apiId", StageName="=name"),),
    ),
    "aws:apigatewayv2/vpcLink:VpcLink": _ops("GetVpcLink", "", "DeleteVpcLink", update=("UpdateVpcLink",)),
    "aws:appautoscaling/policy:Policy": _ops(
        _op("DescribeScalingPolicies", ServiceNamespace="=serviceNamespace", PolicyNames="=name"),
        "ScalingPolicies.0",
        "DeleteScalingPolicy",
    ),
    "aws:appautoscaling/target:Target": _ops(
        _op("DescribeScalableTargets", ServiceNamespace="=serviceNamespace", ResourceIds="=resourceId"),
        "ScalableTargets.[ScalableDimension]",
        "DeregisterScalableTarget",
    ),
    "aws:athena/namedQuery:NamedQuery": _ops("GetNamedQuery", "NamedQuery"),
    "aws:athena/workgroup:Workgroup": _ops(
        "GetWorkGroup", "WorkGroup", _op("DeleteWorkGroup", RecursiveDeleteOption=True)
    ),
    "aws:backup/plan:Plan": _ops("GetBackupPlan", "BackupPlan", "DeleteBackupPlan"),
    "aws:backup/vault:Vault": _ops("DescribeBackupVault", "", "DeleteBackupVault"),
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": _ops(
        "DescribeBackupVault", "", "DeleteBackupVaultLockConfiguration"
    ),
    "aws:bedrock/agentKnowledgeBase:AgentKnowledgeBase": _ops(
        "GetKnowledgeBase", "knowledgeBase", "DeleteKnowledgeBase"
    ),
    "aws:bedrockmodel/invocationLoggingConfiguration:InvocationLoggingConfiguration": _ops(
        "GetModelInvocationLoggingConfiguration", "", "DeleteModelInvocationLoggingConfiguration"
    ),
    "aws:budgets/budget:Budget": _ops(
        _op("DescribeBudget", AccountId="{account}", BudgetName="=name"),
        "Budget",
        _op("DeleteBudget", AccountId="{account}", BudgetName="=name"),
    ),
    "aws:cfg/deliveryChannel:DeliveryChannel": _ops(
        _op("DescribeDeliveryChannels", DeliveryChannelNames="{id}"), "DeliveryChannels.0", "DeleteDeliveryChannel"
    ),
    "aws:cfg/recorder:Recorder": _ops(
        _op("DescribeConfigurationRecorders", ConfigurationRecorderNames="{id}"),
        "ConfigurationRecorders.0",
        "DeleteConfigurationRecorder",
        again=True,
    ),
    "aws:cfg/recorderStatus:RecorderStatus": _ops(
        _op("DescribeConfigurationRecorderStatus", ConfigurationRecorderNames="{id}"),
        "ConfigurationRecordersStatus.0",
        "StopConfigurationRecorder",
    ),
    "aws:cfg/rule:Rule": _ops(_op("DescribeConfigRules", ConfigRuleNames="{id}"), "ConfigRules.0", "DeleteConfigRule"),
    "aws:cloudfront/distribution:Distribution": _ops(
        "GetDistribution",
        "Distribution.DistributionConfig",
        _op("DeleteDistribution", IfMatch=_etag("GetDistribution")),
    ),
    "aws:cloudfront/originAccessControl:OriginAccessControl": _ops(
        "GetOriginAccessControl",
        "OriginAccessControl.OriginAccessControlConfig",
        _op("DeleteOriginAccessControl", IfMatch=_etag("GetOriginAccessControl")),
    ),
    "aws:cloudtrail/trail:Trail": _ops(_op("GetTrail", Name="{id}"), "Trail", _op("DeleteTrail", Name="{id}")),
    "aws:cloudwatch/dashboard:Dashboard": _ops(
        _op("GetDashboard", DashboardName="=dashboardName"),
        "",
        _op("DeleteDashboards", DashboardNames="=dashboardName"),
    ),
    "aws:cloudwatch/eventBus:EventBus": _ops(_op("DescribeEventBus", Name="{id}"), "", "DeleteEventBus"),
    "aws:cloudwatch/eventRule:EventRule": _ops(
        _op("DescribeRule", EventBusName="=eventBusName"), "", _op("DeleteRule", EventBusName="=eventBusName")
    ),
    "aws:cloudwatch/eventTarget:EventTarget": _ops(
        _op("ListTargetsByRule", Rule="=rule", EventBusName="=eventBusName"),
        "Targets.[Id]",
        _op("RemoveTargets", Rule="=rule", EventBusName="=eventBusName", Ids="=targetId"),
        again=True,
    ),
    "aws:cloudwatch/logDelivery:LogDelivery": _ops("GetDelivery", "delivery", "DeleteDelivery"),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": _ops(
        "GetDeliveryDestination", "deliveryDestination", "DeleteDeliveryDestination"
    ),
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": _ops(
        "GetDeliverySource", "deliverySource", "DeleteDeliverySource"
    ),
    "aws:cloudwatch/logGroup:LogGroup": _ops(
        _op("DescribeLogGroups", logGroupNamePrefix="{id}"), "logGroups.[logGroupName]", "DeleteLogGroup"
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": _ops(
        _op("DescribeMetricFilters", logGroupName="=logGroupName", filterNamePrefix="=name"),
        "metricFilters.[filterName]",
        _op("DeleteMetricFilter", logGroupName="=logGroupName", filterName="=name"),
    ),
    "aws:cloudwatch/logStream:LogStream": _ops(
        _op("DescribeLogStreams", logGroupName="=logGroupName", logStreamNamePrefix="=name"),
        "logStreams.[logStreamName]",
        _op("DeleteLogStream", logGroupName="=logGroupName", logStreamName="=name"),
    ),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": _ops(
        _op("DescribeSubscriptionFilters", logGroupName="=logGroup", filterNamePrefix="=name"),
        "subscriptionFilters.[filterName]",
        _op("DeleteSubscriptionFilter", logGroupName="=logGroup", filterName="=name"),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _ops(
        _op("DescribeAlarms", AlarmNames="{id}"), "MetricAlarms.0", _op("DeleteAlarms", AlarmNames="{id}")
    ),
    "aws:cloudwatch/queryDefinition:QueryDefinition": _ops(
        None, "", _op("DeleteQueryDefinition", queryDefinitionId="{id}")
    ),
    "aws:codebuild/project:Project": _ops(
        _op("BatchGetProjects", names="=name"), "projects.0", _op("DeleteProject", name="=name")
    ),
    "aws:codedeploy/application:Application": _ops(_op("GetApplication", applicationName="=name"), "application"),
    "aws:codedeploy/deploymentGroup:DeploymentGroup": _ops(
        _op("GetDeploymentGroup", applicationName="=appName", deploymentGroupName="=deploymentGroupName"),
        "deploymentGroupInfo",
    ),
    "aws:codepipeline/pipeline:Pipeline": _ops("GetPipeline", "pipeline", "DeletePipeline"),
    "aws:cognito/identityProvider:IdentityProvider": _ops(
        "DescribeIdentityProvider", "IdentityProvider", "DeleteIdentityProvider", update=("UpdateIdentityProvider",)
    ),
    "aws:cognito/userPool:UserPool": _ops("DescribeUserPool", "UserPool", "DeleteUserPool", update=("UpdateUserPool",)),
    "aws:cognito/userPoolClient:UserPoolClient": _ops(
        _op("DescribeUserPoolClient", ClientId="{id}"),
        "UserPoolClient",
        _op("DeleteUserPoolClient", ClientId="{id}"),
        update=(_op("UpdateUserPoolClient", ClientId="{id}"),),
    ),
    "aws:cognito/userPoolDomain:UserPoolDomain": _ops(
        "DescribeUserPoolDomain", "DomainDescription", "DeleteUserPoolDomain"
    ),
    "aws:dynamodb/table:Table": _ops("DescribeTable", "Table", "DeleteTable", update=("UpdateTable",)),
    "aws:ebs/volume:Volume": _ec2("DescribeVolumes", "VolumeIds", "Volumes", "DeleteVolume", update=("ModifyVolume",)),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _ec2("DescribeSecurityGroups", "GroupIds", "SecurityGroups"),
    "aws:ec2/eip:Eip": _ec2(
        "DescribeAddresses", "AllocationIds", "Addresses", _op("ReleaseAddress", AllocationId="{id}")
    ),
    "aws:ec2/flowLog:FlowLog": _ec2("DescribeFlowLogs", "FlowLogIds", "FlowLogs", "DeleteFlowLogs"),
    "aws:ec2/instance:Instance": _ops(
        _op("DescribeInstances", InstanceIds="{id}"),
        "Reservations.0.Instances.0",
        "TerminateInstances",
        update=tuple(
            _op(
                "ModifyInstanceAttribute",
                takes=(name,),
                InstanceId="{id}",
                **{
                    f"{name[:1].upper()}{name[1:]}": lambda context, name=name: {
                        "Value": bool(context.inputs.get(name))
                    }
                },
            )
            for name in ("disableApiTermination", "disableApiStop")
        ),
    ),
    "aws:ec2/internetGateway:InternetGateway": _ec2(
        "DescribeInternetGateways",
        "InternetGatewayIds",
        "InternetGateways",
        _op("DetachInternetGateway", VpcId="=vpcId"),
        "DeleteInternetGateway",
    ),
    "aws:ec2/natGateway:NatGateway": _ec2("DescribeNatGateways", "NatGatewayIds", "NatGateways", "DeleteNatGateway"),
    "aws:ec2/networkAcl:NetworkAcl": _ec2(
        "DescribeNetworkAcls", "NetworkAclIds", "NetworkAcls", _free_subnets, "DeleteNetworkAcl"
    ),
    "aws:ec2/networkInterface:NetworkInterface": _ec2(
        "DescribeNetworkInterfaces", "NetworkInterfaceIds", "NetworkInterfaces", "DeleteNetworkInterface"
    ),
    "aws:ec2/route:Route": _ops(
        None,
        "",
        _op(
            "DeleteRoute",
            RouteTableId="=routeTableId",
            DestinationCidrBlock="=destinationCidrBlock",
            DestinationIpv6CidrBlock="=destinationIpv6CidrBlock",
            DestinationPrefixListId="=destinationPrefixListId",
        ),
    ),
    "aws:ec2/routeTable:RouteTable": _ec2("DescribeRouteTables", "RouteTableIds", "RouteTables", "DeleteRouteTable"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _ops(
        None, "", _op("DisassociateRouteTable", AssociationId="{id}")
    ),
    "aws:ec2/securityGroup:SecurityGroup": _ec2(
        "DescribeSecurityGroups", "GroupIds", "SecurityGroups", _op("DeleteSecurityGroup", GroupId="{id}")
    ),
    "aws:ec2/subnet:Subnet": _ec2("DescribeSubnets", "SubnetIds", "Subnets", "DeleteSubnet"),
    "aws:ec2/volumeAttachment:VolumeAttachment": _ops(
        None, "", _op("DetachVolume", VolumeId="=volumeId", InstanceId="=instanceId", Device="=deviceName")
    ),
    "aws:ec2/vpc:Vpc": _ec2("DescribeVpcs", "VpcIds", "Vpcs", "DeleteVpc"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2(
        "DescribeVpcEndpoints", "VpcEndpointIds", "VpcEndpoints", "DeleteVpcEndpoints", update=("ModifyVpcEndpoint",)
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _ops(
        _op("GetLifecyclePolicy", repositoryName="=repository"),
        "",
        _op("DeleteLifecyclePolicy", repositoryName="=repository"),
    ),
    "aws:ecr/repository:Repository": _ops(
        _op("DescribeRepositories", repositoryNames="=name"),
        "repositories.0",
        _op("DeleteRepository", repositoryName="=name", force=True),
        update=(
            _op("PutImageTagMutability", repositoryName="=name"),
            _op("PutImageScanningConfiguration", repositoryName="=name"),
        ),
    ),
    "aws:ecs/cluster:Cluster": _ops(
        _op("DescribeClusters", clusters="{id}", include=["SETTINGS", "TAGS"]),
        "clusters.0",
        "DeleteCluster",
        update=(_op("UpdateCluster", cluster="{id}"),),
    ),
    "aws:ecs/service:Service": _ops(
        _op("DescribeServices", cluster="=cluster", services="{id}"),
        "services.0",
        _op("DeleteService", cluster="=cluster", service="{id}", force=True),
        update=(_op("UpdateService", cluster="=cluster", service="{id}"),),
    ),
    "aws:ecs/taskDefinition:TaskDefinition": _ops(
        _op("DescribeTaskDefinition", taskDefinition=_without_revision),
        "taskDefinition",
        _op("DeregisterTaskDefinition", taskDefinition=_without_revision),
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": _ops(
        _op("DescribeReplicationGroups", ReplicationGroupId="{id}"),
        "ReplicationGroups.0",
        "DeleteReplicationGroup",
        update=("ModifyReplicationGroup",),
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": _ops(
        _op("DescribeCacheSubnetGroups", CacheSubnetGroupName="{id}"),
        "CacheSubnetGroups.0",
        "DeleteCacheSubnetGroup",
        update=("ModifyCacheSubnetGroup",),
    ),
    "aws:elasticache/user:User": _ops(_op("DescribeUsers", UserId="{id}"), "Users.0", "DeleteUser"),
    "aws:glue/catalogDatabase:CatalogDatabase": _ops(
        _op("GetDatabase", Name="=name"), "Database", _op("DeleteDatabase", Name="=name")
    ),
    "aws:glue/catalogTable:CatalogTable": _ops(
        _op("GetTable", DatabaseName="=databaseName", Name="=name"),
        "Table",
        _op("DeleteTable", DatabaseName="=databaseName", Name="=name"),
    ),
    "aws:glue/connection:Connection": _ops(
        _op("GetConnection", Name="=name"), "Connection", _op("DeleteConnection", ConnectionName="=name")
    ),
    "aws:glue/crawler:Crawler": _ops("GetCrawler", "Crawler", "DeleteCrawler", update=("UpdateCrawler",)),
    "aws:glue/job:Job": _ops(_op("GetJob", JobName="=name"), "Job", _op("DeleteJob", JobName="=name")),
    "aws:glue/securityConfiguration:SecurityConfiguration": _ops(
        "GetSecurityConfiguration", "SecurityConfiguration", "DeleteSecurityConfiguration"
    ),
    "aws:guardduty/detector:Detector": _ops("GetDetector", "", "DeleteDetector", update=("UpdateDetector",)),
    "aws:guardduty/detectorFeature:DetectorFeature": _ops(None, "", again=True),
    "aws:iam/instanceProfile:InstanceProfile": _ops(
        "GetInstanceProfile",
        "InstanceProfile",
        _op("RemoveRoleFromInstanceProfile", RoleName="=role"),
        "DeleteInstanceProfile",
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _ops(
        "GetOpenIDConnectProvider", "", "DeleteOpenIDConnectProvider"
    ),
    "aws:iam/policy:Policy": _ops(
        _op("GetPolicy", PolicyArn="{id}"),
        "Policy",
        _op("DeletePolicy", PolicyArn="{id}"),
        update=(
            _op(
                "CreatePolicyVersion", takes=("policy",), PolicyArn="{id}", PolicyDocument="=policy", SetAsDefault=True
            ),
        ),
    ),
    "aws:iam/role:Role": _ops(
        "GetRole",
        "Role",
        "DeleteRole",
        update=(
            _op("UpdateAssumeRolePolicy", takes=("assumeRolePolicy",), PolicyDocument="=assumeRolePolicy"),
            "UpdateRole",
        ),
    ),
    "aws:iam/rolePolicy:RolePolicy": _ops(
        _op("GetRolePolicy", RoleName="=role", PolicyName="=name"),
        "",
        _op("DeleteRolePolicy", RoleName="=role", PolicyName="=name"),
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _ops(
        None, "", _op("DetachRolePolicy", RoleName="=role", PolicyArn="=policyArn")
    ),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": _ops(
        _op("GetRole", RoleName="=name"), "Role", _op("DeleteServiceLinkedRole", RoleName="=name")
    ),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": _ops(
        _op("DescribeDeliveryStream", DeliveryStreamName="=name"),
        "DeliveryStreamDescription",
        _op("DeleteDeliveryStream", DeliveryStreamName="=name"),
    ),
    "aws:kms/alias:Alias": _ops(None, "", "DeleteAlias", update=("UpdateAlias",)),
    "aws:kms/key:Key": _ops(
        "DescribeKey",
        "KeyMetadata",
        _op("ScheduleKeyDeletion", PendingWindowInDays=7),
        update=(
            _op("PutKeyPolicy", takes=("policy",), PolicyName="default", Policy="=policy"),
            _op(
                "EnableKeyRotation",
                takes=("enableKeyRotation", "rotationPeriodInDays"),
                RotationPeriodInDays=kms.period,
            ),
            "UpdateKeyDescription",
        ),
    ),
    "aws:lambda/alias:Alias": _ops("GetAlias", "", "DeleteAlias", update=("UpdateAlias",)),
    "aws:lambda/eventSourceMapping:EventSourceMapping": _ops(
        _op("GetEventSourceMapping", UUID="{id}"),
        "",
        _op("DeleteEventSourceMapping", UUID="{id}"),
        update=(_op("UpdateEventSourceMapping", UUID="{id}"),),
    ),
    "aws:lambda/function:Function": _ops(
        _op("GetFunctionConfiguration", FunctionName="{id}"),
        "",
        _op("DeleteFunction", FunctionName="{id}"),
        update=(_op("UpdateFunctionConfiguration", FunctionName="{id}"),),
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": _ops(
        _op("GetFunctionEventInvokeConfig", Qualifier="=qualifier"),
        "",
        _op("DeleteFunctionEventInvokeConfig", Qualifier="=qualifier"),
    ),
    "aws:lambda/permission:Permission": _ops(
        None, "", _op("RemovePermission", FunctionName="=function", StatementId="=statementId", Qualifier="=qualifier")
    ),
    "aws:lb/listener:Listener": _ops(
        _op("DescribeListeners", ListenerArns="{id}"), "Listeners.0", "DeleteListener", update=("ModifyListener",)
    ),
    "aws:lb/listenerRule:ListenerRule": _ops(
        _op("DescribeRules", RuleArns="{id}"),
        "Rules.0",
        _op("DeleteRule", RuleArn="{id}"),
        update=(_op("ModifyRule", RuleArn="{id}"),),
    ),
    "aws:lb/loadBalancer:LoadBalancer": _ops(
        _op("DescribeLoadBalancers", LoadBalancerArns="{id}"),
        "LoadBalancers.0",
        "DeleteLoadBalancer",
        update=(
            "SetSecurityGroups",
            "SetSubnets",
        ),
    ),
    "aws:lb/targetGroup:TargetGroup": _ops(
        _op("DescribeTargetGroups", TargetGroupArns="{id}"), "TargetGroups.0", "DeleteTargetGroup"
    ),
    "aws:opensearch/serverlessCollection:ServerlessCollection": _ops(
        _op("BatchGetCollection", ids="{id}"), "collectionDetails.0", _op("DeleteCollection", id="{id}")
    ),
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": _ops(
        "GetSecurityPolicy", "securityPolicyDetail"
    ),
    "aws:rds/cluster:Cluster": _ops(
        _op("DescribeDBClusters", DBClusterIdentifier="{id}"),
        "DBClusters.0",
        _op("DeleteDBCluster", DBClusterIdentifier="{id}", SkipFinalSnapshot=True),
        update=(_op("ModifyDBCluster", DBClusterIdentifier="{id}"),),
    ),
    "aws:rds/clusterInstance:ClusterInstance": _ops(
        _op("DescribeDBInstances", DBInstanceIdentifier="{id}"),
        "DBInstances.0",
        _op("DeleteDBInstance", DBInstanceIdentifier="{id}", SkipFinalSnapshot=True),
        update=(_op("ModifyDBInstance", DBInstanceIdentifier="{id}"),),
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": _ops(
        _op("DescribeDBClusterParameterGroups", DBClusterParameterGroupName="{id}"),
        "DBClusterParameterGroups.0",
        "DeleteDBClusterParameterGroup",
        update=("ModifyDBClusterParameterGroup",),
    ),
    "aws:rds/instance:Instance": _ops(
        _op("DescribeDBInstances", DBInstanceIdentifier="=identifier"),
        "DBInstances.0",
        _op("DeleteDBInstance", DBInstanceIdentifier="=identifier", SkipFinalSnapshot=True),
        update=(_op("ModifyDBInstance", DBInstanceIdentifier="=identifier"),),
    ),
    "aws:rds/parameterGroup:ParameterGroup": _ops(
        _op("DescribeDBParameterGroups", DBParameterGroupName="{id}"),
        "DBParameterGroups.0",
        "DeleteDBParameterGroup",
        update=("ModifyDBParameterGroup",),
    ),
    "aws:rds/subnetGroup:SubnetGroup": _ops(
        _op("DescribeDBSubnetGroups", DBSubnetGroupName="{id}"),
        "DBSubnetGroups.0",
        "DeleteDBSubnetGroup",
        update=("ModifyDBSubnetGroup",),
    ),
    "aws:route53/record:Record": _ops(None, "", route53.delete_record),
    "aws:route53/zone:Zone": _ops(_op("GetHostedZone", Id="{id}"), "HostedZone", _op("DeleteHostedZone", Id="{id}")),
    "aws:s3/bucket:Bucket": _ops(
        _op("GetBucketTagging", Bucket="{id}"), "", _empty, _op("DeleteBucket", Bucket="{id}")
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _bucket(
        "GetBucketLifecycleConfiguration", "DeleteBucketLifecycle"
    ),
    "aws:s3/bucketLogging:BucketLogging": _bucket("GetBucketLogging"),
    "aws:s3/bucketNotification:BucketNotification": _bucket("GetBucketNotificationConfiguration"),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _bucket("GetObjectLockConfiguration"),
    "aws:s3/bucketObjectv2:BucketObjectv2": _ops(
        _op("HeadObject", Bucket="=bucket", Key="=key"),
        "",
        _op("DeleteObject", Bucket="=bucket", Key="=key"),
        again=True,
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _bucket(
        "GetBucketOwnershipControls", "DeleteBucketOwnershipControls"
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _bucket("GetBucketPolicy", "DeleteBucketPolicy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _bucket(
        "GetPublicAccessBlock", "DeletePublicAccessBlock"
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _bucket(
        "GetBucketReplication", "DeleteBucketReplication"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _bucket(
        "GetBucketEncryption", "DeleteBucketEncryption"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _bucket("GetBucketVersioning"),
    "aws:scheduler/schedule:Schedule": _ops(
        _op("GetSchedule", GroupName="=groupName", Name="=name"),
        "",
        _op("DeleteSchedule", GroupName="=groupName", Name="=name"),
        update=(_op("UpdateSchedule", GroupName="=groupName", Name="=name"),),
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": _ops("GetScheduleGroup", "", "DeleteScheduleGroup"),
    "aws:secretsmanager/secret:Secret": _ops(
        "DescribeSecret",
        "",
        _op("DeleteSecret", SecretId="{id}", ForceDeleteWithoutRecovery=True),
        update=(_op("UpdateSecret", SecretId="{id}"),),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": _ops(_op("GetSecretValue", SecretId="=secretId")),
    "aws:sfn/stateMachine:StateMachine": _ops(
        "DescribeStateMachine", "", "DeleteStateMachine", update=("UpdateStateMachine",)
    ),
    "aws:sns/topic:Topic": _ops(_TOPIC, "Attributes", "DeleteTopic"),
    "aws:sns/topicPolicy:TopicPolicy": _ops(_op("GetTopicAttributes", TopicArn="=arn"), "Attributes"),
    "aws:sns/topicSubscription:TopicSubscription": _ops(
        "GetSubscriptionAttributes", "Attributes", _op("Unsubscribe", SubscriptionArn="{id}")
    ),
    "aws:sqs/queue:Queue": _ops(
        _QUEUE,
        "Attributes",
        "DeleteQueue",
        update=(_op("SetQueueAttributes", takes=tuple(sqs.ATTRIBUTES), Attributes=sqs.attributes),),
    ),
    "aws:sqs/queuePolicy:QueuePolicy": _ops(_QUEUE, "Attributes"),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": _ops(_QUEUE, "Attributes"),
    "aws:ssm/document:Document": _ops(
        _op("DescribeDocument", Name="=name"),
        "Document",
        _op("DeleteDocument", Name="=name"),
        update=(_op("UpdateDocument", Name="=name", DocumentVersion="$LATEST"),),
    ),
    "aws:ssm/parameter:Parameter": _ops(
        _op("GetParameter", Name="=name", WithDecryption=True),
        "Parameter",
        _op("DeleteParameter", Name="=name"),
        update=(_op("PutParameter", Name="=name", Value="=value", Type="=type", Overwrite=True),),
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _ops(
        _SGR,
        "SecurityGroupRules.0",
        _op("RevokeSecurityGroupEgress", GroupId=_rule_of_group, SecurityGroupRuleIds="{id}"),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ops(
        _SGR,
        "SecurityGroupRules.0",
        _op("RevokeSecurityGroupIngress", GroupId=_rule_of_group, SecurityGroupRuleIds="{id}"),
    ),
    "aws:wafv2/webAcl:WebAcl": _ops(
        _op("GetWebACL", Name="=name", Scope="=scope", Id="{id}"),
        "WebACL",
        _op("DeleteWebACL", Name="=name", Scope="=scope", Id="{id}", LockToken=_lock),
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": _ops("GetWebACLForResource", "WebACL", "DisassociateWebACL"),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": _ops(
        "GetLoggingConfiguration", "LoggingConfiguration", "DeleteLoggingConfiguration"
    ),
}
