"""Who deploys other stacks: with those stacks' generated policies; and what nobody could deploy with is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from architecture.transformation import tag_and_check
from settings.delivery import POLICIES
from tests.conftest import Recorder
from tests.stack_files import config_of, project, refusal

BOUNDARY = "arn:aws:iam::111122223333:policy/kumiki-deployers-prod-dev-boundary"


def deployers(**changes: Any) -> dict[str, Any]:
    return config_of("deployers", {f"kumiki:{key}": value for key, value in changes.items()})


def test_none_of_the_roles_may_change_one_of_them() -> None:
    for path in POLICIES.glob("*.json"):
        if path.stem != "deployers":
            assert "kumiki-deployers" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stack": "live"}, "docs/permissions/live.json"),
        ({"principal": "arn:aws:iam::111122223333:role/*"}, "arn:aws:iam::<account>:role/<name>"),
        ({"principal": "arn:aws:iam::111122223333:role/admin"}, "name either whom to trust, or the other"),
        ({"repository": None}, "nobody could assume the role"),
        ({"purpose": "refresh"}, "destroy"),
    ],
)
def test_what_nobody_could_deploy_with_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    one = deployers()["kumiki:deployers"]["dev"] | changes
    given = {key: value for key, value in one.items() if value is not None}
    assert said in refusal(project(tmp_path, {"config": deployers(deployers={"dev": given})}))


def test_every_role_of_a_stack_has_its_boundary(recorder: Recorder) -> None:
    def program() -> None:
        tags = {"Project": "wiki", "Environment": "dev"}
        made = tag_and_check("wiki-dev", tags, protected=False, role_boundary=BOUNDARY)
        pulumi.runtime.register_stack_transformation(made)
        aws.iam.Role("wiki-dev-api-role", assume_role_policy="{}")

    recorder.run(program)
    assert recorder.one(":Role").inputs["permissionsBoundary"] == BOUNDARY
