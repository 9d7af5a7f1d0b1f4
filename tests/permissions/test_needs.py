"""What single resources need: on which things, under which conditions, and to be undone again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from changes.model import ChangeError
from permissions import facts
from permissions.difference import more, parting
from permissions.model import Permissions, permissions
from rehearsal.cloud.specs import SPECS
from tests.conftest import ACCOUNT, REGION
from tests.permissions.test_command import report, resource

TAGS = {"Project": "shop", "Environment": "dev"}
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"


def on(found: Permissions, action: str, purpose: Any = "up") -> set[str]:
    """What an action is allowed on."""
    return {pattern for one in found.statements[purpose] if action in one.actions for pattern in one.resources}


def where(found: Permissions, action: str) -> list[Any]:
    return [one.condition for one in found.statements["up"] if action in one.actions]


def tagged(type_: str, name: str, arn: str, /, **inputs: Any) -> dict[str, Any]:
    return resource(type_, name, inputs=inputs | {"tags": TAGS, "tagsAll": TAGS}, outputs={"arn": arn})


def role(name: str, service: str, /, **inputs: Any) -> dict[str, Any]:
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}}]}
    given = {"name": name, "assumeRolePolicy": json.dumps(trust), **inputs}
    return resource("aws:iam/role:Role", name, inputs=given, outputs={"arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"})


def bucket() -> dict[str, Any]:
    return resource(
        "aws:s3/bucket:Bucket",
        "shop-dev-files",
        inputs={"bucket": "shop-dev-files"},
        outputs={"arn": "arn:aws:s3:::shop-dev-files"},
    )


def object_in(one: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    return resource(
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "shop-dev-page",
        inputs={"bucket": "shop-dev-files", "key": "page", **inputs},
        outputs={"arn": "arn:aws:s3:::shop-dev-files/page"},
        id="shop-dev-files/page",
        property_dependencies={"bucket": [one["urn"]]},
    )


@pytest.mark.parametrize("policy_first", [True, False])
def test_a_topics_arn_is_the_topics_though_its_policy_has_it_for_an_id(*, policy_first: bool) -> None:
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:shop-dev-news"
    topic = tagged("aws:sns/topic:Topic", "shop-dev-news", arn, name="shop-dev-news")
    policy = resource(
        "aws:sns/topicPolicy:TopicPolicy", "shop-dev-news-policy", inputs={"arn": arn}, outputs={"arn": arn}, id=arn
    )
    found = permissions(report(*([policy, topic] if policy_first else [topic, policy])))

    assert on(found, "sns:TagResource") == on(found, "sns:UntagResource")
    assert on(found, "sns:TagResource") == {f"arn:aws:sns:{REGION}:{ACCOUNT}:shop-dev-*"}


def test_an_id_that_only_an_emulator_would_choose_is_in_no_pattern() -> None:
    head = f"arn:aws:cloudfront::{ACCOUNT}:cache-policy/"
    policy = resource(
        "aws:cloudfront/cachePolicy:CachePolicy",
        "shop-dev-day",
        inputs={"name": "shop-dev-day"},
        outputs={"arn": f"{head}Id-0a1b2c3d4e5f6a7b8"},
        id="Id-0a1b2c3d4e5f6a7b8",
    )
    assert on(permissions(report(policy)), "cloudfront:UpdateCachePolicy") == {f"{head}*"}


def test_an_identity_provider_is_named_by_its_address() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    provider = tagged(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "shop-dev-github",
        arn,
        url="https://token.actions.githubusercontent.com",
    )
    assert on(permissions(report(provider)), "iam:UpdateOpenIDConnectProviderThumbprint") == {arn}


def test_a_secrets_version_is_named_by_its_secret() -> None:
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop-dev-token-AbCdEf"
    secret = resource(
        "aws:secretsmanager/secret:Secret", "shop-dev-token", inputs={"name": "shop-dev-token"}, outputs={"arn": arn}
    )
    version = resource(
        "aws:secretsmanager/secretVersion:SecretVersion",
        "shop-dev-token-version",
        inputs={"secretId": arn},
        outputs={"arn": arn},
        id=f"{arn}|0a1b2c3d-0000-4000-8000-000000000001",
        property_dependencies={"secretId": [secret["urn"]]},
    )
    found = permissions(report(version, secret))

    assert on(found, "secretsmanager:PutSecretValue") == {arn.replace("AbCdEf", "*")}
    told = [pattern for one in found.statements["up"] for pattern in one.resources]
    assert [pattern for pattern in told if "|" in pattern] == []


def test_what_a_program_names_and_does_not_make_stands_for_itself() -> None:
    connection = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/0a1b2c3d-0000-4000-8000-000000000001"
    pipeline = tagged(
        "aws:codepipeline/pipeline:Pipeline",
        "shop-dev-pipeline",
        f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:shop-dev-pipeline",
        name="shop-dev-pipeline",
        stages=[{"actions": [{"configuration": {"ConnectionArn": connection}}]}],
    )
    found = permissions(report(pipeline))

    assert on(found, "codeconnections:PassConnection") == {connection}
    assert on(found, "codeconnections:PassConnection", "preview") == set()
    assert on(found, "codepipeline:UpdatePipeline") == {f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:shop-dev-*"}


def test_what_is_encrypted_by_no_key_of_the_program_needs_none() -> None:
    assert on(permissions(report(bucket(), object_in(bucket()))), "kms:Decrypt") == set()


def test_aws_own_encryption_asks_for_no_key() -> None:
    images = resource(
        "aws:ecr/repository:Repository",
        "shop-dev-images",
        inputs={"name": "shop-dev-images", "encryptionConfigurations": [{"encryptionType": "AES256"}]},
        outputs={"arn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/shop-dev-images"},
    )
    assert [one for one in permissions(report(images)).actions("up") if one.startswith("kms:")] == []


def test_a_key_of_others_is_used_and_no_other_key() -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d-0000-4000-8000-000000000001"
    encryption = resource(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "shop-dev-encryption",
        inputs={"bucket": "shop-dev-files", "rules": [{"applyServerSideEncryptionByDefault": {"kmsMasterKeyId": key}}]},
        property_dependencies={"bucket": [bucket()["urn"]]},
    )
    found = permissions(report(bucket(), encryption, object_in(bucket())))

    assert on(found, "kms:Decrypt") == on(found, "kms:GenerateDataKey") == {key}


def test_what_is_made_with_tags_may_be_tagged_by_aws_own_name_of_it() -> None:
    policy = tagged(
        "aws:iam/policy:Policy",
        "shop-dev-reads",
        f"arn:aws:iam::{ACCOUNT}:policy/shop-dev-reads",
        name="shop-dev-reads",
    )
    database = tagged(
        "aws:glue/catalogDatabase:CatalogDatabase",
        "shop-dev-lake",
        f"arn:aws:glue:{REGION}:{ACCOUNT}:database/shop-dev-lake",
        name="shop-dev-lake",
    )
    page = object_in(bucket(), tags=TAGS, tagsAll=TAGS)
    found = permissions(report(policy, database, bucket(), page))

    assert on(found, "iam:TagPolicy") == on(found, "iam:UntagPolicy") != set()
    assert f"arn:aws:glue:{REGION}:{ACCOUNT}:database/shop-dev-*" in on(found, "glue:TagResource")
    assert on(found, "s3:PutObjectTagging") == {"arn:aws:s3:::shop-dev-files/*"}


def test_a_role_that_a_thing_only_tells_of_is_not_the_things() -> None:
    target = resource(
        "aws:appautoscaling/target:Target",
        "shop-dev-target",
        inputs={"serviceNamespace": "ecs", "tags": TAGS, "tagsAll": TAGS},
        outputs={
            "arn": f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/0ec5a1b2c3d4",
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role",
        },
    )
    worker = role("shop-dev-worker", "lambda.amazonaws.com")
    policy = resource(
        "aws:iam/rolePolicy:RolePolicy",
        "shop-dev-worker-policy",
        inputs={"role": "shop-dev-worker", "policy": "{}"},
        property_dependencies={"policy": [target["urn"]], "role": [worker["urn"]]},
    )
    found = permissions(report(target, worker, policy))

    assert "application-autoscaling:TagResource" in found.actions("up")
    for action in ("iam:PutRolePolicy", "iam:TagRole"):
        assert on(found, action) <= {f"arn:aws:iam::{ACCOUNT}:role/shop-dev-*"}


def test_what_cannot_have_tags_is_not_tagged() -> None:
    dashboard = resource(
        "aws:cloudwatch/dashboard:Dashboard",
        "shop-dev-overview",
        inputs={"dashboardName": "shop-dev-overview"},
        outputs={"dashboardArn": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/shop-dev-overview"},
    )
    found = permissions(report(dashboard))

    assert "cloudwatch:PutDashboard" in found.actions("up")
    assert [one for purpose in found.statements for one in found.actions(purpose) if "tag" in one.lower()] == []


def test_logs_of_a_distribution_are_delivered_by_its_leave_read_again_and_ended() -> None:
    head = f"arn:aws:logs:us-east-1:{ACCOUNT}"
    distribution = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1A2B3C4D5E6F7"
    source = tagged(
        "aws:cloudwatch/logDeliverySource:LogDeliverySource",
        "shop-dev-requests",
        f"{head}:delivery-source:shop-dev-requests",
        name="shop-dev-requests",
        resourceArn=distribution,
    )
    delivery = tagged(
        "aws:cloudwatch/logDelivery:LogDelivery", "shop-dev-delivery", f"{head}:delivery:0a1b2c3d4e5f6a7b8"
    )
    found = permissions(report(source, delivery))

    assert on(found, "cloudfront:AllowVendedLogDeliveryForResource") == {distribution}
    assert "logs:GetDelivery" in found.actions("preview")
    assert {"logs:DeleteDelivery", "logs:DeleteDeliverySource"} <= set(found.actions("destroy"))
    assert {"logs:DeleteDelivery", "logs:UpdateDeliveryConfiguration"} <= set(found.actions("up"))


def test_no_deployer_takes_the_boundary_off_a_role() -> None:
    found = permissions(report(role("shop-dev-worker", "lambda.amazonaws.com", permissionsBoundary=BOUNDARY)))

    assert "iam:PutRolePermissionsBoundary" in found.actions("up")
    assert "iam:DeleteRolePermissionsBoundary" not in found.actions("up")
    for action in ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"):
        assert where(found, action) == [{"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}]


def test_a_boundary_that_the_deployer_could_write_again_is_refused() -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/shop-dev-boundary"
    policy = resource(
        "aws:iam/policy:Policy",
        "shop-dev-reads",
        inputs={"name": "shop-dev-reads"},
        outputs={"arn": f"arn:aws:iam::{ACCOUNT}:policy/shop-dev-reads"},
    )
    with pytest.raises(ChangeError, match=r"shop-dev-boundary.*could widen it"):
        permissions(report(role("shop-dev-worker", "lambda.amazonaws.com", permissionsBoundary=boundary), policy))


def test_who_destroys_empties_what_the_program_lets_be_emptied_and_nobody_else_does() -> None:
    arn = f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:shop-dev-vault"
    vault = resource(
        "aws:backup/vault:Vault",
        "shop-dev-vault",
        inputs={"name": "shop-dev-vault", "forceDestroy": True},
        outputs={"arn": arn},
    )
    audit = bucket()
    audit["inputs"] |= {"forceDestroy": True, "objectLockEnabled": True}
    found = permissions(report(vault, audit))
    empties = {"backup:DeleteRecoveryPoint", "s3:BypassGovernanceRetention", "s3:DeleteObjectVersion"}

    assert empties <= set(found.actions("destroy"))
    assert not empties & {*found.actions("up"), *found.actions("preview")}
    assert "backup:ListRecoveryPointsByBackupVault" not in found.actions("preview")
    assert f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:awsbackup:*" in on(found, "backup:DeleteRecoveryPoint", "destroy")
    kept = permissions(report(bucket()))
    assert not empties & set(kept.actions("destroy"))


@pytest.mark.parametrize(
    ("type_", "key", "service"),
    [
        ("aws:ecs/taskDefinition:TaskDefinition", "taskRoleArn", "ecs-tasks.amazonaws.com"),
        ("aws:ec2/flowLog:FlowLog", "iamRoleArn", "vpc-flow-logs.amazonaws.com"),
        ("aws:rds/instance:Instance", "monitoringRoleArn", "monitoring.rds.amazonaws.com"),
        ("aws:sfn/stateMachine:StateMachine", "roleArn", "states.amazonaws.com"),
    ],
)
def test_a_role_of_others_goes_to_the_service_that_takes_it(type_: str, key: str, service: str) -> None:
    taken = f"arn:aws:iam::{ACCOUNT}:role/everybodys"
    found = permissions(report(resource(type_, "shop-dev-one", inputs={key: taken})))

    assert on(found, "iam:PassRole") == {taken}
    (condition,) = where(found, "iam:PassRole")
    assert service in condition["StringEquals"]["iam:PassedToService"]


def test_a_role_that_trusts_several_services_goes_to_the_one_it_is_given_to() -> None:
    worker = role("shop-dev-worker", "lambda.amazonaws.com")
    trust = json.loads(worker["inputs"]["assumeRolePolicy"])
    trust["Statement"][0]["Principal"]["Service"] = ["ec2.amazonaws.com", "states.amazonaws.com"]
    worker["inputs"]["assumeRolePolicy"] = json.dumps(trust)
    flow = resource("aws:sfn/stateMachine:StateMachine", "shop-dev-flow", inputs={"roleArn": worker["outputs"]["arn"]})

    assert where(permissions(report(worker, flow)), "iam:PassRole") == [
        {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}}
    ]


def test_a_service_that_answers_elsewhere_is_not_bound_to_the_stacks_region() -> None:
    channel = resource("aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration", "shop-dev-channel")
    found = permissions(report(channel))

    assert [action for action in found.actions("up") if action.startswith("chatbot:")]
    for one in found.statements["up"]:
        assert one.service != "chatbot" or "aws:RequestedRegion" not in str(one.condition)


def test_a_change_says_that_a_role_goes_to_another_service() -> None:
    def with_role(service: str) -> Permissions:
        worker = role("shop-dev-worker", service)
        task = resource(
            "aws:sfn/stateMachine:StateMachine",
            "shop-dev-flow",
            inputs={"name": "shop-dev-flow", "roleArn": worker["outputs"]["arn"]},
            outputs={"arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:shop-dev-flow"},
        )
        return permissions(report(worker, task))

    before, after = with_role("lambda.amazonaws.com"), with_role("states.amazonaws.com")
    (told,) = more(before, after)

    assert told.actions == ("iam:PassRole",)
    assert told.sentence().endswith("where iam:PassedToService is states.amazonaws.com")
    assert told.as_json()["condition"] == {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}}
    assert more(after, after) == []


def test_a_change_that_deletes_what_keeps_data_says_what_that_takes() -> None:
    topic = resource(
        "aws:sns/topic:Topic",
        "shop-dev-news",
        inputs={"name": "shop-dev-news"},
        outputs={"arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:shop-dev-news"},
    )
    with_both, without = permissions(report(bucket(), topic)), permissions(report())
    (told,) = parting(with_both, without)

    assert told.sentence() == (
        "this change deletes what keeps data and needs s3:DeleteBucket on arn:aws:s3:::shop-dev-*"
    )
    assert parting(without, with_both) == []
    assert parting(with_both, with_both) == []
    assert parting(with_both, with_both, replaced={bucket()["urn"]}) == [told]


def test_a_change_that_only_narrows_needs_nothing_more() -> None:
    free = permissions(report(role("shop-dev-worker", "lambda.amazonaws.com")))
    bound = permissions(report(role("shop-dev-worker", "lambda.amazonaws.com", permissionsBoundary=BOUNDARY)))

    assert more(free, bound) == []
    assert {action for one in more(bound, free) for action in one.actions} >= {"iam:CreateRole", "iam:PutRolePolicy"}


NOTHING_TO_UNDO = {
    "aws:acm/certificateValidation:CertificateValidation",
    "aws:backup/regionSettings:RegionSettings",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:guardduty/detectorFeature:DetectorFeature",
    "aws:ses/domainDkim:DomainDkim",
    "aws:lambda/invocation:Invocation",
}
"""What the provider forgets, and leaves as it is."""

NOTHING_TO_READ = {"aws:lambda/invocation:Invocation"}


@pytest.mark.parametrize("type_", sorted(one for one in SPECS if one.startswith("aws:")))
def test_every_type_that_is_rehearsed_can_be_read_again_and_undone(type_: str) -> None:
    inputs = {"forceDestroy": True}
    phases = {one.phase for one in facts.known(type_, inputs, (), {"s3", "kms", "ec2", "logs"}).facts}

    assert "read" in phases or type_ in NOTHING_TO_READ
    assert ("delete" in phases) != (type_ in NOTHING_TO_UNDO)
