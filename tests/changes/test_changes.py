"""What a change does to each resource: the kinds, their reasons, and what follows from them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import pytest

from changes import facts
from changes.__main__ import judged
from changes.model import Resource
from rehearsal.cloud.specs import SPECS
from tests.changes.conftest import made, of, only, side, urn_of

TABLE = "aws:dynamodb/table:Table"
SUBNET = "aws:ec2/subnet:Subnet"
VPC = "aws:ec2/vpc:Vpc"
BUCKET = "aws:s3/bucket:Bucket"
# Newer than the provider that was measured, and without a schema of AWS's that translates.
NOT_MEASURED = {
    # By AWS's schema, in which it has a ServiceName.
    "aws:ecs/expressGatewayService:ExpressGatewayService",
}
GROUP = "aws:cloudwatch/logGroup:LogGroup"


def one(type_: str, old: dict[str, Any], new: dict[str, Any], **said: Any) -> Any:
    before, after = made(type_, "it", old, **said), made(type_, "it", new, **said)
    return judged(side(before), side(after))


@pytest.mark.parametrize(
    ("type_", "old", "new", "kind", "path"),
    [
        (TABLE, {"hashKey": "a"}, {"hashKey": "b"}, "replace", "hashKey"),
        (TABLE, {"billingMode": "PROVISIONED"}, {"billingMode": "PAY_PER_REQUEST"}, "update", "billingMode"),
        (BUCKET, {"bucket": "a"}, {"bucket": "b"}, "replace", "bucket"),
        (GROUP, {"logGroupClass": "STANDARD"}, {"logGroupClass": "INFREQUENT_ACCESS"}, "replace", "logGroupClass"),
        (GROUP, {"retentionInDays": 30}, {"retentionInDays": 7}, "update", "retentionInDays"),
        ("aws:ecs/service:Service", {"launchType": "EC2"}, {"launchType": "FARGATE"}, "replace", "launchType"),
        (
            "aws:kms/key:Key",
            {"customerMasterKeySpec": "SYMMETRIC_DEFAULT"},
            {"customerMasterKeySpec": "RSA_2048"},
            "replace",
            "customerMasterKeySpec",
        ),
        ("aws:rds/instance:Instance", {"engineVersion": "16.3"}, {"engineVersion": "17.2"}, "update", "engineVersion"),
        ("aws:rds/instance:Instance", {"engine": "mysql"}, {"engine": "postgres"}, "replace", "engine"),
        (
            "aws:cognito/userPool:UserPool",
            {"usernameAttributes": ["email"]},
            {"usernameAttributes": ["phone_number"]},
            "replace",
            "usernameAttributes",
        ),
        (SUBNET, {"tags": {"Tier": "web"}}, {"tags": {"Tier": "public"}}, "update", "tags.Tier"),
        (BUCKET, {"region": "ap-northeast-1"}, {"region": "ap-northeast-3"}, "replace", "region"),
        (
            "aws:ec2/instance:Instance",
            {"ebsBlockDevices": [{"deviceName": "/dev/sdb", "volumeSize": 8}]},
            {"ebsBlockDevices": [{"deviceName": "/dev/sdc", "volumeSize": 8}]},
            "replace",
            "ebsBlockDevices[0].deviceName",
        ),
    ],
)
def test_the_worst_property_decides(type_: str, old: dict[str, Any], new: dict[str, Any], kind: str, path: str) -> None:
    change = only(one(type_, old, new))

    assert (change.kind, [each.path for each in change.properties]) == (kind, [path])
    assert change.properties[0].fact


@pytest.mark.parametrize(("replaces", "kind"), [(True, "replace"), (False, "update")])
def test_what_hangs_on_another_input_is_decided_by_it(replaces: bool, kind: str) -> None:
    host = {"userDataReplaceOnChange": replaces}
    changed = one("aws:ec2/instance:Instance", {**host, "userData": "a"}, {**host, "userData": "b"})

    assert only(changed).kind == kind
    assert "userDataReplaceOnChange" in only(changed).properties[0].fact


def test_what_nobody_knows_is_never_called_an_update() -> None:
    assert only(one(TABLE, {"invented": 1}, {"invented": 2})).kind == "unknown"
    assert only(one("aws:nowhere/thing:Thing", {"size": 1}, {"size": 2})).kind == "unknown"
    nested = one(TABLE, {"ttl": {"invented": 1}}, {"ttl": {"invented": 2}})
    assert only(nested).kind == "unknown"


def test_a_type_that_was_not_measured_is_judged_by_awss_schema() -> None:
    collection = "aws:opensearch/serverlessCollection:ServerlessCollection"
    assert facts.fact("aws:s3tables/unknown:Unknown", ["name"], {}).effect == "unknown"
    assert "measured" in facts.fact(collection, ["type"], {}).source


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"ignored": None}, {}),
        ({"forceDestroy": False}, {}),
        ({"policy": '{"a": 1, "b": 2}'}, {"policy": '{"b": 2,"a": 1}'}),
        ({"availabilityZone": "ap-northeast-1a"}, {}),
    ],
)
def test_what_says_the_same_is_no_change(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert one(SUBNET, old, new).changes == []


def test_a_document_is_compared_as_what_it_says() -> None:
    old, new = ({"policy": json.dumps({"Statement": [{"Action": action}]})} for action in ("s3:Get*", "s3:Put*"))
    (found,) = only(one("aws:iam/policy:Policy", old, new)).properties

    assert (found.path, found.old, found.new) == ("policy.Statement[0].Action", "s3:Get*", "s3:Put*")
    assert found.effect == "in-place"


def test_a_value_that_the_account_already_has_is_no_change() -> None:
    before = made(GROUP, "it", {}, outputs={"logGroupClass": "STANDARD"})
    after = made(GROUP, "it", {"logGroupClass": "STANDARD"})
    assert judged(side(before), side(after)).changes == []


def test_names_that_pulumi_makes_up_are_no_change_and_fall_with_the_resource() -> None:
    old = made(TABLE, "it", {"name": "it-1a2b3c4", "hashKey": "a"}, defaulted=frozenset({"name"}))
    assert judged(side(old), side(made(TABLE, "it", {"hashKey": "a"}))).changes == []


def test_options_of_the_program_have_their_say() -> None:
    ignoring = one(TABLE, {"hashKey": "a"}, {"hashKey": "b"}, ignore_changes=("hashKey",))
    assert ignoring.changes == []
    insisting = one(TABLE, {"billingMode": "a"}, {"billingMode": "b"}, replace_on_changes=("billingMode",))
    assert only(insisting).kind == "replace"
    assert "replace_on_changes" in only(insisting).properties[0].fact


def test_an_alias_makes_a_rename_of_what_would_be_lost() -> None:
    old = made(TABLE, "old", {"hashKey": "a"})
    new = made(TABLE, "new", {"hashKey": "a"})
    renamed = made(TABLE, "new", {"hashKey": "a"}, aliases=(old.urn,))

    assert sorted(each.kind for each in judged(side(old), side(new)).changes) == ["create", "delete"]
    change = only(judged(side(old), side(renamed)))
    assert (change.kind, change.was, change.data_loss) == ("rename", old.urn, False)


# What follows.


def _network(cidr: str) -> list[Resource]:
    vpc = made(VPC, "vpc", {"cidrBlock": cidr}, id_="vpc-0123456789")
    subnet = made(
        SUBNET,
        "subnet",
        {"vpcId": "vpc-0123456789", "cidrBlock": "10.0.1.0/24"},
        id_="subnet-0123456789",
        property_dependencies={"vpcId": (vpc.urn,)},
    )
    service = made(
        "aws:ecs/service:Service",
        "service",
        {"networkConfiguration": {"subnets": ["subnet-0123456789"]}},
        property_dependencies={"networkConfiguration": (subnet.urn,)},
    )
    return [vpc, subnet, service]


def test_new_ids_are_followed_down_the_graph() -> None:
    comparison = judged(side(*_network("10.0.0.0/16")), side(*_network("10.1.0.0/16")))

    kinds = {each.name: each.kind for each in comparison.changes}
    assert kinds == {"vpc": "replace", "subnet": "replace", "service": "update"}
    assert of(comparison, "vpc").follows == [urn_of(SUBNET, "subnet"), urn_of("aws:ecs/service:Service", "service")]
    assert "follows from the replacement of vpc" in of(comparison, "subnet").properties[0].fact


def _database(encrypted: bool) -> list[Resource]:
    cluster = made(
        "aws:rds/cluster:Cluster",
        "cluster",
        {"clusterIdentifier": "orders", "storageEncrypted": encrypted, "skipFinalSnapshot": True},
        id_="orders",
    )
    instance = made(
        "aws:rds/clusterInstance:ClusterInstance",
        "instance",
        {"clusterIdentifier": "orders", "instanceClass": "db.t4g.medium"},
        property_dependencies={"clusterIdentifier": (cluster.urn,)},
    )
    alarm = made(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "alarm",
        {"dimensions": {"DBClusterIdentifier": "orders"}},
        property_dependencies={"dimensions": (cluster.urn,)},
    )
    return [cluster, instance, alarm]


def test_what_keeps_its_name_is_deleted_first_and_takes_what_stands_on_it_along() -> None:
    comparison = judged(side(*_database(False)), side(*_database(True)))

    kinds = {each.name: each.kind for each in comparison.changes}
    assert kinds == {"cluster": "replace", "instance": "replace"}
    assert any("gone meanwhile" in means for means in of(comparison, "cluster").means)


# The state of an account, whose ids are its own.


def test_ids_of_the_account_are_no_changes() -> None:
    old, new = _network("10.0.0.0/16"), _network("10.0.0.0/16")
    ids = {"vpc-0123456789": "vpc-0fedcba987", "subnet-0123456789": "subnet-0fedcba987"}

    def real(value: Any) -> Any:
        text = json.dumps(value)
        for mine, theirs in ids.items():
            text = text.replace(mine, theirs)
        return json.loads(text)

    account = [made(each.type, each.name, real(dict(each.inputs)), id_=ids.get(each.id, each.id)) for each in old]
    assert judged(side(*account), side(*new)).changes == []


def _bucket(name: str, account: str = "123456789012") -> list[Resource]:
    arn = f"arn:aws:s3:::{name}"
    bucket = made(BUCKET, "files", {"bucket": name}, id_=name, outputs={"arn": arn})
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Resource": f"{arn}/*"}
    policy = made(
        "aws:s3/bucketPolicy:BucketPolicy",
        "policy",
        {"bucket": name, "policy": json.dumps({"Statement": [{**statement, "Action": "s3:GetObject"}]})},
        id_=name,
        property_dependencies={"bucket": (bucket.urn,), "policy": (bucket.urn,)},
    )
    topic = made("aws:sns/topic:Topic", "topic", {}, outputs={"arn": f"arn:aws:sns:eu-west-1:{account}:topic"})
    return [bucket, policy, topic]


def test_another_name_that_the_program_gives_is_no_id_of_the_account() -> None:
    comparison = judged(side(*_bucket("files-of-old")), side(*_bucket("files-of-new")))

    assert {each.name: each.kind for each in comparison.changes} == {"files": "replace", "policy": "replace"}
    assert comparison.refused


def test_the_number_of_the_account_is_no_change() -> None:
    theirs = side(*_bucket("files-210987654321", "210987654321"))
    comparison = judged(theirs, side(*_bucket("files-123456789012")))

    assert (comparison.changes, comparison.security) == ([], [])


def test_a_name_that_pulumi_made_for_the_other_stack_is_no_change() -> None:
    def table(stack: str) -> Resource:
        urn = f"urn:pulumi:{stack}::app::{TABLE}::it"
        return made(TABLE, "it", {"name": f"it-{hashlib.sha256(urn.encode()).hexdigest()[:7]}"}, urn=urn)

    assert judged(side(table("prod"), stack="prod"), side(table("dev"))).changes == []


def test_what_the_stack_only_reads_is_neither_made_nor_deleted() -> None:
    read = dataclasses.replace(made(BUCKET, "it", {}), custom=False)

    assert judged(side(read), side()).changes == judged(side(), side(read)).changes == []


@pytest.mark.parametrize("depth", ["value", "map", "list"])
def test_a_secret_is_never_told_wherever_it_lies(depth: str) -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"hunter2"'}
    value: Any = {"value": secret, "map": {"variables": {"KEY": secret}}, "list": [secret, "a"]}[depth]
    function = "aws:lambda/function:Function"
    for old, new in (({"environment": value}, {}), ({}, {"environment": value})):
        assert "hunter2" not in json.dumps(one(function, old, new).as_json())


def test_a_secret_of_one_side_hides_what_the_other_says() -> None:
    assert one("aws:rds/instance:Instance", {"password": "hunter2"}, {"password": "[secret]"}).changes == []


def test_our_own_types_are_all_known() -> None:
    newer = {type_ for type_ in SPECS if type_.startswith("aws:")} - facts.known_types()
    assert {type_ for type_ in newer if facts.fact(type_, ["name"], {}).effect == "unknown"} <= NOT_MEASURED
