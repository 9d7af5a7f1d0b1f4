"""The recorder itself, where tests rely on what nobody wrote for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from tests.conftest import Recorder

NAMELESS: dict[str, Callable[[pulumi.ResourceOptions], Any]] = {
    "queue": lambda opts: aws.sqs.Queue("wiki-dev-part-queue", opts=opts),
    "logs": lambda opts: aws.cloudwatch.LogGroup("wiki-dev-part-logs", opts=opts),
    "table": lambda opts: aws.dynamodb.Table("wiki-dev-part-table", opts=opts),
    "role": lambda opts: aws.iam.Role("wiki-dev-part-role", assume_role_policy="{}", opts=opts),
    "function": lambda opts: aws.lambda_.Function("wiki-dev-part-function", role="arn", opts=opts),
    "repository": lambda opts: aws.ecr.Repository("wiki-dev-part-repository", opts=opts),
}


class _Part(pulumi.ComponentResource):
    def __init__(self, make: Callable[[pulumi.ResourceOptions], Any]) -> None:
        super().__init__("kumiki:tests:Part", "wiki-dev-part")
        self.child = make(pulumi.ResourceOptions(parent=self))


@pytest.mark.parametrize("what", NAMELESS)
def test_a_child_without_a_name_of_its_own_gets_one_as_from_the_provider(
    what: str, recorder: Recorder, resolved: Callable[[pulumi.Output[Any]], Any]
) -> None:
    made: list[_Part] = []
    recorder.run(lambda: made.append(_Part(NAMELESS[what])))
    [part] = made
    name = resolved(part.child.name)
    assert name.startswith(f"wiki-dev-part-{what}")
    assert f"wiki-dev-part-{what}" in resolved(part.child.arn)
    assert recorder.named(f"wiki-dev-part-{what}").parent.endswith("::wiki-dev-part")
