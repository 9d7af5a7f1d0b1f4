"""Regions whose databases nobody could tell from another server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.data.database import CERTIFICATE_AUTHORITY
from settings.authorities import BUNDLE
from tests.stack_files import config_of, project, refusal


@pytest.mark.parametrize(
    "region", ["il-central-1", "ca-west-1", "ap-southeast-5", "ap-southeast-7", "mx-central-1", "ap-east-2"]
)
def test_a_region_without_an_authority_is_refused_by_its_key_where_the_stack_makes_extensions(
    region: str, tmp_path: Path
) -> None:
    config = config_of("dev", {"kumiki:region": region, "kumiki:residency": {"regions": [region]}})
    said = refusal(project(tmp_path, {"config": config}))
    assert f":region: '{region}' has no authority in workloads/extensions/rds.pem" in said


def test_every_region_of_the_bundle_has_the_authority_that_databases_are_given() -> None:
    text = BUNDLE.read_text(encoding="utf-8")
    kind = CERTIFICATE_AUTHORITY.removeprefix("rds-ca-").replace("-", " ").upper()
    regions = set(re.findall(r"^# Amazon RDS (\S+) Root CA", text, re.MULTILINE))
    assert regions == set(re.findall(rf"^# Amazon RDS (\S+) Root CA {kind}$", text, re.MULTILINE))
    assert len(regions) == 27
