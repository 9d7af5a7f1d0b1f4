"""The command, and what it says to what it cannot use; reports are made of a few resources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from changes.model import ChangeError
from permissions.__main__ import app
from permissions.backend import backend
from permissions.difference import more
from permissions.model import permissions
from rehearsal.marks import REPORT_VERSION
from tests.conftest import ACCOUNT, REGION, ROOT

QUEUE = "aws:sqs/queue:Queue"


def resource(type_: str, name: str, /, **given: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::shop::{type_}::{name}"
    empty: dict[str, Any] = {
        "urn": urn,
        "type": type_,
        "name": name,
        "parent": "",
        "custom": True,
        "inputs": {},
        "outputs": {},
        "id": name,
        "status": "emulated",
        "reason": None,
        "left_out": [],
        "depends_on": [],
        "property_dependencies": {},
        "protect": False,
        "aliases": [],
        "ignore_changes": [],
        "retain_on_delete": False,
        "delete_before_replace": False,
        "replace_on_changes": [],
        "region": REGION,
        "remediated": [],
        "calls": [],
    }
    return empty | given


def queue(name: str) -> dict[str, Any]:
    calls = [{"service": "sqs", "operation": "CreateQueue", "region": REGION, "about": {"QueueName": name}}]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    return resource(
        QUEUE,
        name,
        inputs={"name": name},
        outputs={"arn": arn},
        calls=[one | {"tagged": False} for one in calls],
    )


def report(*resources: dict[str, Any], **given: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "version": REPORT_VERSION,
        "stack": "dev",
        "project": "shop",
        "product": "shop",
        "environment": "dev",
        "region": REGION,
        "ok": True,
        "resources": list(resources),
        "looked_up": [],
        "problems": [],
        "waivers": [],
        "months": [],
        "counts": {"errors": 0},
    }
    return empty | given


def run(tmp_path: Path, content: dict[str, Any], *arguments: str) -> tuple[int, str]:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    done = CliRunner().invoke(app, ["dev", "--report", str(file), "--program", str(tmp_path), *arguments])
    return done.exit_code, done.output


def test_the_policies_are_written_by_purpose(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    status, said = run(tmp_path, report(queue("shop-dev-jobs")), "--json", str(out))
    written = json.loads(out.read_text(encoding="utf-8"))

    assert status == 0, said
    assert list(written) == ["preview", "up", "destroy", "actions"]
    assert written["up"][0]["Version"] == "2012-10-17"
    (statement,) = [one for one in written["up"][0]["Statement"] if "sqs" in str(one["Action"])]
    assert statement["Resource"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:shop-dev-*"
    assert "sqs:CreateQueue" in written["actions"]["up"]
    read = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags", "sts:GetCallerIdentity"]
    assert written["actions"]["preview"] == read
    assert "up" in said
    assert "actions in" in said


def test_one_purpose_is_enough_and_an_account_takes_the_place_of_the_emulated_one(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    status, said = run(
        tmp_path, report(queue("shop-dev-jobs")), "--json", str(out), "--only", "preview", "--account", "210987654321"
    )
    written = json.loads(out.read_text(encoding="utf-8"))

    assert status == 0, said
    assert written["up"] == written["destroy"] == []
    assert written["actions"]["up"] == []
    assert f"{REGION}:210987654321:shop-dev-*" in json.dumps(written["preview"])
    assert ACCOUNT not in json.dumps(written)


def test_the_state_is_a_bucket_and_the_key_of_its_secrets(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nbackend: {url: 's3://shop-state'}\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(f"secretsprovider: awskms://alias/shop-state?region={REGION}\n")
    out = tmp_path / "out.json"
    run(tmp_path, report(queue("shop-dev-jobs")), "--json", str(out))
    written = json.loads(out.read_text(encoding="utf-8"))

    preview, up = (
        [one for document in written[purpose] for one in document["Statement"] if "sqs" not in str(one["Action"])]
        for purpose in ("preview", "up")
    )
    objects = "arn:aws:s3:::shop-state/.pulumi/*"
    assert [one["Action"] for one in preview if one["Resource"] == objects] == ["s3:GetObject"]
    assert [one["Action"] for one in up if one["Resource"] == objects] == [
        ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    ]
    (key,) = [one for one in preview if one["Action"] == "kms:Decrypt"]
    assert key["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/shop-state"}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "refresh"], "write one of preview, up, destroy"),
        (["--account", "12345"], "write its 12 digits"),
        (["--json", "nowhere/out.json"], "make it first"),
        (["--json", "."], "name a file in it"),
        (["--markdown", "comment.md"], "say against what"),
        (["--state", "s3://No_Bucket"], "write s3://BUCKET"),
        (["--state", "bucket"], "this is no backend"),
    ],
)
def test_bad_usage_is_one_sentence_that_says_how_to_mend_it(tmp_path: Path, arguments: list[str], said: str) -> None:
    status, output = run(tmp_path, report(queue("shop-dev-jobs")), *arguments)

    assert status == 2
    assert said in output
    assert "Traceback" not in output


def test_a_stack_that_is_not_there_is_named_with_those_that_are() -> None:
    done = CliRunner().invoke(app, ["live", "--program", str(ROOT)])

    assert done.exit_code == 2
    assert "there is no stack 'live'" in done.output
    assert "prod" in done.output


def test_a_type_of_which_nobody_says_what_it_needs_is_named(tmp_path: Path) -> None:
    status, output = run(tmp_path, report(resource("aws:braket/device:Device", "shop-dev-device")))

    assert status == 2
    assert "aws:braket/device:Device" in output
    assert "no handlers" in output
    assert "permissions/provider.json" in output


def test_a_stack_that_fails_is_refused_with_its_first_error(tmp_path: Path) -> None:
    problem = {
        "kind": "aws",
        "level": "error",
        "urn": None,
        "rule": None,
        "message": "the queue cannot be made",
        "remedy": None,
    }
    status, output = run(tmp_path, report(queue("shop-dev-jobs"), ok=False, problems=[problem]))

    assert status == 2
    assert "the queue cannot be made" in output


def test_a_report_from_before_calls_were_recorded_is_refused(tmp_path: Path) -> None:
    old = queue("shop-dev-jobs")
    del old["calls"]
    status, output = run(tmp_path, report(old))

    assert status == 2
    assert "make it again" in output


def test_a_report_of_another_stack_is_named_with_what_to_name_instead(tmp_path: Path) -> None:
    status, output = run(tmp_path, report(queue("shop-prod-jobs"), stack="prod"))

    assert status == 2
    assert "name a report of 'dev'" in output


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    # Linux: nobody may make a file there.
    status, output = run(tmp_path, report(queue("shop-dev-jobs")), "--json", "/proc/self/out.json")

    assert status == 2
    assert "/proc/self/out.json cannot be written" in output


def test_what_a_change_needs_more_is_told(tmp_path: Path) -> None:
    topic = resource(
        "aws:sns/topic:Topic",
        "shop-dev-news",
        inputs={"name": "shop-dev-news"},
        outputs={"arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:shop-dev-news"},
    )
    before, after = report(queue("shop-dev-jobs")), report(queue("shop-dev-jobs"), topic)
    known = tmp_path / "before.json"
    known.write_text(json.dumps(before), encoding="utf-8")

    status, output = run(tmp_path, after, "--against", str(known), "--only", "up")

    assert status == 0, output
    assert "this change needs sns:" in output
    assert f"on arn:aws:sns:{REGION}:{ACCOUNT}:shop-dev-*" in output
    assert more(permissions(after), permissions(before)) == []

    comment = tmp_path / "comment.md"
    run(tmp_path, after, "--against", str(known), "--markdown", str(comment))
    assert "What the deployer of dev needs more" in comment.read_text(encoding="utf-8")
    assert f"on `arn:aws:sns:{REGION}:{ACCOUNT}:shop-dev-*`" in comment.read_text(encoding="utf-8")
    run(tmp_path, before, "--against", str(known), "--markdown", str(comment))
    assert comment.read_text(encoding="utf-8") == ""


def test_a_name_without_the_stacks_prefix_stands_for_itself() -> None:
    (statement,) = [
        one
        for document in permissions(report(queue("orders"))).documents("up")
        for one in document["Statement"]
        if "sqs:CreateQueue" in one["Action"]
    ]
    assert statement["Resource"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"


def test_a_name_of_pulumis_may_have_another_suffix_the_next_time() -> None:
    made = queue("orders-1a2b3c4")
    made["name"] = "orders"
    (statement,) = [
        one
        for document in permissions(report(made)).documents("up")
        for one in document["Statement"]
        if "sqs:CreateQueue" in one["Action"]
    ]
    assert statement["Resource"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders-*"


def test_roles_with_a_boundary_are_made_with_it_only() -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
    arn = f"arn:aws:iam::{ACCOUNT}:role/shop-dev-worker"
    calls = [
        {"service": "iam", "operation": "CreateRole", "region": REGION, "about": {"RoleName": "x"}, "tagged": False}
    ]
    inputs = {"name": "shop-dev-worker", "permissionsBoundary": boundary, "assumeRolePolicy": "{}"}
    role = resource("aws:iam/role:Role", "shop-dev-worker", inputs=inputs, outputs={"arn": arn}, calls=calls)
    (statement,) = [
        one
        for document in permissions(report(role)).documents("up")
        for one in document["Statement"]
        if "iam:CreateRole" in one["Action"]
    ]
    assert statement["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    assert "iam:PutRolePolicy" in statement["Action"]


def test_a_backend_elsewhere_needs_nothing_of_aws() -> None:
    for url in ("", "https://api.pulumi.com", "file://~", "gs://shop-state", "azblob://state", "postgres://db/state"):
        assert list(backend(url, "", REGION, ACCOUNT).statements("up")) == []
    with pytest.raises(ChangeError):
        backend("shop-state", "", REGION, ACCOUNT)


def test_quiet_leaves_how_much_is_needed(tmp_path: Path) -> None:
    wide = "changes that AWS lets nothing narrow"
    content = report(queue("shop-dev-jobs"))
    loud, quiet = run(tmp_path, content), run(tmp_path, content, "--quiet")

    assert (loud[0], quiet[0]) == (0, 0)
    assert [line for line in quiet[1].splitlines() if "actions in" in line] == [
        line for line in loud[1].splitlines() if "actions in" in line
    ]
    assert wide not in quiet[1]
    assert run(tmp_path, content, "-q", "-v")[0] == 2
