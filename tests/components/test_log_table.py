"""What the logs' table says, and what may be asked of it by whom."""

from __future__ import annotations

from typing import Any

import pulumi_aws as aws
import pytest

from components.analytics.log_table import COLUMNS, PARTITIONS, LogTable, LogTableArgs
from components.analytics.workgroup import Results
from components.data.bucket import Bucket, BucketArgs
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from tests.conftest import Recorder

NAME = "wiki-dev-app-logs"


def log_table(key: ExistingKey | None = None, **changes: Any) -> LogTable:
    return LogTable(
        NAME,
        LogTableArgs(**changes),
        logs=Bucket("logs", BucketArgs(encryption="s3")),
        results=Results(bucket=Bucket("results", BucketArgs()), key=key),
        services=["api"],
    )


def test_no_column_has_the_name_of_a_partition() -> None:
    assert not set(COLUMNS) & set(PARTITIONS), "Glue would take the table and Athena refuse every query"


def test_athena_finds_the_folders_by_itself(recorder: Recorder) -> None:
    recorder.run(lambda: log_table(services=["worker", "api"]) and None)
    table = recorder.one(":CatalogTable").inputs
    assert table["parameters"]["projection.enabled"] == "true"
    assert table["parameters"]["projection.service.values"] == "api,worker"
    assert table["parameters"]["storage.location.template"].startswith(table["storageDescriptor"]["location"])
    assert recorder.one(":CatalogDatabase").inputs["name"] == "wiki_dev_app_logs"


@pytest.mark.parametrize(("key", "option"), [("arn:aws:kms:::key/1", "SSE_KMS"), (None, "SSE_S3")])
def test_results_are_always_encrypted_and_nobody_can_choose_otherwise(
    key: str | None, option: str, recorder: Recorder
) -> None:
    recorder.run(lambda: log_table(ExistingKey(arn=key) if key else None, scan_limit_mib=10) and None)
    configuration = recorder.one(":Workgroup").inputs["configuration"]
    assert configuration["enforceWorkgroupConfiguration"] is True
    assert configuration["resultConfiguration"]["encryptionConfiguration"]["encryptionOption"] == option
    assert configuration["bytesScannedCutoffPerQuery"] == 10 * 1024 * 1024


def test_who_may_ask_reads_the_applications_logs_and_no_others(recorder: Recorder) -> None:
    def program() -> None:
        role = aws.iam.Role("wiki-dev-analyst-role", assume_role_policy="{}")
        log_table(ExistingKey(arn="arn:aws:kms:::key/1")).grant_query(role)

    granted = recorder.run(program).one(":RolePolicy").policy()
    may = {one["Sid"]: one for one in granted["Statement"]}
    assert may["ReadTheLogs"]["Resource"] == "arn:aws:s3:::logs-bucket-1234567/app-logs/*"
    assert may["FindTheLogs"]["Condition"] == {"StringLike": {"s3:prefix": "app-logs/*"}}
    assert may["KeepTheResults"]["Resource"] == "arn:aws:s3:::results-bucket-1234567/*"
    assert may["UseTheKeyOfTheResults"]["Resource"] == "arn:aws:kms:::key/1"
    actions = [
        a for one in may.values() for a in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    ]
    assert not [action for action in actions if "*" in action or "Delete" in action]
    assert "*" not in [one["Resource"] for one in may.values()]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scan_limit_mib": 9}, "scan_limit_mib: 9 is not allowed; use 10 to 7696581394432 MiB"),
        ({"services": []}, "services: .* would show nothing"),
        ({"services": ["API"]}, "services\\[0\\]: 'API' is not allowed; use lower-case"),
        ({"services": ["a", "a"]}, "names a service twice"),
        ({"first_year": 2030, "last_year": 2020}, "last_year: 2020 is before first_year"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        LogTableArgs(**changes)


def test_a_field_in_two_spellings_is_not_one_column_twice(recorder: Recorder) -> None:
    recorder.run(lambda: log_table() and None)
    serde = recorder.one(":CatalogTable").inputs["storageDescriptor"]["serDeInfo"]["parameters"]
    assert serde["case.insensitive"] == "false"
    # Told apart, a column is found by its name alone, as the log router writes it.
    assert serde["paths"] == serde["paths"].lower()
