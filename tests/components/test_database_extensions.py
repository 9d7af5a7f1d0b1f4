"""Extensions of a database: who is called, what it may do and reach, and when it is called again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.compute.package import Package
from components.data.aurora import AuroraPostgres
from components.data.aurora_args import AuroraPostgresArgs
from components.data.database import Database
from components.data.postgres import Postgres, PostgresArgs
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from components.network.vpc import Vpc, VpcArgs
from components.operations.database_extensions import DatabaseExtensions, DatabaseExtensionsArgs
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.functions import zipped
from tests.iam import allowed
from tests.networks import existing_network

NAME = "wiki-dev-extensions"
DATABASE = "wiki-dev-database"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"


def rds() -> Database:
    args = PostgresArgs(instance_class="db.t4g.micro")
    return Postgres(DATABASE, args, network=existing_network(), key=ExistingKey(arn=KEY))


def aurora() -> Database:
    args = AuroraPostgresArgs(instance_class="db.t4g.medium")
    return AuroraPostgres(DATABASE, args, network=existing_network(), key=ExistingKey(arn=KEY))


def made(recorder: Recorder, database: Callable[[], Database], *extensions: str, own_network: bool = False) -> Recorder:
    def program() -> None:
        code = zipped("extensions", extensions__create="def handler(event, context): ...")
        network = existing_network(s3_prefix_list_id=None, dynamodb_prefix_list_id=None)
        DatabaseExtensions(
            NAME,
            DatabaseExtensionsArgs(extensions=list(extensions)),
            database=database(),
            network=Vpc("wiki-dev-network", VpcArgs(endpoints=["secretsmanager"])) if own_network else network,
            package=Package(code=code, runtime="python3.13", architecture="arm64"),
            key=ExistingKey(arn=KEY),
        )

    return recorder.run(program)


every_database = pytest.mark.parametrize("database", [rds, aurora])


@every_database
def test_the_deployment_calls_the_published_version_once_for_a_list_and_a_database(
    recorder: Recorder, database: Callable[[], Database]
) -> None:
    call = made(recorder, database, "vector", "citext").one(":Invocation").inputs
    assert (call["functionName"], call["qualifier"]) == (NAME, "live")
    assert json.loads(call["input"]) == {"extensions": ["citext", "vector"]}
    told = recorder.one("function:Function").inputs["environment"]["variables"]
    assert call["triggers"] == {"database": told["DATABASE_HOST"], "version": "1"}


@every_database
def test_it_is_called_when_the_database_answers_and_lets_it_in_and_its_password_can_be_read(
    recorder: Recorder, database: Callable[[], Database]
) -> None:
    call = made(recorder, database, "vector", own_network=True).one(":Invocation")
    before = {recorder.by_urn(urn).type.rsplit("/", 1)[-1].split(":")[-1] for urn in call.dependencies}
    assert {
        "SecurityGroupIngressRule", "SecurityGroupEgressRule", "RolePolicy", "Alias", "VpcEndpoint",
        "Instance" if database is rds else "ClusterInstance",
    } <= before  # fmt: skip


@every_database
def test_it_reaches_the_database_and_secrets_manager_and_nothing_else(
    recorder: Recorder, database: Callable[[], Database]
) -> None:
    made(recorder, database, "vector")
    own, guard = f"{NAME}-security-group-id", f"{DATABASE}-security-group-id"
    ways_out = [each.inputs for each in recorder.of(":SecurityGroupEgressRule")]
    assert {(one["securityGroupId"], one["referencedSecurityGroupId"], one["fromPort"]) for one in ways_out} == {
        (own, guard, 5432),
        (own, "sg-endpoints", 443),
    }
    (way_in,) = [each.inputs for each in recorder.of(":SecurityGroupIngressRule")]
    assert (way_in["securityGroupId"], way_in["referencedSecurityGroupId"]) == (guard, own)
    assert (way_in["fromPort"], way_in["toPort"]) == (5432, 5432)


@every_database
def test_it_may_read_the_password_of_its_database_and_no_other_secret(
    recorder: Recorder, database: Callable[[], Database]
) -> None:
    made(recorder, database, "vector")
    policies = [each.policy() for each in recorder.of(":RolePolicy") if each.inputs["role"] == f"{NAME}-role-id"]
    secret = recorder.one("function:Function").inputs["environment"]["variables"]["DATABASE_SECRET_ARN"]
    assert allowed(policies, "secretsmanager:GetSecretValue", secret)
    assert not allowed(policies, "secretsmanager:GetSecretValue", f"{secret}-of-another")
    assert not allowed(policies, "secretsmanager:PutSecretValue", secret)
    through = {"kms__ViaService": f"secretsmanager.{REGION}.amazonaws.com"}
    assert allowed(policies, "kms:Decrypt", KEY, **through)
    assert not allowed(policies, "rds:ModifyDBInstance", "*")


def test_nobody_is_let_in_but_the_deployment(recorder: Recorder) -> None:
    assert made(recorder, rds, "vector").of(":Permission") == []


@pytest.mark.parametrize(
    ("extensions", "words"),
    [
        (["pgvector"], "did you mean 'vector'?"),
        (["pg-vector"], "did you mean 'vector'?"),
        (["pgcrypt"], "did you mean 'pgcrypto'?"),
        (["vector; DROP TABLE items"], "is not an extension known here"),
        (["vector", "citext", "vector"], "twice"),
    ],
)
def test_what_cannot_be_created_is_refused(extensions: list[Any], words: str) -> None:
    with pytest.raises(ArgumentError) as refusal:
        DatabaseExtensionsArgs(extensions=extensions)
    assert refusal.value.field.startswith("extensions")
    assert words in refusal.value.reason
