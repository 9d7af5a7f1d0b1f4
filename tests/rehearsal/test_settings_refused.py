"""Mistakes in Kumiki's own stack files, through the command line: exit status 2, the key, the value, the mend."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rehearsal.conftest import Rehearse

NETWORK: dict[str, Any] = {
    "cidr": "10.0.0.0/16",
    "zones": 2,
    "nat": "none",
    "endpoints": ["ecsPrivate", "sqs", "states"],
}


def network(**changes: Any) -> dict[str, Any]:
    return {"kumiki:network": {**NETWORK, **changes}}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"kumiki:product": None}, ["kumiki:product: is missing", "product: wiki"]),
        ({"kumiki:environment": "production"}, ["kumiki:environment: production is not allowed", "prod, staging, dev"]),
        ({"kumiki:product": "p" * 50}, ["kumiki:product: ", "AWS allows 32", "shorten the product by "]),
        ({"kumiki:buckets": {"b" * 50: {}}}, [f"kumiki:buckets.{'b' * 50}: ", "AWS allows 63", "shorten"]),
        (network(cidr="10.0.0.0/99"), ["kumiki:network.cidr: 10.0.0.0/99 is not an IPv4 CIDR", "10.0.0.0/16"]),
        (network(cidr="10.0.0.1/16"), ["kumiki:network.cidr: 10.0.0.1/16 ", "use 10.0.0.0/16"]),
        (network(cidr="10.0.0.0/27"), ["kumiki:network.cidr: '10.0.0.0/27' is too small", "use /2", "or larger"]),
        (
            network(tiers=["public", "private"], subnets={"public": ["10.0.1.0/24", "10.0.2.0/24"],
                                                          "private": ["10.0.2.0/25", "10.0.3.0/24"]}),
            ["kumiki:network.subnets", "10.0.2.0/25", "overlaps", "10.0.2.0/24"],
        ),
        (network(zones=0), ["kumiki:network.zones: 0 is not allowed; use 1, 2 or 3"]),
        (network(zones=9), ["kumiki:network.zones: 9 is not allowed; use 1, 2 or 3"]),
        (
            network(endpoints=["ecsPrivate", "ecr.apii", "sqs", "states"]),
            ["kumiki:network.endpoints[1]: 'ecr.apii'", "did you mean 'ecr.api'?"],
        ),
        ({"kumiki:freeTier": True, **network(nat="single", endpoints=[])}, ["kumiki:network.nat: single", "freeTier"]),
        ({"kumiki:freeTier": True, **network(endpoints=["logs"])}, ["kumiki:network.endpoints: logs", "freeTier"]),
        (network(nat="perZone", tiers=["private"]), ["kumiki:network.nat: perZone", "add public to tiers"]),
        ({"kumiki:netwrok": {}}, ["kumiki:netwrok: is not a known section", "did you mean network?"]),
        (network(zonez=2), ["kumiki:network.zonez: is not a known key of kumiki:network", "did you mean zones?"]),
        ({"kumiki:network": [1]}, ["kumiki:network: [1] is not allowed", "write keys and values"]),
        ({"aws:region": "us-east-1"}, ["aws:region: is not read", "set kumiki:region"]),
        ({"kumiki:region": "ap-northeast-9"}, ["kumiki:region: ap-northeast-9 is not an AWS region", "did you mean"]),
        ({"kumiki:logs": {"retentionDays": 8}}, ["kumiki:logs.retentionDays: 8 is not allowed; use 1, 3, 5, 7"]),
        (
            network(stack="organization/kumiki/nowhere"),
            ["kumiki:network.cidr", "the network is the one in stack"],
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_key_and_its_mend(
    rehearse_kumiki: Rehearse, changes: dict[str, Any], parts: list[str]
) -> None:
    done = rehearse_kumiki(changes)
    assert done.status == 2, done.text
    assert "Traceback" not in done.text
    assert {problem["kind"] for problem in done.problems()} == {"settings"}
    for part in parts:
        assert part in done.text


def test_all_mistakes_are_named_at_once(rehearse_kumiki: Rehearse) -> None:
    done = rehearse_kumiki({
        "kumiki:owner": None, "kumiki:regoin": "x", **network(zones=9, nat="both", cidr="banana"),
        "kumiki:logs": {"retentionDays": "soon"},
    })  # fmt: skip
    assert done.status == 2
    keys = ("owner", "regoin", "network.zones", "network.nat", "network.cidr", "logs.retentionDays")
    assert [key for key in keys if f"kumiki:{key}: " in done.text] == list(keys)


def test_a_refused_stack_leaves_nothing_deployed(rehearse_kumiki: Rehearse) -> None:
    for changes in (network(zones=9), network(endpoints=["ecr.apii"]), network(cidr="10.0.0.0/27")):
        done = rehearse_kumiki(changes)
        assert [one["name"] for one in done.report["resources"] if one["type"].startswith("aws:")] == []
