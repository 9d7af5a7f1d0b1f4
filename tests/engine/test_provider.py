"""The stand-in for the provider: it makes, finds, changes and deletes in the account, and says what it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from engine.marks import BACKEND, NAME, SWITCH
from rehearsal.property_values import UNKNOWN, decode, encode
from tests.engine.conftest import Emulated, plugin, urn

QUEUE = "aws:sqs/queue:Queue"
GROUP = "aws:cloudwatch/logGroup:LogGroup"
VPC = "aws:ec2/vpc:Vpc"
BUCKET = "aws:s3/bucket:Bucket"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}],
    }
)


def test_without_the_switch_nobody_takes_it_for_the_real_provider(emulated: Emulated) -> None:
    with plugin({**emulated.environment, SWITCH: ""}) as started:
        said, errors = started.communicate(timeout=60)

    assert (started.returncode, said) == (2, "")
    assert f"{NAME}: {SWITCH} is not set: this is no real provider of AWS" in errors


def test_a_backend_of_another_is_refused_because_states_would_mix(emulated: Emulated) -> None:
    with plugin({**emulated.environment, BACKEND: "s3://real"}) as started:
        _said, errors = started.communicate(timeout=60)

    assert started.returncode == 2
    assert "s3://real" in errors
    assert "mixed" in errors


def test_an_account_that_was_killed_is_told_of(emulated: Emulated, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text((emulated.folder / "run.json").read_text(encoding="utf-8"), encoding="utf-8")
    with plugin({**emulated.environment, SWITCH: str(tmp_path)}) as started:
        _said, errors = started.communicate(timeout=60)

    assert started.returncode == 1
    assert f"{NAME}: the process of the account has ended" in errors


def test_names_are_made_once_and_stay(emulated: Emulated) -> None:
    first = emulated.checked(QUEUE, "jobs", {})
    again = decode(emulated.check(QUEUE, "jobs", {}, olds={**first, "name": "jobs-of-before"}).inputs)

    assert first["name"].startswith("jobs-")
    assert again["name"] == "jobs-of-before"
    assert first["__defaults"] == ["name"]
    assert first["tagsAll"] == {"Project": "plain"}


def test_the_new_one_of_a_replacement_has_another_name(emulated: Emulated) -> None:
    _id, _outputs, inputs = emulated.create(QUEUE, "replaced", {})
    new = decode(emulated.check(QUEUE, "replaced", {}, seed=b"another").inputs)

    assert new["name"].startswith("replaced-")
    assert new["name"] != inputs["name"]


def test_a_misspelt_input_fails_the_check(emulated: Emulated) -> None:
    failures = emulated.check(QUEUE, "jobs", {"visibilityTimeout": 30}).failures

    assert len(failures) == 1
    assert NAME in failures[0].reason
    assert "visibilityTimeoutSeconds" in failures[0].reason


def test_a_preview_creates_nothing_and_knows_no_id(emulated: Emulated) -> None:
    checked = emulated.checked(VPC, "previewed", {"cidrBlock": "10.9.0.0/16"})
    made = emulated.stub.Create(
        provider_pb2.CreateRequest(
            urn=urn(VPC, "previewed"), type=VPC, name="previewed", properties=encode(checked), preview=True
        )
    )
    blocks = [one["CidrBlock"] for one in emulated.aws("ec2").describe_vpcs()["Vpcs"]]

    assert made.id == ""
    assert decode(made.properties)["arn"] is UNKNOWN
    assert "10.9.0.0/16" not in blocks


def test_what_is_created_is_in_the_account_with_its_tags(emulated: Emulated) -> None:
    identifier, outputs, _ = emulated.create(VPC, "made", {"cidrBlock": "10.1.0.0/16", "tags": {"Name": "made"}})
    (there,) = emulated.aws("ec2").describe_vpcs(VpcIds=[identifier])["Vpcs"]

    assert outputs["arn"].endswith(identifier)
    assert there["CidrBlock"] == "10.1.0.0/16"
    assert {one["Key"]: one["Value"] for one in there["Tags"]} == {"Name": "made", "Project": "plain"}


def test_what_aws_refuses_fails_by_its_name(emulated: Emulated) -> None:
    checked = emulated.checked(VPC, "wrong", {"cidrBlock": "10.0.0.0/8"})

    with pytest.raises(grpc.RpcError) as failed:
        emulated.stub.Create(
            provider_pb2.CreateRequest(urn=urn(VPC, "wrong"), type=VPC, name="wrong", properties=encode(checked))
        )

    assert f"{NAME}: CreateVpc" in str(failed.value)


def test_a_difference_says_what_replaces_by_the_facts(emulated: Emulated) -> None:
    made = emulated.create(VPC, "compared", {"cidrBlock": "10.2.0.0/16"})
    same = emulated.diff(VPC, "compared", made, made[2])
    other = emulated.diff(VPC, "compared", made, {**made[2], "cidrBlock": "10.3.0.0/16"})
    tags = emulated.diff(VPC, "compared", made, {**made[2], "tags": {"Name": "x"}})

    assert same.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert (list(other.replaces), list(other.diffs)) == (["cidrBlock"], ["cidrBlock"])
    assert (list(tags.replaces), list(tags.diffs)) == ([], ["tags"])


def test_what_has_a_name_of_the_programs_goes_before_its_successor_comes(emulated: Emulated) -> None:
    named = emulated.create(QUEUE, "named", {"name": "named"})
    drawn = emulated.create(QUEUE, "drawn", {})
    replaced = [
        emulated.diff(QUEUE, name, made, {**made[2], "fifoQueue": True, "contentBasedDeduplication": True})
        for name, made in (("named", named), ("drawn", drawn))
    ]

    assert [list(one.replaces) for one in replaced] == [["fifoQueue"], ["fifoQueue"]]
    assert [one.deleteBeforeReplace for one in replaced] == [True, False]


def test_a_value_that_is_not_known_yet_is_a_difference(emulated: Emulated) -> None:
    made = emulated.create(GROUP, "unknown", {"name": "unknown"})
    found = emulated.diff(GROUP, "unknown", made, {**made[2], "kmsKeyId": UNKNOWN})

    assert list(found.diffs) == ["kmsKeyId"]


def test_a_change_reaches_the_account_and_is_read_from_it(emulated: Emulated) -> None:
    made = emulated.create(QUEUE, "changed", {"visibilityTimeoutSeconds": 30})
    emulated.update(QUEUE, "changed", made, {**made[2], "visibilityTimeoutSeconds": 60})
    there = emulated.aws("sqs").get_queue_attributes(QueueUrl=made[0], AttributeNames=["VisibilityTimeout"])

    assert there["Attributes"]["VisibilityTimeout"] == "60"
    assert emulated.diff(QUEUE, "changed", made, made[2]).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_tags_change_in_the_account(emulated: Emulated) -> None:
    made = emulated.create(VPC, "retagged", {"cidrBlock": "10.4.0.0/16", "tags": {"Name": "old", "Team": "a"}})
    news = {**made[2], "tags": {"Name": "new"}, "tagsAll": {"Name": "new", "Project": "plain"}}
    emulated.update(VPC, "retagged", made, news)
    (there,) = emulated.aws("ec2").describe_vpcs(VpcIds=[made[0]])["Vpcs"]

    assert {one["Key"]: one["Value"] for one in there["Tags"]} == {"Name": "new", "Project": "plain"}


def test_what_the_account_cannot_be_told_is_said(emulated: Emulated) -> None:
    topic = "aws:sns/topic:Topic"
    made = emulated.create(topic, "quiet", {"displayName": "a"})
    emulated.told()
    answer = emulated.update(topic, "quiet", made, {**made[2], "displayName": "b"})
    counted, said = emulated.told()

    assert decode(answer.properties)["displayName"] == "b"
    assert said == ["quiet updated in the state only: displayName"]
    assert counted == {"in the state only": 1}


def test_what_somebody_changes_beside_pulumi_is_found(emulated: Emulated) -> None:
    identifier, outputs, inputs = emulated.create(GROUP, "drifting", {"name": "drifting", "retentionInDays": 30})
    before = emulated.read(GROUP, "drifting", identifier, outputs, inputs)
    emulated.aws("logs").put_retention_policy(logGroupName="drifting", retentionInDays=7)
    after = emulated.read(GROUP, "drifting", identifier, outputs, inputs)

    assert decode(before.inputs)["retentionInDays"] == 30
    assert decode(after.inputs)["retentionInDays"] == 7
    assert decode(after.properties)["retentionInDays"] == 7


def test_the_policy_of_a_queue_survives_what_else_is_set_on_it(emulated: Emulated) -> None:
    queue = emulated.create(QUEUE, "letters", {"name": "letters"})
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue[1]["arn"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = emulated.create("aws:sqs/queuePolicy:QueuePolicy", "letters", {"queueUrl": queue[0], "policy": policy})
    emulated.aws("sqs").set_queue_attributes(QueueUrl=queue[0], Attributes={"DelaySeconds": "5"})
    read = emulated.read("aws:sqs/queuePolicy:QueuePolicy", "letters", *made)

    assert json.loads(decode(read.inputs)["policy"]) == json.loads(policy)


def test_what_somebody_deletes_beside_pulumi_is_gone(emulated: Emulated) -> None:
    identifier, outputs, inputs = emulated.create(GROUP, "deleted", {"name": "deleted"})
    emulated.create(GROUP, "deleted-but-for-this", {"name": "deleted-but-for-this"})
    emulated.aws("logs").delete_log_group(logGroupName="deleted")

    assert emulated.read(GROUP, "deleted", identifier, outputs, inputs).id == ""


def test_what_cannot_be_read_stays_as_it_was_and_is_counted(emulated: Emulated) -> None:
    role = emulated.create("aws:iam/role:Role", "reader", {"assumeRolePolicy": TRUST})
    attachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    identifier, outputs, inputs = emulated.create(
        attachment, "reads", {"role": role[2]["name"], "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    )
    emulated.told()
    answer = emulated.read(attachment, "reads", identifier, outputs, inputs)
    counted, _ = emulated.told()

    assert (answer.id, decode(answer.inputs)) == (identifier, inputs)
    assert counted == {"not read": 1}


def test_what_was_validated_only_is_neither_missed_nor_changed(emulated: Emulated) -> None:
    texts = {"blockedInputMessaging": "no", "blockedOutputsMessaging": "no"}
    guardrail = emulated.create("aws:bedrock/guardrail:Guardrail", "hollow", {"name": "hollow", **texts})
    parameter = "aws:ssm/parameter:Parameter"
    made = emulated.create(parameter, "hollow", {"name": "/hollow", "type": "String", "value": guardrail[0]})
    read = emulated.read(parameter, "hollow", *made)
    emulated.told()
    emulated.update(parameter, "hollow", made, {**made[2], "description": "x"})
    emulated.delete(parameter, "hollow", made)
    counted, said = emulated.told()

    assert read.id == made[0]
    assert said == ["hollow updated in the state only: description"]
    assert counted == {"in the state only": 1, "deleted from the state only": 1}


def test_what_is_deleted_is_gone_from_the_account(emulated: Emulated) -> None:
    made = emulated.create(GROUP, "temporary", {"name": "temporary"})
    emulated.delete(GROUP, "temporary", made)

    assert emulated.aws("logs").describe_log_groups(logGroupNamePrefix="temporary")["logGroups"] == []


def test_two_things_of_one_id_are_kept_apart(emulated: Emulated) -> None:
    target = "aws:appautoscaling/target:Target"
    table = {"hashKey": "id", "attributes": [{"name": "id", "type": "S"}], "readCapacity": 5, "writeCapacity": 5}
    emulated.create("aws:dynamodb/table:Table", "scaled", {"name": "scaled", "billingMode": "PROVISIONED", **table})
    made = {
        name: emulated.create(
            target,
            name,
            {
                "serviceNamespace": "dynamodb",
                "resourceId": "table/scaled",
                "scalableDimension": f"dynamodb:table:{name}CapacityUnits",
                "minCapacity": 1,
                "maxCapacity": 9,
            },
        )
        for name in ("Read", "Write")
    }
    assert made["Read"][0] == made["Write"][0]
    emulated.delete(target, "Read", made["Read"])
    emulated.delete(target, "Write", made["Write"])

    with pytest.raises(grpc.RpcError, match="another account's"):
        emulated.delete(target, "Write", made["Write"])


def test_a_bucket_goes_with_its_content_only_where_the_program_says_so(emulated: Emulated) -> None:
    kept = emulated.create(BUCKET, "kept", {"bucket": "kept-with-content"})
    given = emulated.create(BUCKET, "given", {"bucket": "given-with-content", "forceDestroy": True})
    for name in ("kept-with-content", "given-with-content"):
        emulated.aws("s3").put_object(Bucket=name, Key="a", Body=b"b")
    emulated.delete(BUCKET, "given", given)

    with pytest.raises(grpc.RpcError, match="BucketNotEmpty"):
        emulated.delete(BUCKET, "kept", kept)
    assert [one["Name"] for one in emulated.aws("s3").list_buckets()["Buckets"] if "content" in one["Name"]] == [
        "kept-with-content"
    ]


def test_a_state_of_another_account_is_refused(emulated: Emulated) -> None:
    foreign = ("vpc-0123456789abcdef0", {}, {"cidrBlock": "10.5.0.0/16"})

    for act in (
        lambda: emulated.diff(VPC, "foreign", foreign, foreign[2]),
        lambda: emulated.update(VPC, "foreign", foreign, foreign[2]),
        lambda: emulated.read(VPC, "foreign", *foreign),
        lambda: emulated.delete(VPC, "foreign", foreign),
    ):
        with pytest.raises(grpc.RpcError, match="another account's"):
            act()


def test_what_is_there_can_be_imported(emulated: Emulated) -> None:
    emulated.aws("logs").create_log_group(logGroupName="by-hand")
    emulated.aws("logs").put_retention_policy(logGroupName="by-hand", retentionInDays=14)
    there = emulated.read(GROUP, "by-hand", "by-hand", {}, {})
    missing = emulated.read(GROUP, "not-there", "not-there", {}, {})

    assert (there.id, decode(there.inputs)["retentionInDays"]) == ("by-hand", 14)
    assert missing.id == ""


def test_look_ups_are_answered_as_a_rehearsal_answers_them(emulated: Emulated) -> None:
    zones = emulated.stub.Invoke(
        provider_pb2.InvokeRequest(
            tok="aws:index/getAvailabilityZones:getAvailabilityZones", args=encode({"state": "available"})
        )
    )
    nothing = emulated.stub.Invoke(
        provider_pb2.InvokeRequest(tok="aws:ec2/getVpc:getVpc", args=encode({"id": "vpc-0123456789abcdef0"}))
    )

    assert decode(getattr(zones, "return"))["names"][0].startswith("ap-northeast-1")
    assert nothing.failures
