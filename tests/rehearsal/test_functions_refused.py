"""Mistakes in functions: each is refused with the key, the value, the mend, and nothing is made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from packages.build import build
from packages.plan import place, sources
from tests.rehearsal.conftest import ROOT, Rehearse
from tests.stack_files import project, refusal

PLAIN: dict[str, Any] = {"kumiki:product": "kumiki", "kumiki:environment": "dev", "kumiki:owner": "platform"}
API: dict[str, Any] = {"package": "api", "handler": "api.function.handler"}


_TABLE = {"attributes": {"id": "S"}, "hashKey": "id"}
ITEMS = {"kumiki:tables": {"items": _TABLE}}
FOLLOWED = {"kumiki:tables": {"items": {**_TABLE, "stream": "new"}}}


def functions(**changes: Any) -> dict[str, Any]:
    return {"kumiki:functions": {"api": {**API, **changes}}}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            functions(handler="api.function.handle"),
            ["kumiki:functions.api.handler: 'api.function.handle' is not defined", "did you mean 'handler'?"],
        ),
        (
            functions(handler="api.lambda.handler"),
            ["kumiki:functions.api.handler: 'api.lambda.handler'", "does not have", "api.function"],
        ),
        (functions(package="apj"), ["kumiki:functions.api.package: 'apj'", "did you mean 'api'?"]),
        (functions(memoryMib=64), ["kumiki:functions.api.memoryMib: 64 is not allowed; use 128 to 10240 MiB"]),
        (functions(timeoutSeconds=901), ["kumiki:functions.api.timeoutSeconds: 901", "use 1 to 900 seconds"]),
        (
            {**functions(provisionedConcurrency=1, alias="$LATEST"), "kumiki:functionQuota": 1000},
            ["kumiki:functions.api.alias: '$LATEST'", "published version; use 'live'"],
        ),
        (
            functions(provisionedConcurrency=1),
            [
                "kumiki:functions.api.provisionedConcurrency: 1 is refused in a new account, which has 10 concurrent",
                "aws lambda get-account-settings",
                "set functionQuota",
            ],
        ),
        (
            {**functions(reservedConcurrency=1), "kumiki:functionQuota": 10},
            ["kumiki:functions.api.reservedConcurrency: 1 is more than the account gives", "functionQuota 10"],
        ),
        (
            {**functions(provisionedConcurrency=901), "kumiki:functionQuota": 1000},
            ["kumiki:functions.api.provisionedConcurrency: 901 is more", "of which 100 must stay"],
        ),
        (functions(runtime="python2.7"), ["kumiki:functions.api.runtime: is not a known key"]),
        (functions(queue="jobs"), ["kumiki:functions.api.queue: jobs is not a queue of this stack"]),
        (functions(sendsTo="jobs"), ["kumiki:functions.api.sendsTo: jobs is not a queue of this stack"]),
        (
            {**functions(queue="jobs", timeoutSeconds=60), "kumiki:queues": {"jobs": {"consumerTimeoutSeconds": 30}}},
            ["kumiki:functions.api.timeoutSeconds: 60", "visibility timeout of at least 360 s"],
        ),
        (functions(shift="canary10Percent5Minute"), ["kumiki:functions.api.shift: ", "'canary10Percent5Minutes'?"]),
        (functions(tables={"items": "read"}), ["kumiki:functions.api.tables.items: is not a table of this stack"]),
        (
            functions(changes={"items": {}}),
            ["kumiki:functions.api.changes.items: is not a table of this stack; those with a stream are: none"],
        ),
        (
            {**functions(changes={"items": {}}), **ITEMS},
            ["kumiki:tables.items.stream: is needed for functions.api.changes; use keys, new, old or both"],
        ),
        (
            {**functions(changes={"items": {"batchSize": 0}}), **FOLLOWED},
            ["kumiki:functions.api.changes.items.batchSize: 0 is not allowed; use 1 to 10000"],
        ),
        (
            {**functions(changes={"items": {"filters": [{"event": ["INSERT"]}]}}), **FOLLOWED},
            ["kumiki:functions.api.changes.items.filters: 'event' fits no change; use dynamodb, eventName"],
        ),
        (functions(private=True), ["kumiki:functions.api.private: true needs a network"]),
        (functions(database=True), ["kumiki:functions.api.database: true needs a database", "must be true"]),
        (functions(cache=True), ["kumiki:functions.api.cache: true needs a cache", "must be true: the cache answers"]),
        (functions(userPool=True), ["kumiki:functions.api.userPool: true needs users; add the section userPool"]),
        (functions(secrets=["token"]), ["kumiki:functions.api.secrets: token is not a secret"]),
        (functions(schedule={"expression": "rate(0 hours)"}), ["kumiki:functions.api.schedule.expression: "]),
        ({**functions(), "kumiki:buckets": {"api": {}}}, ["kumiki:functions.api: ", "the name of buckets.api too"]),
        (
            {"kumiki:functions": {"a" * 52: API}},
            [f"kumiki:functions.{'a' * 52}: ", "AWS allows 64", "shorten"],
        ),
        (
            {
                **functions(private=True, secrets=["token"]),
                "kumiki:secrets": {"token": {"description": "x"}},
                "kumiki:network": {"cidr": "10.0.0.0/16", "zones": 2, "nat": "none", "endpoints": []},
            },
            ["kumiki:network.endpoints: lacks secretsmanager, which the function api calls"],
        ),
    ],
)
def test_a_mistake_is_refused_with_its_key_and_its_mend(
    tmp_path: Path, changes: dict[str, Any], parts: list[str]
) -> None:
    build(sources()["api"], "arm64")
    said = refusal(project(tmp_path, {"config": {**PLAIN, **changes}}))
    for part in parts:
        assert part in said


def test_a_layer_over_lambdas_limit_is_refused_by_the_key_that_names_the_package(
    tmp_path: Path, rehearse: Rehearse
) -> None:
    """In a copy of the project, whose layer is made too large."""
    for part in ("__main__.py", "architecture", "components", "packages", "policies", "settings", "workloads"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    api = sources(tmp_path)["api"]
    built = tmp_path / "build/packages"
    build(api, "arm64", built)
    made = place(api, "arm64", built)
    assert made.layer is not None
    with made.layer.open("r+b") as layer:
        layer.truncate(51 * 1024 * 1024)
    manifest = json.loads(made.manifest.read_text())
    manifest["layer"]["zipped"] = 51 * 1024 * 1024
    made.manifest.write_text(json.dumps(manifest))
    folder = project(tmp_path, {"config": {**PLAIN, **functions()}})
    (folder / "Pulumi.yaml").write_text("name: kumiki\nruntime: python\n")
    done = rehearse(folder, "test")
    assert done.status == 2, done.text
    assert "kumiki:functions.api.package: " in done.text
    assert "layer.zip' is 51.0 MiB, and Lambda takes 50" in done.text
    assert not [one for one in done.report["resources"] if one["type"].startswith("aws:")]
