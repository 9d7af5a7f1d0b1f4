"""What the logs' table says, and what may be asked of it by whom."""

from __future__ import annotations

from typing import Any

import pulumi_aws as aws
import pytest

from components.analytics.log_table import COLUMNS, PARTITIONS, LogTable, LogTableArgs
from components.refusal import Refusal
from tests.conftest import Recorder

NAME = "wiki-dev-app-logs"


def args(**changes: Any) -> LogTableArgs:
    return LogTableArgs(**{
        "log_bucket": "logs", "log_bucket_arn": "arn:aws:s3:::logs", "services": ["api"],
        "results_bucket": "results", "results_bucket_arn": "arn:aws:s3:::results", **changes,
    })  # fmt: skip


def test_no_column_has_the_name_of_a_partition() -> None:
    assert not set(COLUMNS) & set(PARTITIONS), "Glue would take the table and Athena refuse every query"


def test_athena_finds_the_folders_by_itself(recorder: Recorder) -> None:
    recorder.run(lambda: LogTable(NAME, args(services=["worker", "api"])) and None)
    table = recorder.one(":CatalogTable").inputs
    assert table["parameters"]["projection.enabled"] == "true"
    assert table["parameters"]["projection.service.values"] == "api,worker"
    assert table["parameters"]["storage.location.template"].startswith(table["storageDescriptor"]["location"])
    assert recorder.one(":CatalogDatabase").inputs["name"] == "wiki_dev_app_logs"


@pytest.mark.parametrize(("key", "option"), [("arn:aws:kms:::key/1", "SSE_KMS"), (None, "SSE_S3")])
def test_results_are_always_encrypted_and_nobody_can_choose_otherwise(
    key: str | None, option: str, recorder: Recorder
) -> None:
    recorder.run(lambda: LogTable(NAME, args(results_key_arn=key, scan_limit_mib=10)) and None)
    configuration = recorder.one(":Workgroup").inputs["configuration"]
    assert configuration["enforceWorkgroupConfiguration"] is True
    assert configuration["resultConfiguration"]["encryptionConfiguration"]["encryptionOption"] == option
    assert configuration["bytesScannedCutoffPerQuery"] == 10 * 1024 * 1024


def test_who_may_ask_reads_the_applications_logs_and_no_others(recorder: Recorder) -> None:
    def program() -> None:
        role = aws.iam.Role("wiki-dev-analyst-role", assume_role_policy="{}")
        LogTable(NAME, args(results_key_arn="arn:aws:kms:::key/1")).grant_query(role)

    may = {one["Sid"]: one for one in recorder.run(program).one(":RolePolicy").policy()["Statement"]}
    assert may["ReadTheLogs"]["Resource"] == "arn:aws:s3:::logs/app-logs/*"
    assert may["FindTheLogs"]["Condition"] == {"StringLike": {"s3:prefix": "app-logs/*"}}
    assert may["KeepTheResults"]["Resource"] == "arn:aws:s3:::results/*"
    assert may["UseTheKeyOfTheResults"]["Resource"] == "arn:aws:kms:::key/1"
    actions = [
        a for one in may.values() for a in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    ]
    assert not [action for action in actions if "*" in action or "Delete" in action]
    assert "*" not in [one["Resource"] for one in may.values()]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scan_limit_mib": 9}, "scan_limit_mib: 9 is less than Athena accepts; use 10 MiB or more"),
        ({"services": []}, "services: .* would show nothing"),
        ({"services": ["API"]}, "services: 'API' is not the name of a service"),
        ({"services": ["a", "a"]}, "names a service twice"),
        ({"years": (2030, 2020)}, "years: "),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        args(**changes)
