"""In a real preview the pack tells what the stack costs a month, and by what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from guardrails.kit import UNKNOWN, Props
from guardrails.kit.context import Context
from guardrails.kit.resources import Graph, Provider, Resource
from guardrails.kit.stack import Stack
from guardrails.kit.waivers import WaiverBook
from guardrails.rules import month

PROVIDER = Provider(type="pulumi:providers:aws", props=Props({"region": "ap-northeast-1"}))


def resource(type_: str, name: str, inputs: dict[str, Any], **dependencies: tuple[str, ...]) -> Resource:
    urn = f"urn:pulumi:dev::shop::{type_}::{name}"
    props = Props({**inputs, "id": UNKNOWN, "arn": UNKNOWN})
    return Resource(type=type_, name=name, urn=urn, props=props, inputs=Props(inputs), provider=PROVIDER,
                    dependencies=dependencies)  # fmt: skip


def told(expected: Mapping[str, object] | None, *resources: Resource) -> list[str]:
    stack = Stack.of(project="shop", name="dev", config={}, preview=True)
    at = Context(
        stack=Stack(environment=stack.environment, expected=expected), waivers=WaiverBook(), graph=Graph(resources)
    )
    check = month.stack_month.stack_check
    assert check is not None
    return [one.message for one in check(at)]


NAT = resource("aws:ec2/natGateway:NatGateway", "nat", {"subnetId": UNKNOWN})
TASK = resource("aws:ecs/taskDefinition:TaskDefinition", "task", {"cpu": "512", "memory": "1024", "family": "api"})
SERVICE = resource(
    "aws:ecs/service:Service",
    "service",
    {"taskDefinition": UNKNOWN, "launchType": "FARGATE", "desiredCount": 2.0},
    taskDefinition=(TASK.urn,),
)
COMPONENT = resource("shop:web:Service", "web", {})


def test_the_sum_and_the_dearest_parts_are_told_of_what_a_preview_knows() -> None:
    [said] = told({"natGb": 100}, NAT, TASK, SERVICE, COMPONENT)
    # 45.26 + 6.20 for the gateway, 44.98 for two tasks whose definition has no ARN yet.
    assert said.startswith("a month costs 96.44 USD in ap-northeast-1, with the stack's file")
    assert "nat (gateway) 45.26" in said
    assert "service (vCPU-hours, x86, on demand) 36.91" in said


def test_each_zone_of_an_endpoint_counts_though_no_subnet_has_an_id_yet() -> None:
    subnets = {"vpcEndpointType": "Interface", "subnetIds": [UNKNOWN, UNKNOWN]}
    [said] = told({"natGb": 0}, resource("aws:ec2/vpcEndpoint:VpcEndpoint", "logs", subnets))
    assert "a month costs 20.44 USD" in said


def test_what_is_not_in_the_sum_is_counted_and_a_mistake_told() -> None:
    [said] = told({"natGb": 0}, NAT, resource("aws:macie2/account:Account", "macie", {}))
    assert "1 resources are not in the sum" in said
    [said] = told({"natGB": 0}, NAT)
    assert "nobody can say: expected.natGB: is not a known key" in said


def test_a_stack_that_expects_nothing_is_told_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    assert told(None, NAT) == []
    monkeypatch.setattr(month, "_PROJECT", tmp_path)
    assert told({"natGb": 0}, NAT) == [], "nor by a pack that travels alone"


def test_the_stacks_configuration_says_what_it_expects() -> None:
    config = {"shop:expected": '{"natGb": 5}', "shop:freeTier": "true"}
    stack = Stack.of(project="shop", name="dev", config=config, preview=True)
    assert (stack.expected, stack.first_year) == ({"natGb": 5}, True)
    assert Stack.of(project="shop", name="dev", config={"shop:expected": "{"}, preview=True).expected is None
