"""Mistakes in Kumiki's own stack files: refused with the key, the value, the mend; a few by the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import Settings
from tests.rehearsal.conftest import ROOT, Refuse, Rehearse
from tests.stack_files import project, refusal

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
        ({"kumiki:environment": "production"}, ["kumiki:environment: 'production' is not", "prod, staging, dev"]),
        ({"kumiki:product": "p" * 50}, ["kumiki:product: ", "AWS allows 64", "shorten the product by "]),
        ({"kumiki:buckets": {"b" * 50: {}}}, [f"kumiki:buckets.{'b' * 50}: ", "AWS allows 63", "shorten"]),
        (network(cidr="10.0.0.0/99"), ["kumiki:network.cidr: '10.0.0.0/99' is not an IPv4 CIDR", "10.0.0.0/16"]),
        (network(cidr="10.0.0.1/16"), ["kumiki:network.cidr: '10.0.0.1/16' ", "use 10.0.0.0/16"]),
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
        (network(nat="perZone", tiers=["private"]), ["kumiki:network.nat: 'perZone'", "add public to tiers"]),
        ({"kumiki:netwrok": {}}, ["kumiki:netwrok: is not a known section", "did you mean 'network'?"]),
        (network(zonez=2), ["kumiki:network.zonez: is not a known key", "did you mean 'zones'?"]),
        ({"kumiki:network": [1]}, ["kumiki:network: [1] is not allowed", "write keys and values"]),
        ({"aws:region": "us-east-1"}, ["aws:region: is not read", "set kumiki:region"]),
        ({"kumiki:region": "ap-northeast-9"}, ["kumiki:region: 'ap-northeast-9' is not an AWS region", "did you mean"]),
        ({"kumiki:logs": {"retentionDays": 8}}, ["kumiki:logs.retentionDays: 8 is not allowed; use 1, 3, 5, 7"]),
        (
            network(stack="organization/kumiki/nowhere"),
            ["kumiki:network.cidr", "the network is the one in stack"],
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_key_and_its_mend(
    refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]
) -> None:
    said = refuse_kumiki(changes)
    for part in parts:
        assert part in said


def test_all_mistakes_are_named_at_once(rehearse_kumiki: Rehearse) -> None:
    done = rehearse_kumiki({
        "kumiki:owner": None, "kumiki:regoin": "x", **network(zones=9, nat="both", cidr="banana"),
        "kumiki:logs": {"retentionDays": "soon"},
    })  # fmt: skip
    assert done.status == 2
    keys = ("owner", "regoin", "network.zones", "network.nat", "network.cidr", "logs.retentionDays")
    assert [key for key in keys if f"kumiki:{key}: " in done.text] == list(keys)


@pytest.mark.parametrize(
    "changes", [network(zones=9), network(endpoints=["ecr.apii"]), network(cidr="10.0.0.0/27")], ids=str
)
def test_the_command_line_says_what_the_program_says_and_leaves_nothing_deployed(
    rehearse_kumiki: Rehearse, refuse_kumiki: Refuse, changes: dict[str, Any]
) -> None:
    said = refuse_kumiki(changes)
    done = rehearse_kumiki(changes)
    assert done.status == 2, done.text
    assert "Traceback" not in done.text
    assert [(one["kind"], one["message"]) for one in done.problems()] == [("settings", said)]
    assert [one["name"] for one in done.report["resources"] if one["type"].startswith("aws:")] == []


@pytest.mark.parametrize(
    ("top", "parts"),
    [
        ({"confg": {"kumiki:buckets": {}}}, ("the key 'confg' at its top is read by nobody", "did you mean 'config'?")),
        ({"settings": {}}, ("the key 'settings' at its top is read by nobody", "Pulumi knows config, environment,")),
    ],
)
def test_a_key_that_pulumi_would_pass_over_is_refused(
    tmp_path: Path, top: dict[str, Any], parts: tuple[str, ...]
) -> None:
    said = refusal(project(tmp_path, {"config": {}, "encryptionsalt": "v1:x", **top}))
    for part in parts:
        assert part in said


@pytest.mark.parametrize("text", ["", "# later\n", "config:\n", "config: {}\n"])
def test_a_file_that_says_nothing_is_answered_with_the_smallest(tmp_path: Path, text: str) -> None:
    said = refusal(project(tmp_path, text))
    smallest = said.partition("the smallest Pulumi.test.yaml:")[2]
    assert "\n    kumiki:product: wiki\n    kumiki:environment: dev\n    kumiki:owner: platform" in smallest
    Settings.parse(yaml.safe_load(smallest)["config"])


def test_settings_without_their_head_are_told_where_they_belong(tmp_path: Path) -> None:
    said = refusal(project(tmp_path, "kumiki:product: wiki\n"))
    assert "config:\n    kumiki:product: …" in said


@pytest.mark.parametrize(
    ("services", "message"),
    [
        (
            {"api": {"tag": 1.1}},
            'services.api.tag: 1.1 is a number where text is due; it needs quotation marks, as "1.1"',
        ),
        ({"api": {"tag": "1", "memory": "1 GB"}}, "services.api.memory: '1 GB' is not a number; write"),
    ],
)
def test_a_wrong_kind_of_value_is_answered_with_what_to_write(
    tmp_path: Path, services: dict[str, Any], message: str
) -> None:
    assert f"kumiki:{message}" in refusal(project(tmp_path, {"config": {"kumiki:services": services}}))


def test_mistakes_of_all_kinds_are_named_in_one_round_and_counted_where_they_are_many(tmp_path: Path) -> None:
    """A wrong type, a missing key, what one section cannot be, and what two cannot be together."""
    least = {"kumiki:product": "wiki", "kumiki:environment": "dev"}
    tables = {"odd": {"attributes": {"id": "S"}, "hashKey": "idd"}}
    said = refusal(project(tmp_path, {"config": {**least, "kumiki:tables": tables, "kumiki:loadBalancer": {}}}))
    assert "kumiki:owner: is missing" in said
    assert "kumiki:tables.odd.hashKey: 'idd' has no type" in said
    assert "kumiki:loadBalancer: " in said
    wrong = {"api": {"tag": "1", "cpu": "x", "tables": {"nix": "read"}, "queue": "nope"}}
    said = refusal(project(tmp_path, {"config": {**least, "kumiki:services": wrong}}))
    assert "kumiki:services.api.cpu: 'x' is not a number" in said
    assert "kumiki:services.api.tables.nix: is not a table of this stack" in said
    assert "kumiki:services.api.queue: nope is not a queue of this stack" in said
    many = {f"t{number}": {} for number in range(40)}
    said = refusal(project(tmp_path, {"config": {**least, "kumiki:owner": "x", "kumiki:tables": many}}))
    assert "have 80 mistakes" in said
    assert said.endswith("and 50 more")
    assert len(said.splitlines()) == 32


def test_a_copy_of_a_stack_under_the_same_names_is_refused(refuse_kumiki: Refuse, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.copy.yaml").write_text((ROOT / "Pulumi.dev.yaml").read_text())
    said = refuse_kumiki({})
    assert "kumiki:environment: dev of the product kumiki is what the stack copy is too" in said
