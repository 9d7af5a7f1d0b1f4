"""What a change opens or weakens, in words, and how a comparison reads."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from changes import show
from changes.__main__ import judged
from changes.model import Resource, Side
from tests.changes.conftest import made, side

ROLE = "api-task"


def policy(*actions: str, resource: str = "arn:aws:s3:::logs", **said: Any) -> Resource:
    document = {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource, **said}]}
    return made("aws:iam/rolePolicy:RolePolicy", "policy", {"role": ROLE, "policy": json.dumps(document)})


BUCKET = made("aws:s3/bucket:Bucket", "logs-bucket", {"bucket": "logs"}, outputs={"arn": "arn:aws:s3:::logs"})


def sentences(before: Side, after: Side) -> list[tuple[str, str]]:
    return [(one.direction, one.text) for one in judged(before, after).security]


def test_a_new_right_is_said_by_who_and_what() -> None:
    before = side(BUCKET, policy("s3:GetObject", resource="arn:aws:s3:::logs/*"))
    after = side(BUCKET, policy("s3:GetObject", "s3:DeleteObject", resource="arn:aws:s3:::logs/*"))

    assert sentences(before, after) == [("more", "api-task may now call s3:DeleteObject on logs-bucket/*")]
    assert sentences(after, before) == [("less", "api-task may no longer call s3:DeleteObject on logs-bucket/*")]


def test_a_condition_that_goes_is_a_new_right() -> None:
    narrow = policy("s3:GetObject", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
    more = [text for direction, text in sentences(side(narrow), side(policy("s3:GetObject"))) if direction == "more"]

    assert more == ["api-task may now call s3:GetObject on arn:aws:s3:::logs"]


@pytest.mark.parametrize(
    ("type_", "old", "new", "said"),
    [
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {"cidrIpv4": "10.0.0.0/8", "fromPort": 22, "toPort": 22},
            {"cidrIpv4": "0.0.0.0/0", "fromPort": 22, "toPort": 22},
            "it is now open to the internet: port 22",
        ),
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {"cidrIpv4": "10.0.0.0/8", "fromPort": 22, "toPort": 22},
            {"cidrIpv4": "128.0.0.0/1", "fromPort": 22, "toPort": 22},
            "it is now open to the internet: port 22",
        ),
        (
            "aws:iam/role:Role",
            {},
            {"managedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]},
            "it may now call everything in AdministratorAccess on what that policy names",
        ),
        (
            "aws:iam/rolePolicy:RolePolicy",
            {"role": "api"},
            {"role": "api", "policy": '{"Statement": {"Effect": "Allow", "Action": "s3:*", "NotResource": "x"}}'},
            "api may now call s3:* on everything but x",
        ),
        (
            "aws:rds/instance:Instance",
            {"publiclyAccessible": False},
            {"publiclyAccessible": True},
            "it is now open to the internet: a public address",
        ),
        (
            "aws:cloudwatch/logGroup:LogGroup",
            {"retentionInDays": 365},
            {"retentionInDays": 7},
            "it keeps less: retentionInDays 365 → 7",
        ),
        ("aws:kms/key:Key", {"enableKeyRotation": True}, {}, "it: enableKeyRotation True → None"),
        (
            "aws:dynamodb/table:Table",
            {"deletionProtectionEnabled": True},
            {"deletionProtectionEnabled": False},
            "it: deletionProtectionEnabled True → False",
        ),
    ],
)
def test_what_is_opened_or_weakened_is_said(type_: str, old: dict[str, Any], new: dict[str, Any], said: str) -> None:
    before, after = side(made(type_, "it", old)), side(made(type_, "it", new))

    assert ("more", said) in sentences(before, after)
    assert not [text for direction, text in sentences(after, before) if direction == "more"]


def test_a_denial_that_goes_is_said() -> None:
    denying = policy("s3:*", Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})
    before, after = side(denying), side(policy("s3:Get*"))

    assert (
        "more",
        "policy no longer denies s3:* (if aws:SecureTransport Bool false) on arn:aws:s3:::logs",
    ) in sentences(before, after)
    assert sentences(after, side(denying))[0][0] == "less"


@pytest.mark.parametrize("statement", ["null", "[null, 3]", '[{"Effect": "Allow", "Principal": null}]'])
def test_a_policy_that_is_none_says_nothing(statement: str) -> None:
    document = f'{{"Statement": {statement}}}'
    role = made("aws:iam/role:Role", "it", {"assumeRolePolicy": document})

    assert sentences(side(), side(role, made("aws:sqs/queuePolicy:QueuePolicy", "it", {"policy": document}))) == []


def test_a_guard_that_goes_is_said_while_what_it_guards_stays() -> None:
    guard = made(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "guard",
        {"bucket": "logs", **dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "restrictPublicBuckets"), True)},
        property_dependencies={"bucket": (BUCKET.urn,)},
    )
    said = [("more", "guard is deleted: the bucket's policy and ACLs may open it to the public")]

    assert sentences(side(BUCKET, guard), side(BUCKET)) == said
    assert sentences(side(BUCKET, guard), side()) == []


def test_a_log_group_without_days_keeps_for_ever() -> None:
    group = "aws:cloudwatch/logGroup:LogGroup"
    before, after = side(made(group, "it", {})), side(made(group, "it", {"retentionInDays": 365}))

    assert [direction for direction, _ in sentences(before, after)] == ["more"]


# How it reads.


def _printed(comparison: show.Comparison, **said: Any) -> str:
    stream = io.StringIO()
    show.text(Console(file=stream, width=200, highlight=False, soft_wrap=True), comparison, **said)
    return stream.getvalue()


def _lost() -> show.Comparison:
    table = "aws:dynamodb/table:Table"
    return judged(side(made(table, "orders", {"hashKey": "a"})), side(made(table, "orders", {"hashKey": "b"})))


def test_the_verdict_comes_first_then_what_a_person_must_decide() -> None:
    lines = _printed(_lost()).splitlines()

    assert lines[0] == "refused: dev against main: 1 replaced; 1 lose data"
    assert lines[1].startswith("error [change-data-loss] the table orders would be replaced")
    assert any(line.strip() == 'hashKey: "a" → "b" forces replacement' for line in lines)


def test_what_is_new_is_counted_and_named_when_asked() -> None:
    new = side(*(made("aws:sqs/queue:Queue", f"queue-{number}", {}) for number in range(3)))
    comparison = judged(side(), new)

    assert "created: 3 × sqs Queue" in _printed(comparison)
    assert "queue-2" in _printed(comparison, verbose=True)


def test_a_comment_cannot_be_steered_and_is_cut_where_github_would_refuse_it() -> None:
    queue = "aws:sqs/queue:Queue"
    before = side(*(made(queue, f"q{number}", {"name": "<b>@team`" * 20}) for number in range(900)))
    text = show.markdown(judged(before, side()))

    assert len(text) < 65_536
    assert "<b>" not in text
    assert "cut here" in text
    assert text.count("<details") == text.count("</details>")


def test_the_name_of_a_tag_is_no_markup() -> None:
    queue = "aws:sqs/queue:Queue"
    key, name = "`<img src=x>`", "a [b](https://example.com)\n# c"
    before, after = (side(made(queue, name, {"tags": {key: value}})) for value in "ab")
    text = show.markdown(judged(before, after))

    (line,) = [line for line in text.splitlines() if "<img" in line]
    assert line.count("`") == 6
    assert "\\[b\\](" in text
    assert not [line for line in text.splitlines() if line.startswith("# ")]


def test_the_json_counts_what_it_lists() -> None:
    content = _lost().as_json()

    assert content["counts"]["replace"] == len(content["changes"]) == 1
    assert content["counts"]["errors"] == 1
    assert set(content) >= {"stack", "against", "changes", "security", "problems", "counts"}
    assert set(content["changes"][0]["properties"][0]) == {"path", "old", "new", "effect", "fact"}
