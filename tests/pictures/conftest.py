"""Reports with a few resources."""

from __future__ import annotations

from typing import Any

from tests.rehearsal.conftest import rehearse, rehearsed  # noqa: F401 fixtures

STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:dev::shop::{type_}::{name}"


def row(type_: str, name: str, given: dict[str, Any] | None = None, **said: Any) -> dict[str, Any]:
    """A resource of a report; `needs` are the resources from which it takes values."""
    needs = said.pop("needs", [])
    return {
        "urn": urn(type_, name),
        "type": type_,
        "name": name,
        "parent": STACK,
        "custom": type_.startswith("aws:"),
        "inputs": given or {},
        "outputs": {},
        "id": name,
        "status": "emulated",
        "reason": None,
        "property_dependencies": {"value": [one["urn"] for one in needs]},
        "source": None,
        "depends_on": [],
        "aliases": [],
        "ignore_changes": [],
        "replace_on_changes": [],
        "protect": False,
        "retain_on_delete": False,
        "delete_before_replace": False,
        "region": "eu-west-1",
        **said,
    }


def report(*rows: dict[str, Any], edges: list[tuple[str, str, str]] | None = None, **said: Any) -> dict[str, Any]:
    """A report; `edges` say who reaches whom, and how."""
    return {
        "stack": "dev",
        "product": "shop",
        "environment": "dev",
        "region": "eu-west-1",
        "ok": True,
        "resources": list(rows),
        "problems": [],
        "gaps": [],
        "months": [],
        "outputs": {},
        "counts": dict.fromkeys(("emulated", "validated", "errors", "warnings", "waived", "rules"), 0),
        "insights": {
            "stores": [],
            "edges": [{"from": a, "to": b, "ports": how, "by": "security groups"} for a, b, how in edges or []],
        },
        **said,
    }
