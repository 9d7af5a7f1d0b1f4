"""Values between the wire and Python, names against the SDK, and references: the pure parts."""

from __future__ import annotations

from typing import Any

import pulumi_aws as aws
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal import sdk
from rehearsal.cloud.references import References
from rehearsal.property_values import UNKNOWN, Secret, decode, encode, has_unknown, plain, shown

LEAVES = st.one_of(st.text(), st.booleans(), st.integers(-(2**52), 2**52), st.just(UNKNOWN), st.text().map(Secret))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=5), inner), inner.map(Secret)),
    max_leaves=12,
)


def secret_of_secret(value: Any) -> bool:
    if isinstance(value, Secret):
        return isinstance(value.value, Secret) or secret_of_secret(value.value)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return any(secret_of_secret(item) for item in items)


@given(st.dictionaries(st.text(max_size=5), VALUES))
def test_what_is_encoded_is_decoded_again(properties: dict[str, Any]) -> None:
    assert decode(encode(properties)) == properties


def test_whole_numbers_stay_whole_and_nulls_are_dropped() -> None:
    assert decode(encode({"port": 443, "rate": 0.5, "none": None})) == {"port": 443, "rate": 0.5}
    assert isinstance(decode(encode({"port": 443}))["port"], int)


def test_a_secret_is_collected_and_hidden_wherever_it_turns_up() -> None:
    secrets: set[str] = set()
    value = {"word": Secret("hunter2"), "url": "https://user:hunter2@host", "list": [Secret({"a": "token99"})]}
    assert plain(value, secrets)["word"] == "hunter2"
    assert secrets == {"hunter2", "token99"}
    assert shown(value, secrets) == {"word": "[secret]", "url": "https://user:[secret]@host", "list": ["[secret]"]}


def test_a_word_that_is_also_a_secret_is_not_hidden_wherever_it_turns_up() -> None:
    """`true` may be a secret setting; everything that is true is not."""
    secrets: set[str] = set()
    value = {"level": Secret("DEBUG"), "on": Secret("true"), "other": "true", "text": "DEBUG is noisy"}
    plain(value, secrets)

    assert shown(value, secrets) == {"level": "[secret]", "on": "[secret]", "other": "true", "text": "DEBUG is noisy"}


def test_an_unknown_is_found_at_any_depth() -> None:
    assert has_unknown({"a": [{"b": Secret(UNKNOWN)}]})
    assert not has_unknown({"a": [{"b": Secret("x")}]})
    assert shown({"a": UNKNOWN}) == {"a": "[unknown]"}


@pytest.mark.parametrize(
    ("type_", "inputs", "wrong"),
    [
        (aws.ec2.Vpc, {"cidrBlock": "x", "tags": {"anyKey": "y"}}, []),
        (aws.ec2.Vpc, {"cidr_block": "x"}, ["cidr_block"]),
        (aws.s3.BucketVersioning, {"versioningConfiguration": {"stauts": "x"}}, ["versioningConfiguration.stauts"]),
        (aws.s3.BucketLifecycleConfiguration, {"rules": [{"id": "a"}, {"idd": "b"}]}, ["rules[1].idd"]),
        (aws.ec2.SecurityGroup, {"ingress": [Secret({"protocl": "tcp"})]}, ["ingress[0].protocl"]),
    ],
)  # fmt: skip
def test_names_are_held_against_the_sdks_own_classes(type_: Any, inputs: dict[str, Any], wrong: list[str]) -> None:
    token = next(token for token in tokens(type_) if sdk.resource_class(token) is type_)
    assert [name.path for name in sdk.wrong_inputs(token, inputs)] == wrong


def tokens(type_: Any) -> list[str]:
    name = type_.__name__
    return [f"aws:{module}/{name[0].lower()}{name[1:]}:{name}" for module in ("ec2", "s3")]


def test_outputs_are_told_from_outputs_that_may_be_absent() -> None:
    always, optional = sdk.output_names("aws:ec2/vpc:Vpc")
    assert {"arn", "mainRouteTableId"} <= always
    assert "tags" in optional
    assert not always & optional


ARN = "arn:aws:sqs:ap-northeast-1:123456789012:jobs"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("vpc-0123456789abcdef0", ["vpc-0123456789abcdef0"]),
        ('{"Resource": "subnet-0123456789abcdef0"}', ["subnet-0123456789abcdef0"]),
        ("my-vpc-0123456789abcdef0", []),
        ("vpc-flow-logs", []),
        ("ami-0123456789abcdef0", []),
        (ARN, [ARN]),
        ("arn:aws:iam::123456789012:root", []),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", []),
        ("arn:aws:logs:ap-northeast-1:123456789012:*", []),
        ("arn:aws:logs:ap-northeast-1:123456789012:log-group:*", []),
        ("arn:aws:ssm:ap-northeast-1:123456789012:parameter/shop/*", []),
        ("arn:aws:sqs:ap-northeast-1:999999999999:elsewhere", []),
    ],
)
def test_what_must_have_been_made_before(text: str, missing: list[str]) -> None:
    assert list(References().missing("urn", {"input": text})) == missing


def test_what_was_made_may_be_used_and_so_may_what_is_inside_it() -> None:
    references = References()
    references.produced([ARN, "vpc-0123456789abcdef0", {"name": "/shop/api"}])
    used = [ARN, "vpc-0123456789abcdef0", "arn:aws:logs:ap-northeast-1:123456789012:log-group:/shop/api:*"]
    assert list(references.missing("urn", {"used": used})) == []


def test_an_arn_in_a_document_waits_until_the_end() -> None:
    references = References()
    assert list(references.missing("first", {"policy": f'{{"Resource": "{ARN}"}}'})) == []
    assert list(references.never_made()) == [(ARN, "first")]
    references.produced([ARN])
    assert list(references.never_made()) == []
