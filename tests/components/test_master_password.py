"""A database's password without a secret: who makes it, who may read it, and that nothing else knows it."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
import pytest

from components.alarms import AlarmTopics
from components.data.master_password import MasterPassword, MasterPasswordArgs
from components.data.postgres import Postgres, PostgresArgs
from components.errors import ArgumentError
from tests.conftest import Recorder
from tests.networks import existing_network

NAME = "wiki-dev-database"
PARAMETER = "/wiki/dev/database/master"
MADE = "r4nd0m"
"""What the recorder answers when it is asked for a random password."""


def database(*, granted: bool = False, user: str = "dbadmin") -> None:
    password = MasterPassword(f"{NAME}-password", MasterPasswordArgs(parameter=PARAMETER))
    args = PostgresArgs(instance_class="db.t3.micro", user=user)
    made = Postgres(NAME, args, network=existing_network(), password=password)
    if granted:
        made.grant_connect(aws.iam.Role("wiki-dev-host-role", assume_role_policy="{}"))


def test_the_password_is_random_encrypted_and_made_once(recorder: Recorder) -> None:
    recorder.run(database)
    parameter = recorder.one("ssm/parameter:Parameter")
    assert parameter.inputs["type"] == "SecureString"
    assert json.loads(parameter.inputs["value"]["value"]) == {"username": "dbadmin", "password": MADE}
    assert parameter.ignore_changes == ["value"], "another random value at the next run must not be taken"
    assert recorder.one("rds/instance:Instance").inputs["password"]["value"] == MADE


def test_there_is_no_secret_to_pay_for_and_nothing_that_rotates_it(recorder: Recorder) -> None:
    recorder.run(database)
    assert "manageMasterUserPassword" not in recorder.one("rds/instance:Instance").inputs
    assert not recorder.of("Rotation")
    assert not recorder.of("secret:Secret")


def test_who_may_connect_reads_this_parameter_and_nothing_more(recorder: Recorder) -> None:
    recorder.run(lambda: database(granted=True))
    [allowed] = recorder.one("RolePolicy").policy()["Statement"]
    assert allowed["Action"] == "ssm:GetParameter"
    assert allowed["Resource"].endswith(f"Parameter/{NAME}-password-parameter")


def test_the_password_is_a_secret_of_the_program(recorder: Recorder) -> None:
    hidden: list[bool] = []

    async def look(password: pulumi.Output[str]) -> None:
        hidden.append(await password.is_secret())

    def program() -> None:
        made = MasterPassword(f"{NAME}-password", MasterPasswordArgs(parameter=PARAMETER))
        pulumi.export("looked", look(made.password))

    recorder.run(program)
    assert hidden == [True]


def test_another_user_than_the_passwords_is_refused(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="user: 'other' is not whom the password is for; use 'dbadmin'"):
        recorder.run(lambda: database(user="other"))


@pytest.mark.parametrize("name", ["master", "/wiki//master", "/wiki/mäster", ""])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match=r"parameter: .* is not allowed; write the name of a parameter"):
        MasterPasswordArgs(parameter=name)


def test_a_stack_that_counts_its_alarms_may_do_without_the_one_on_the_processor(recorder: Recorder) -> None:
    topics = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")

    def program() -> None:
        args = PostgresArgs(instance_class="db.t3.micro", cpu_alarm=False)
        Postgres(NAME, args, network=existing_network()).alarms(topics)

    recorder.run(program)
    assert [each.inputs["metricName"] for each in recorder.of("MetricAlarm")] == [
        "DatabaseConnections",
        "FreeStorageSpace",
    ]
