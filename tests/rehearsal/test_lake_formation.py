"""The analytics stack with Lake Formation in charge of its tables, rehearsed."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.rehearsal.conftest import ROOT, Rehearse, project
from tests.rehearsal.test_lake import bucket_of, made

DEPLOYER = "arn:aws:iam::111122223333:role/deployer"


def test_it_deploys_and_shuts_the_zones_of_the_tables(tmp_path: Path, rehearse: Rehearse) -> None:
    config = yaml.safe_load((ROOT / "Pulumi.analytics.yaml").read_text(encoding="utf-8"))["config"]
    config["kumiki:lake"]["lakeFormation"] = {"administrators": [DEPLOYER]}
    done = rehearse(project(tmp_path, {"config": config}), "test")
    assert done.status == 0, done.text
    ours = [one for one in done.report["resources"] if ":lakeformation/" in one["type"]]
    assert {one["status"] for one in ours} == {"emulated"}
    assert [one["admins"] for one in made(done, ":DataLakeSettings")] == [[DEPLOYER]]
    zones = {f"arn:aws:s3:::{bucket_of(done, zone)}" for zone in ("raw", "clean", "curated")}
    assert {one["arn"] for one in made(done, "lakeformation/resource:Resource")} == zones
    (crawler,) = made(done, ":Crawler")
    granted = made(done, "lakeformation/permissions:Permissions")
    assert [one["principal"] for one in granted] == [crawler["role"]] * 2, "jobs work on files, by IAM"
