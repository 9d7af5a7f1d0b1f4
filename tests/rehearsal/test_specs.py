"""Each spec, on moto: what the resource's inputs become in the account."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal import sdk
from rehearsal.cloud.account import Account
from rehearsal.cloud.client import CreateResult
from rehearsal.cloud.creation import Call, CreateContext, create
from rehearsal.cloud.requests import request_for, violations
from rehearsal.cloud.specs import SPECS
from rehearsal.problems import RehearsalError, RequestError
from tests.conftest import ROOT

REGION = "ap-northeast-1"
TAGS = {"Owner": "platform", "Project": "shop"}


class Cloud:
    """An empty account, and resources made in it by their specs."""

    def __init__(self) -> None:
        self.account = Account()

    def make(self, type_: str, name: str = "thing", /, **inputs: Any) -> CreateResult:
        """As the monitor does: what the SDK does not know is refused before the account is asked."""
        module = type_.split(":")[1].partition("/")[0]
        importlib.import_module(f"pulumi_aws.{'lambda_' if module == 'lambda' else module}")
        if wrong := [str(one) for one in sdk.wrong_inputs(type_, inputs)]:
            raise RequestError("; ".join(f"{type_} {one}" for one in wrong))
        urn = f"urn:pulumi:test::plain::{type_}::{name}"
        return create(
            SPECS[type_],
            CreateContext(self.account, urn, type_, name, inputs.get("region", REGION), inputs, dict(TAGS)),
        )

    def ask(self, service: str, operation: str, **request: Any) -> dict[str, Any]:
        return self.account.call(service, operation, REGION, request)

    def vpc(self) -> str:
        return self.make("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16").id

    def subnet(self, third: int = 0) -> str:
        vpc = self.vpc()
        return self.make("aws:ec2/subnet:Subnet", vpcId=vpc, cidrBlock=f"10.0.{third}.0/24").id

    def bucket(self, name: str = "shop-logs") -> str:
        return self.make("aws:s3/bucket:Bucket", bucket=name).id


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    yield made
    made.account.close()


def tags_of(pairs: list[dict[str, str]]) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in pairs}


def test_a_vpc_has_its_attributes_its_tags_and_the_ids_of_what_aws_made_beside_it(cloud: Cloud) -> None:
    made = cloud.make("aws:ec2/vpc:Vpc", cidrBlock="10.1.0.0/16", enableDnsHostnames=True, enableDnsSupport=True)
    (vpc,) = cloud.ask("ec2", "DescribeVpcs", VpcIds=[made.id])["Vpcs"]
    assert vpc["CidrBlock"] == "10.1.0.0/16"
    assert tags_of(vpc["Tags"]) == TAGS
    hostnames = cloud.ask("ec2", "DescribeVpcAttribute", VpcId=made.id, Attribute="enableDnsHostnames")
    assert hostnames["EnableDnsHostnames"] == {"Value": True}
    group = cloud.ask("ec2", "DescribeSecurityGroups", GroupIds=[made.outputs["defaultSecurityGroupId"]])
    assert group["SecurityGroups"][0]["VpcId"] == made.id
    table = cloud.ask("ec2", "DescribeRouteTables", RouteTableIds=[made.outputs["mainRouteTableId"]])
    assert table["RouteTables"][0]["VpcId"] == made.id
    acl = cloud.ask("ec2", "DescribeNetworkAcls", NetworkAclIds=[made.outputs["defaultNetworkAclId"]])
    assert acl["NetworkAcls"][0]["VpcId"] == made.id


def test_the_adopted_default_security_group_loses_every_rule(cloud: Cloud) -> None:
    vpc = cloud.vpc()
    made = cloud.make("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", vpcId=vpc)
    (group,) = cloud.ask("ec2", "DescribeSecurityGroups", GroupIds=[made.id])["SecurityGroups"]
    assert group["GroupName"] == "default"
    assert group["IpPermissions"] == group["IpPermissionsEgress"] == []
    assert tags_of(group["Tags"]) == TAGS


def test_a_new_security_group_has_no_egress_but_what_the_program_gives(cloud: Cloud) -> None:
    made = cloud.make("aws:ec2/securityGroup:SecurityGroup", vpcId=cloud.vpc(), name="web", description="web")
    (group,) = cloud.ask("ec2", "DescribeSecurityGroups", GroupIds=[made.id])["SecurityGroups"]
    assert group["IpPermissionsEgress"] == []


def test_a_standalone_rule_opens_one_port_to_one_source(cloud: Cloud) -> None:
    group = cloud.make("aws:ec2/securityGroup:SecurityGroup", vpcId=cloud.vpc(), name="web", description="web").id
    rule = {"securityGroupId": group, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
    made = cloud.make("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", cidrIpv4="10.0.0.0/8", **rule)
    (found,) = cloud.ask("ec2", "DescribeSecurityGroupRules", SecurityGroupRuleIds=[made.id])["SecurityGroupRules"]
    assert (found["FromPort"], found["ToPort"], found["CidrIpv4"], found["IsEgress"]) == (443, 443, "10.0.0.0/8", False)
    with pytest.raises(RehearsalError, match="needs a source or destination"):
        cloud.make("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "open", **rule)


def test_a_route_leads_to_its_gateway_and_a_table_to_its_subnet(cloud: Cloud) -> None:
    subnet = cloud.subnet()
    vpc = cloud.ask("ec2", "DescribeSubnets", SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    gateway = cloud.make("aws:ec2/internetGateway:InternetGateway", vpcId=vpc).id
    table = cloud.make("aws:ec2/routeTable:RouteTable", vpcId=vpc).id
    cloud.make("aws:ec2/route:Route", routeTableId=table, destinationCidrBlock="0.0.0.0/0", gatewayId=gateway)
    cloud.make("aws:ec2/routeTableAssociation:RouteTableAssociation", routeTableId=table, subnetId=subnet)
    (found,) = cloud.ask("ec2", "DescribeRouteTables", RouteTableIds=[table])["RouteTables"]
    assert {route["DestinationCidrBlock"]: route.get("GatewayId") for route in found["Routes"]}["0.0.0.0/0"] == gateway
    assert [association["SubnetId"] for association in found["Associations"]] == [subnet]
    assert tags_of(found["Tags"]) == TAGS


def test_a_zonal_nat_gateway_is_emulated_and_a_regional_one_is_validated_with_all_that_needs_it(cloud: Cloud) -> None:
    subnet = cloud.subnet()
    vpc = cloud.ask("ec2", "DescribeSubnets", SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    address = cloud.make("aws:ec2/eip:Eip", domain="vpc").id
    zonal = cloud.make("aws:ec2/natGateway:NatGateway", "zonal", subnetId=subnet, allocationId=address)
    regional = cloud.make("aws:ec2/natGateway:NatGateway", "regional", vpcId=vpc, availabilityMode="regional")
    assert (zonal.status, regional.status) == ("emulated", "validated")
    assert regional.reason == "the emulator knows zonal NAT gateways only"
    assert regional.id.startswith("nat-")
    table = cloud.make("aws:ec2/routeTable:RouteTable", vpcId=vpc).id
    way = {"routeTableId": table, "destinationCidrBlock": "0.0.0.0/0"}
    route = cloud.make("aws:ec2/route:Route", natGatewayId=regional.id, **way)
    assert route.status == "validated"
    assert cloud.make("aws:ec2/route:Route", natGatewayId=zonal.id, **way).status == "emulated"


def test_a_validated_resource_is_checked_like_any_other(cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match="'sideways' is not allowed"):
        cloud.make(
            "aws:ec2/natGateway:NatGateway", vpcId=cloud.vpc(), availabilityMode="regional", connectivityType="sideways"
        )


def test_an_interface_endpoint_and_a_gateway_endpoint(cloud: Cloud) -> None:
    subnet = cloud.subnet()
    vpc = cloud.ask("ec2", "DescribeSubnets", SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    service = f"com.amazonaws.{REGION}."
    made = cloud.make(
        "aws:ec2/vpcEndpoint:VpcEndpoint", vpcId=vpc, serviceName=service + "logs", vpcEndpointType="Interface",
        subnetIds=[subnet], privateDnsEnabled=True, policy=policy,
    )  # fmt: skip
    (found,) = cloud.ask("ec2", "DescribeVpcEndpoints", VpcEndpointIds=[made.id])["VpcEndpoints"]
    assert (found["SubnetIds"], found["PrivateDnsEnabled"], found["PolicyDocument"]) == ([subnet], True, policy)
    assert made.outputs["dnsEntries"]
    gateway = cloud.make("aws:ec2/vpcEndpoint:VpcEndpoint", "s3", vpcId=vpc, serviceName=service + "s3")
    assert gateway.outputs["prefixListId"].startswith("pl-")


def test_a_network_acl_takes_its_entries_and_its_subnets(cloud: Cloud) -> None:
    subnet = cloud.subnet()
    vpc = cloud.ask("ec2", "DescribeSubnets", SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    entry = {
        "ruleNo": 100,
        "protocol": "tcp",
        "action": "allow",
        "cidrBlock": "0.0.0.0/0",
        "fromPort": 443,
        "toPort": 443,
    }
    made = cloud.make("aws:ec2/networkAcl:NetworkAcl", vpcId=vpc, subnetIds=[subnet], ingress=[entry], egress=[])
    rule = {"ruleNumber": 110, "protocol": "-1", "ruleAction": "deny", "cidrBlock": "0.0.0.0/0", "egress": True}
    cloud.make("aws:ec2/networkAclRule:NetworkAclRule", networkAclId=made.id, **rule)
    (found,) = cloud.ask("ec2", "DescribeNetworkAcls", NetworkAclIds=[made.id])["NetworkAcls"]
    assert [association["SubnetId"] for association in found["Associations"]] == [subnet]
    entries = {(one["Egress"], one["RuleNumber"]): one for one in found["Entries"]}
    assert entries[False, 100]["PortRange"] == {"From": 443, "To": 443}
    assert entries[False, 100]["Protocol"] == "6"
    assert entries[True, 110]["RuleAction"] == "deny"


def test_a_flow_log_delivers_to_its_group(cloud: Cloud) -> None:
    vpc = cloud.vpc()
    cloud.make("aws:cloudwatch/logGroup:LogGroup", name="/vpc/flow", retentionInDays=7)
    made = cloud.make(
        "aws:ec2/flowLog:FlowLog", vpcId=vpc, iamRoleArn="arn:aws:iam::123456789012:role/flow",
        logDestination=f"arn:aws:logs:{REGION}:123456789012:log-group:/vpc/flow",
    )  # fmt: skip
    (found,) = cloud.ask("ec2", "DescribeFlowLogs", FlowLogIds=[made.id])["FlowLogs"]
    assert (found["ResourceId"], found["TrafficType"]) == (vpc, "ALL")
    assert found["LogDestination"].endswith(":log-group:/vpc/flow")


def test_a_log_group_keeps_its_logs_as_long_as_told(cloud: Cloud) -> None:
    made = cloud.make("aws:cloudwatch/logGroup:LogGroup", name="/shop/api", retentionInDays=30)
    (found,) = cloud.ask("logs", "DescribeLogGroups", logGroupNamePrefix="/shop/api")["logGroups"]
    assert found["retentionInDays"] == 30
    assert made.outputs["arn"] == f"arn:aws:logs:{REGION}:123456789012:log-group:/shop/api"


def test_a_key_rotates_and_its_alias_points_at_it(cloud: Cloud) -> None:
    key = cloud.make("aws:kms/key:Key", description="data", enableKeyRotation=True, rotationPeriodInDays=90)
    alias = cloud.make("aws:kms/alias:Alias", name="alias/data", targetKeyId=key.id)
    rotation = cloud.ask("kms", "GetKeyRotationStatus", KeyId=key.id)
    assert rotation["KeyRotationEnabled"] is True
    assert alias.outputs["targetKeyArn"] == key.outputs["arn"]
    assert cloud.ask("kms", "DescribeKey", KeyId="alias/data")["KeyMetadata"]["KeyId"] == key.id


def test_a_role_carries_its_policies(cloud: Cloud) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]})  # fmt: skip
    allow = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop/*"}]})  # fmt: skip
    role = cloud.make("aws:iam/role:Role", name="reader", assumeRolePolicy=trust, maxSessionDuration=7200)
    cloud.make("aws:iam/rolePolicy:RolePolicy", name="read", role=role.id, policy=allow)
    policy = cloud.make("aws:iam/policy:Policy", name="shared", policy=allow)
    cloud.make("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role=role.id, policyArn=policy.outputs["arn"])
    assert cloud.ask("iam", "GetRole", RoleName="reader")["Role"]["MaxSessionDuration"] == 7200
    assert cloud.ask("iam", "ListRolePolicies", RoleName="reader")["PolicyNames"] == ["read"]
    attached = cloud.ask("iam", "ListAttachedRolePolicies", RoleName="reader")["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["shared"]


def test_a_bucket_and_every_sub_resource(cloud: Cloud) -> None:
    logs, data = cloud.bucket("shop-logs"), cloud.bucket("shop-data")
    key = cloud.make("aws:kms/key:Key").outputs["arn"]
    s3 = "aws:s3/bucket"
    cloud.make(f"{s3}Versioning:BucketVersioning", bucket=data, versioningConfiguration={"status": "Enabled"})
    cloud.make(
        f"{s3}ServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", bucket=data,
        rules=[{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key},
                "bucketKeyEnabled": True}],
    )  # fmt: skip
    names = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    switches = dict.fromkeys(names, True)
    cloud.make(f"{s3}PublicAccessBlock:BucketPublicAccessBlock", bucket=data, **switches)
    cloud.make(
        f"{s3}OwnershipControls:BucketOwnershipControls", bucket=data, rule={"objectOwnership": "BucketOwnerEnforced"}
    )
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    cloud.make(f"{s3}Policy:BucketPolicy", bucket=data, policy=policy)
    cloud.make(
        f"{s3}LifecycleConfiguration:BucketLifecycleConfiguration", bucket=data,
        rules=[{"id": "all", "status": "Enabled", "transitions": [{"days": 90, "storageClass": "GLACIER"}],
                "expiration": {"days": 365}, "noncurrentVersionExpiration": {"noncurrentDays": 30},
                "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}],
    )  # fmt: skip
    cloud.make(
        f"{s3}IntelligentTieringConfiguration:BucketIntelligentTieringConfiguration", bucket=data, name="all",
        tierings=[{"accessTier": "ARCHIVE_ACCESS", "days": 90}],
    )  # fmt: skip
    allow_logs = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{logs}/*",
                  "Principal": {"Service": "logging.s3.amazonaws.com"}}  # fmt: skip
    cloud.make(
        f"{s3}Policy:BucketPolicy", bucket=logs, policy=json.dumps({"Version": "2012-10-17", "Statement": [allow_logs]})
    )
    cloud.make(f"{s3}Logging:BucketLogging", bucket=data, targetBucket=logs, targetPrefix="data/")

    assert cloud.ask("s3", "GetBucketVersioning", Bucket=data)["Status"] == "Enabled"
    (rule,) = cloud.ask("s3", "GetBucketEncryption", Bucket=data)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    blocked = cloud.ask("s3", "GetPublicAccessBlock", Bucket=data)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    (lifecycle,) = cloud.ask("s3", "GetBucketLifecycleConfiguration", Bucket=data)["Rules"]
    assert lifecycle["Transitions"] == [{"Days": 90, "StorageClass": "GLACIER"}]
    assert lifecycle["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert cloud.ask("s3", "GetBucketPolicy", Bucket=data)["Policy"] == policy
    assert cloud.ask("s3", "GetBucketLogging", Bucket=data)["LoggingEnabled"]["TargetBucket"] == logs
    assert tags_of(cloud.ask("s3", "GetBucketTagging", Bucket=data)["TagSet"]) == TAGS


def test_a_notification_has_its_filters_and_what_goes_to_eventbridge(cloud: Cloud) -> None:
    bucket = cloud.bucket("shop-in")
    queue = cloud.make("aws:sqs/queue:Queue", "in", name="in").outputs["arn"]
    cloud.make(
        "aws:s3/bucketNotification:BucketNotification",
        bucket=bucket,
        eventbridge=True,
        queues=[{"queueArn": queue, "events": ["s3:ObjectCreated:*"], "filterPrefix": "in/", "filterSuffix": ".csv"}],
    )
    asked = cloud.ask("s3", "GetBucketNotificationConfiguration", Bucket=bucket)

    (made,) = asked["QueueConfigurations"]
    assert (made["QueueArn"], made["Events"]) == (queue, ["s3:ObjectCreated:*"])
    assert {each["Name"].lower(): each["Value"] for each in made["Filter"]["Key"]["FilterRules"]} == {
        "prefix": "in/",
        "suffix": ".csv",
    }
    # moto does not say what goes to EventBridge.
    create_ = SPECS["aws:s3/bucketNotification:BucketNotification"].create
    assert isinstance(create_, Call)
    assert create_.reshape is not None
    assert create_.reshape({"bucket": bucket, "eventbridge": True}) == {"bucket": bucket, "eventbridge": {}}


def test_a_replication_takes_what_the_provider_takes(cloud: Cloud) -> None:
    here, there = cloud.bucket("shop-here"), cloud.bucket("shop-there")
    for bucket in (here, there):
        cloud.make(
            "aws:s3/bucketVersioning:BucketVersioning", bucket=bucket, versioningConfiguration={"status": "Enabled"}
        )
    key = cloud.make("aws:kms/key:Key").outputs["arn"]
    cloud.make(
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig", bucket=here,
        role="arn:aws:iam::123456789012:role/copy",
        rules=[{"id": "all", "status": "Enabled", "priority": 1, "deleteMarkerReplication": {"status": "Enabled"},
                "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
                "destination": {"bucket": f"arn:aws:s3:::{there}",
                                "encryptionConfiguration": {"replicaKmsKeyId": key}}}],
    )  # fmt: skip
    found = cloud.ask("s3", "GetBucketReplication", Bucket=here)["ReplicationConfiguration"]["Rules"]
    assert found[0]["Destination"]["Bucket"] == f"arn:aws:s3:::{there}"


def test_a_database_subnet_group_spans_its_subnets(cloud: Cloud) -> None:
    first = cloud.subnet()
    vpc = cloud.ask("ec2", "DescribeSubnets", SubnetIds=[first])["Subnets"][0]["VpcId"]
    second = cloud.make(
        "aws:ec2/subnet:Subnet", "other", vpcId=vpc, cidrBlock="10.0.9.0/24", availabilityZone=f"{REGION}c"
    ).id
    made = cloud.make("aws:rds/subnetGroup:SubnetGroup", name="data", subnetIds=[first, second])
    (found,) = cloud.ask("rds", "DescribeDBSubnetGroups", DBSubnetGroupName="data")["DBSubnetGroups"]
    assert {one["SubnetIdentifier"] for one in found["Subnets"]} == {first, second}
    assert made.outputs["vpcId"] == vpc


def test_the_same_urn_gets_the_same_id_whatever_was_made_before() -> None:
    ids = []
    for before in (False, True):
        cloud = Cloud()
        try:
            if before:
                cloud.bucket()
                cloud.make("aws:kms/key:Key")
            ids.append(cloud.vpc())
        finally:
            cloud.account.close()
    assert ids[0] == ids[1]


def test_names_match_exactly_but_for_case(cloud: Cloud) -> None:
    shape: Any = cloud.account.operation("ec2", "CreateSubnet", REGION).input_shape
    assert request_for(shape, {"vpcId": "v", "cidrBlock": "c"}, {}, "CreateSubnet") == {"VpcId": "v", "CidrBlock": "c"}
    with pytest.raises(
        RequestError, match="'cidrBlocks' matches nothing in the request CreateSubnet; the nearest member is CidrBlock"
    ):
        request_for(shape, {"cidrBlocks": "c"}, {}, "CreateSubnet")


@pytest.mark.parametrize(
    ("service", "operation", "request_", "words"),
    [
        ("ec2", "CreateSubnet", {}, "the request lacks VpcId"),
        ("ec2", "CreateVpc", {"InstanceTenancy": "shared"}, "'shared' is not allowed; use"),
        ("kms", "CreateKey", {"Policy": ""}, "fewer than the 1"),
        ("kms", "CreateAlias", {"AliasName": "a b", "TargetKeyId": "k"}, "does not match the pattern"),
        ("kms", "EnableKeyRotation", {"KeyId": "k", "RotationPeriodInDays": 10}, "below AWS's minimum of 90"),
        ("iam", "CreateRole", {"RoleName": "r" * 65, "AssumeRolePolicyDocument": "{}"}, "more than the 64"),
        ("logs", "CreateLogGroup", {"logGroupName": "a:b"}, "does not match the pattern"),
        ("ec2", "CreateVpc", {"Nonsense": 1}, "has no member Nonsense"),
    ],
)
def test_the_service_models_rules_are_kept_to_the_letter(
    cloud: Cloud, service: str, operation: str, request_: dict[str, Any], words: str
) -> None:
    shape: Any = cloud.account.operation(service, operation, REGION).input_shape
    assert any(words in found for found in violations(shape, request_))


TWICE = """
from tests.rehearsal.test_specs import Cloud

cloud = Cloud()
made = [cloud.make("aws:apigatewayv2/api:Api", name="shop", protocolType="HTTP").id for _ in range(2)]
assert made[0] == made[1], made
"""


def test_an_id_does_not_depend_on_what_of_the_emulator_was_loaded_before() -> None:
    """The first such request loads another service's module in its middle. Here much is loaded already."""
    done = subprocess.run([sys.executable, "-c", TWICE], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
