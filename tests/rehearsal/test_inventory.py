"""Every type that the program can register has a spec, and the list that says so is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.inventory import document, types_used, unspecified
from tests.rehearsal.conftest import ROOT


def test_every_type_that_the_program_uses_has_a_spec() -> None:
    assert unspecified(ROOT) == []


def test_the_program_is_seen_to_use_what_it_uses() -> None:
    used = types_used(ROOT)
    assert "aws:ec2/vpc:Vpc" in used
    assert "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule" in used
    assert "components/identity/key.py" in used["aws:kms/key:Key"]


@pytest.mark.parametrize(
    "source",
    [
        "import pulumi_aws as aws\naws.synthetics.Group('g')",
        "import pulumi_aws\npulumi_aws.synthetics.Group('g')",
        "from pulumi_aws import synthetics\nsynthetics.Group('g')",
        "from pulumi_aws.synthetics import Group as G\nG('g')",
    ],
)
def test_a_type_without_spec_is_found_however_it_is_imported(tmp_path: Path, source: str) -> None:
    for folder in ("architecture", "components"):
        (tmp_path / folder).mkdir()
    (tmp_path / "__main__.py").write_text("", encoding="utf-8")
    (tmp_path / "components" / "tracing.py").write_text(source, encoding="utf-8")
    assert unspecified(tmp_path) == ["aws:synthetics/group:Group"]


def test_the_document_is_not_stale() -> None:
    assert (ROOT / "docs" / "resource-types.md").read_text(encoding="utf-8") == document(ROOT)
