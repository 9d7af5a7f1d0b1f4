"""The specs of types that our own stacks do without and other people's programs use, on moto."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from tests.rehearsal.test_specs import TAGS, Cloud, tags_of

NOBODY = '{"Version": "2012-10-17", "Statement": []}'
READ = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]})
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0xZwmE9CRX0xqkQn4Qn0r5lVYB6ytqRaGu6p8V2Cqd somebody"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    yield made
    made.account.close()


def test_a_user_has_a_key_groups_and_policies(cloud: Cloud) -> None:
    user = cloud.make("aws:iam/user:User", name="ann", path="/people/")
    group = cloud.make("aws:iam/group:Group", name="readers")
    cloud.make("aws:iam/userGroupMembership:UserGroupMembership", user=user.id, groups=[group.id])
    policy = cloud.make("aws:iam/policy:Policy", name="read", policy=READ)
    cloud.make("aws:iam/userPolicy:UserPolicy", name="own", user=user.id, policy=READ)
    cloud.make("aws:iam/groupPolicy:GroupPolicy", name="ours", group=group.id, policy=READ)
    cloud.make("aws:iam/userPolicyAttachment:UserPolicyAttachment", user=user.id, policyArn=policy.id)
    cloud.make("aws:iam/groupPolicyAttachment:GroupPolicyAttachment", group=group.id, policyArn=policy.id)
    key = cloud.make("aws:iam/accessKey:AccessKey", user=user.id, status="Inactive")

    assert user.outputs["arn"].endswith(":user/people/ann")
    assert [one["GroupName"] for one in cloud.ask("iam", "ListGroupsForUser", UserName="ann")["Groups"]] == ["readers"]
    assert cloud.ask("iam", "ListUserPolicies", UserName="ann")["PolicyNames"] == ["own"]
    assert cloud.ask("iam", "ListGroupPolicies", GroupName="readers")["PolicyNames"] == ["ours"]
    for operation, names in (
        ("ListAttachedUserPolicies", {"UserName": "ann"}),
        ("ListAttachedGroupPolicies", {"GroupName": "readers"}),
    ):
        assert [one["PolicyName"] for one in cloud.ask("iam", operation, **names)["AttachedPolicies"]] == ["read"]
    (kept,) = cloud.ask("iam", "ListAccessKeys", UserName="ann")["AccessKeyMetadata"]
    assert (kept["AccessKeyId"], kept["Status"]) == (key.id, "Inactive")
    assert key.outputs["secret"]


def test_a_group_of_instances_is_made_of_a_template(cloud: Cloud) -> None:
    subnet = cloud.subnet()
    key = cloud.make("aws:ec2/keyPair:KeyPair", keyName="ours", publicKey=KEY)
    security = cloud.make("aws:ec2/securityGroup:SecurityGroup", name="web", description="x").id
    template = cloud.make(
        "aws:ec2/launchTemplate:LaunchTemplate",
        name="web",
        description="first",
        imageId="ami-12c6146b",
        instanceType="t3.micro",
        keyName=key.id,
        ebsOptimized="true",
        vpcSecurityGroupIds=[security],
        userData=base64.b64encode(b"#!/bin/sh").decode(),
        metadataOptions={"httpTokens": "required"},
        blockDeviceMappings=[{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 20.0, "encrypted": "true"}}],
        tagSpecifications=[{"resourceType": "instance", "tags": {"Name": "web"}}],
    )
    group = cloud.make(
        "aws:autoscaling/group:Group",
        name="web",
        minSize=1.0,
        maxSize=3.0,
        vpcZoneIdentifiers=[subnet],
        launchTemplate={"id": template.id, "version": "$Latest"},
        tags=[{"key": "Name", "value": "web", "propagateAtLaunch": True}],
        enabledMetrics=["GroupInServiceInstances"],
        waitForCapacityTimeout="0",
    )
    policy = cloud.make(
        "aws:autoscaling/policy:Policy",
        name="cpu",
        autoscalingGroupName=group.id,
        policyType="TargetTrackingScaling",
        targetTrackingConfiguration={
            "predefinedMetricSpecification": {"predefinedMetricType": "ASGAverageCPUUtilization"},
            "targetValue": 50.0,
        },
    )

    assert key.outputs["keyType"] == "ed25519"
    (version,) = cloud.ask("ec2", "DescribeLaunchTemplateVersions", LaunchTemplateId=template.id)[
        "LaunchTemplateVersions"
    ]
    data = version["LaunchTemplateData"]
    assert (data["InstanceType"], data["KeyName"], data["SecurityGroupIds"]) == ("t3.micro", "ours", [security])
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    (made,) = cloud.ask("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"]
    assert (made["MinSize"], made["MaxSize"], made["VPCZoneIdentifier"]) == (1, 3, subnet)
    assert made["LaunchTemplate"]["LaunchTemplateId"] == template.id
    assert made["Tags"][0]["Value"] == "web"
    assert group.outputs["arn"].endswith("autoScalingGroupName/web")
    assert policy.outputs["arn"]
    assert (template.unmapped, group.unmapped, policy.unmapped) == ([], [], [])


def test_a_target_is_attached(cloud: Cloud) -> None:
    group = cloud.make(
        "aws:lb/targetGroup:TargetGroup", name="web", port=80.0, protocol="HTTP", vpcId=cloud.vpc(), targetType="ip"
    )
    cloud.make(
        "aws:lb/targetGroupAttachment:TargetGroupAttachment", targetGroupArn=group.id, targetId="10.0.0.9", port=8080.0
    )

    (health,) = cloud.ask("elbv2", "DescribeTargetHealth", TargetGroupArn=group.id)["TargetHealthDescriptions"]
    assert health["Target"] == {"Id": "10.0.0.9", "Port": 8080} | (
        {"AvailabilityZone": health["Target"]["AvailabilityZone"]} if "AvailabilityZone" in health["Target"] else {}
    )


def test_a_file_system_is_mounted_and_entered(cloud: Cloud) -> None:
    subnet = cloud.subnet()
    system = cloud.make(
        "aws:efs/fileSystem:FileSystem",
        creationToken="files",
        encrypted=True,
        lifecyclePolicies=[{"transitionToIa": "AFTER_30_DAYS"}],
    )
    target = cloud.make("aws:efs/mountTarget:MountTarget", fileSystemId=system.id, subnetId=subnet)
    door = cloud.make(
        "aws:efs/accessPoint:AccessPoint",
        fileSystemId=system.id,
        posixUser={"uid": 1000.0, "gid": 1000.0},
        rootDirectory={"path": "/app", "creationInfo": {"ownerUid": 1000.0, "ownerGid": 1000.0, "permissions": "755"}},
    )

    (kept,) = cloud.ask("efs", "DescribeFileSystems")["FileSystems"]
    assert (kept["FileSystemId"], kept["Encrypted"], tags_of(kept["Tags"])) == (system.id, True, TAGS)
    rules = cloud.ask("efs", "DescribeLifecycleConfiguration", FileSystemId=system.id)["LifecyclePolicies"]
    assert rules == [{"TransitionToIA": "AFTER_30_DAYS"}]
    assert target.outputs["dnsName"] == f"{system.id}.efs.ap-northeast-1.amazonaws.com"
    (point,) = cloud.ask("efs", "DescribeAccessPoints")["AccessPoints"]
    assert (point["AccessPointId"], point["RootDirectory"]["Path"]) == (door.id, "/app")


def test_a_stream_keeps_and_encrypts(cloud: Cloud) -> None:
    stream = cloud.make(
        "aws:kinesis/stream:Stream",
        name="clicks",
        shardCount=2.0,
        retentionPeriod=48.0,
        encryptionType="KMS",
        kmsKeyId="alias/aws/kinesis",
    )

    kept = cloud.ask("kinesis", "DescribeStream", StreamName="clicks")["StreamDescription"]
    assert (kept["RetentionPeriodHours"], kept["EncryptionType"], len(kept["Shards"])) == (48, "KMS", 2)
    assert stream.id == stream.outputs["arn"] == kept["StreamARN"]


def test_a_cluster_has_nodes(cloud: Cloud) -> None:
    role = cloud.make("aws:iam/role:Role", name="k8s", assumeRolePolicy=NOBODY).outputs["arn"]
    subnets = [cloud.subnet()]
    cluster = cloud.make(
        "aws:eks/cluster:Cluster",
        name="k8s",
        roleArn=role,
        vpcConfig={"subnetIds": subnets, "endpointPublicAccess": False},
        enabledClusterLogTypes=["api", "audit"],
    )
    nodes = cloud.make(
        "aws:eks/nodeGroup:NodeGroup",
        nodeGroupName="workers",
        clusterName=cluster.id,
        nodeRoleArn=role,
        subnetIds=subnets,
        scalingConfig={"minSize": 1.0, "maxSize": 3.0, "desiredSize": 1.0},
    )

    kept = cloud.ask("eks", "DescribeCluster", name="k8s")["cluster"]
    assert kept["arn"] == cluster.outputs["arn"]
    assert cluster.outputs["endpoint"].startswith("https://")
    assert cluster.outputs["identities"][0]["oidcs"][0]["issuer"].startswith("https://")
    assert cloud.ask("eks", "ListNodegroups", clusterName="k8s")["nodegroups"] == ["workers"]
    assert nodes.id == "k8s:workers"


def test_a_search_domain_is_made(cloud: Cloud) -> None:
    domain = cloud.make(
        "aws:opensearch/domain:Domain",
        domainName="search",
        engineVersion="OpenSearch_2.19",
        clusterConfig={"instanceType": "t3.small.search", "instanceCount": 1.0},
        ebsOptions={"ebsEnabled": True, "volumeSize": 10.0},
        encryptAtRest={"enabled": True},
        nodeToNodeEncryption={"enabled": True},
    )

    kept = cloud.ask("opensearch", "DescribeDomain", DomainName="search")["DomainStatus"]
    assert domain.id == domain.outputs["arn"] == kept["ARN"]
    assert kept["EncryptionAtRestOptions"]["Enabled"] is True
    assert domain.unmapped == []


def test_mail_is_sent_as_somebody(cloud: Cloud) -> None:
    cloud.make("aws:ses/emailIdentity:EmailIdentity", email="shop@example.com")
    domain = cloud.make("aws:ses/domainIdentity:DomainIdentity", domain="example.com")
    dkim = cloud.make("aws:ses/domainDkim:DomainDkim", domain="example.com")
    newer = cloud.make("aws:sesv2/emailIdentity:EmailIdentity", emailIdentity="example.org")

    assert {"shop@example.com", "example.com"} <= set(cloud.ask("ses", "ListIdentities")["Identities"])
    assert domain.outputs["verificationToken"]
    assert dkim.outputs["dkimTokens"]
    assert newer.outputs["arn"].endswith(":identity/example.org")
