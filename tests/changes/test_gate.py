"""What a person must decide: data that would be lost, what stops in the middle, names that are taken."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from changes import facts, gate
from changes.__main__ import judged
from changes.show import Comparison
from changes.stores import STORES
from tests.changes.conftest import made, only, side

TABLE = "aws:dynamodb/table:Table"
BUCKET = "aws:s3/bucket:Bucket"
INSTANCE = "aws:rds/instance:Instance"


def removed(type_: str, given: dict[str, Any], **said: Any) -> Comparison:
    return judged(side(made(type_, "it", given, **said)), side())


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        (TABLE, {}),
        (BUCKET, {"forceDestroy": True}),
        (INSTANCE, {"skipFinalSnapshot": True}),
        (INSTANCE, {"skipFinalSnapshot": True, "finalSnapshotIdentifier": "never-made"}),
        ("aws:rds/cluster:Cluster", {"skipFinalSnapshot": True}),
        ("aws:efs/fileSystem:FileSystem", {}),
        ("aws:kms/key:Key", {"deletionWindowInDays": 30}),
        ("aws:cognito/userPool:UserPool", {"deletionProtection": "INACTIVE"}),
        ("aws:cloudwatch/logGroup:LogGroup", {}),
        ("aws:sqs/queue:Queue", {}),
        ("aws:keyspaces/table:Table", {}),
        ("aws:redshiftserverless/namespace:Namespace", {}),
        ("aws:s3tables/table:Table", {}),
        ("aws:elasticsearch/domain:Domain", {}),
        ("aws:secretsmanager/secret:Secret", {"recoveryWindowInDays": 0}),
        ("aws:opensearch/serverlessCollection:ServerlessCollection", {}),
    ],
)
def test_what_keeps_data_is_not_deleted_unseen(type_: str, given: dict[str, Any]) -> None:
    comparison = removed(type_, given)

    assert comparison.refused
    assert only(comparison).data_loss
    (problem,) = comparison.problems
    assert (problem.level, problem.rule) == ("error", gate.DATA_LOSS)
    assert "retain_on_delete" in problem.remedy


@pytest.mark.parametrize(
    ("type_", "given", "said", "rule"),
    [
        (TABLE, {"deletionProtectionEnabled": True}, {}, gate.REFUSED),
        (BUCKET, {}, {}, gate.REFUSED),
        (INSTANCE, {"deletionProtection": True}, {}, gate.REFUSED),
        (TABLE, {}, {"protect": True}, gate.REFUSED),
        ("aws:ec2/vpc:Vpc", {}, {"protect": True}, gate.REFUSED),
    ],
)
def test_what_the_engine_or_aws_refuses_is_told_before(
    type_: str, given: dict[str, Any], said: dict[str, Any], rule: str
) -> None:
    comparison = removed(type_, given, **said)

    assert comparison.refused
    assert [problem.rule for problem in comparison.problems] == [rule]
    assert not only(comparison).data_loss


@pytest.mark.parametrize(
    ("type_", "given", "remains"),
    [
        (INSTANCE, {"finalSnapshotIdentifier": "orders-final"}, "the final snapshot orders-final"),
        ("aws:secretsmanager/secret:Secret", {}, "restoring it within 30 days"),
    ],
)
def test_what_leaves_a_way_back_is_a_warning(type_: str, given: dict[str, Any], remains: str) -> None:
    comparison = removed(type_, given)

    assert not comparison.refused
    (problem,) = comparison.problems
    assert (problem.level, remains in problem.message) == ("warning", True)


def test_the_stores_are_types_that_there_are() -> None:
    assert STORES.keys() <= facts.known_types()


def test_what_stays_in_the_account_is_no_problem() -> None:
    comparison = removed(TABLE, {}, retain_on_delete=True)

    assert comparison.problems == []
    assert any("no longer managed" in means for means in only(comparison).means)


def test_a_replacement_names_the_property() -> None:
    before, after = made(TABLE, "orders", {"hashKey": "a"}), made(TABLE, "orders", {"hashKey": "b"})
    (problem,) = judged(side(before), side(after)).problems

    assert "orders would be replaced (changed: hashKey)" in problem.message


def test_a_property_that_nobody_knows_is_told_of_a_store() -> None:
    before, after = made(TABLE, "orders", {"invented": "a"}), made(TABLE, "orders", {"invented": "b"})
    comparison = judged(side(before), side(after))

    assert not comparison.refused
    assert [problem.rule for problem in comparison.problems] == [gate.UNKNOWN]


def test_a_name_that_is_taken_until_the_old_one_goes_collides() -> None:
    before = made("aws:sns/topic:Topic", "old", {"name": "alerts"})
    after = made("aws:sns/topic:Topic", "new", {"name": "alerts"})
    (problem,) = judged(side(before), side(after)).problems

    assert problem.rule == gate.COLLISION
    assert before.urn in problem.remedy


@pytest.mark.parametrize(
    ("type_", "old", "new"),
    [
        ("aws:acm/certificate:Certificate", {"domainName": "example.com"}, {"domainName": "example.com"}),
        (
            "aws:route53/record:Record",
            {"name": "example.com", "zoneId": "Z1", "type": "A"},
            {"name": "example.com", "zoneId": "Z1", "type": "TXT"},
        ),
        ("aws:iam/rolePolicy:RolePolicy", {"name": "read", "role": "one"}, {"name": "read", "role": "two"}),
    ],
)
def test_a_name_that_two_may_have_does_not_collide(type_: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    assert judged(side(made(type_, "old", old)), side(made(type_, "new", new))).problems == []


NAME = {"name": "team", "attributeDataType": "String"}


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        ([NAME], [NAME, {**NAME, "name": "office"}], False),
        ([NAME, {**NAME, "name": "office"}], [NAME], True),
        ([NAME], [{**NAME, "mutable": True}], True),
    ],
)
def test_attributes_of_a_user_pool_can_be_added_only(old: list[Any], new: list[Any], refused: bool) -> None:
    pools = [made("aws:cognito/userPool:UserPool", "pool", {"schemas": schemas}) for schemas in (old, new)]
    comparison = judged(*map(side, pools))

    assert (only(comparison).kind, comparison.refused) == ("update", refused)
    assert [problem.rule for problem in comparison.problems] == [gate.REFUSED] * refused


def test_a_waiver_takes_reason_and_date() -> None:
    before, after = side(made(TABLE, "orders", {})), side()
    changes = judged(before, after).changes
    soon = (datetime.datetime.now(tz=datetime.UTC).date() + datetime.timedelta(days=9)).isoformat()
    waiver = {"rule": gate.DATA_LOSS, "urn": "*::orders", "reason": "The table was only tried.", "until": soon}

    def waived(**changed: Any) -> bool:
        found = gate.problems(changes, before, after, [{**waiver, **changed}])
        return any(one.waived for one in found if one.rule == gate.DATA_LOSS)

    assert waived()
    assert not waived(until="2020-01-01")
    assert not waived(reason="")
    assert not waived(reason="later")
    assert not waived(until="never")
    assert not waived(until="2999-01-01")
    assert not waived(urn="*::other")
    assert not waived(rule=gate.COLLISION)


def test_a_waiver_that_is_not_in_order_is_told() -> None:
    waiver = {"rule": "change-data-lost", "urn": "*", "reason": "The table was only tried.", "until": "2020-01-01"}
    soon = (datetime.datetime.now(tz=datetime.UTC).date() + datetime.timedelta(days=9)).isoformat()
    found = gate.problems([], side(), side(), [waiver, {**waiver, "until": soon}, {**waiver, "rule": "bucket-logs"}])

    assert [(problem.level, problem.rule) for problem in found] == [("warning", gate.LEDGER)] * 2
    assert "expired" in found[0].message
    assert "there is no rule change-data-lost" in found[1].message


def test_who_is_encrypted_under_a_key_is_named() -> None:
    key = made("aws:kms/key:Key", "key", {})
    table = made(TABLE, "orders", {"serverSideEncryption": {"kmsKeyArn": "k"}}, depends_on=(key.urn,))
    (problem,) = judged(side(key, table), side(table)).problems

    assert "orders" in problem.message
