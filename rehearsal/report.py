"""The outcome of a rehearsal, and its two forms: JSON for machines (this file) and text for people (text.py)."""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any, Final

from costs.bill import Bill, bill, full_type
from costs.files import write
from costs.free_tier import LEGACY
from costs.free_tier_use import FreeTierUse, free_tier_use
from costs.gate import Budget, budget
from costs.model import CostError, Resource
from costs.prices import cents
from costs.stack import Stack, resources_of
from costs.use import expected
from rehearsal.cloud.client import RecordedCall
from rehearsal.contents import with_hashes
from rehearsal.gaps import Gap, counted
from rehearsal.iam_analysis import IamAnalysis
from rehearsal.insights import Insights
from rehearsal.lint.result import LintResult
from rehearsal.lint.types import TYPES, why_not
from rehearsal.marks import REPORT_VERSION
from rehearsal.monitor import Registered
from rehearsal.problems import Problem
from rehearsal.property_values import shown

REFERENCE_REGION: Final = "us-east-1"
"""Where the documents that systems are designed from take their prices."""


@dataclass
class Report:
    """Everything that one rehearsal found."""

    stack: str
    project: str
    product: str
    environment: str
    region: str
    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    looked_up: list[RecordedCall] = field(default_factory=list)
    """What look-ups asked of AWS."""
    problems: list[Problem] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    """Where the rehearsal did less than AWS would."""
    waivers: list[dict[str, Any]] = field(default_factory=list)
    stand_ins: list[str] = field(default_factory=list)
    rules: int = 0
    expected: dict[str, Any] | None = None
    """What passes through the stack in a month; None where nobody says so."""
    plan: str | None = None
    """The account's plan, for a stack that must stay within the free tier: free, paid or legacy."""
    lint: LintResult = field(default_factory=LintResult)
    iam: IamAnalysis = field(default_factory=IamAnalysis)
    insights: Insights = field(default_factory=Insights)
    secrets: set[str] = field(default_factory=set)
    folder: Path = Path()
    """Where the program is: paths of files begin there."""
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not any(problem.level == "error" for problem in self.problems)

    @property
    def invalid(self) -> bool:
        """Whether the stack's settings are invalid: nothing was deployed then."""
        return any(problem.kind == "settings" and problem.level == "error" for problem in self.problems)

    @property
    def counts(self) -> dict[str, int]:
        """Resources by status, and problems by level."""
        statuses = Counter(resource.status for resource in self.resources)
        levels = Counter(problem.level for problem in self.problems)
        return {
            "resources": len(self.resources),
            **{status: statuses[status] for status in ("emulated", "validated", "read", "skipped", "component")},
            "errors": levels["error"],
            "warnings": levels["warning"],
            "waived": sum(len(waiver["waived"]) for waiver in self.waivers),
            "rules": self.rules,
        }

    def told(self, problem: Problem) -> str:
        """What is wrong and how to fix it, without secrets."""
        remedy = f"\nFix: {problem.remedy}" if problem.remedy else ""
        return str(shown(f"{problem.message}{remedy}", self.secrets))

    @cached_property
    def below(self) -> PurePath:
        """Where the program is in its repository: review tools name files from there."""
        folder = self.folder.resolve()
        root = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)
        return folder.relative_to(root)

    def in_repository(self, file: str) -> str:
        """A file of the program, named as review tools do."""
        return posixpath.normpath((self.below / file).as_posix())

    @cached_property
    def billed(self) -> list[Resource]:
        """The resources as a bill sees them."""
        rows = [
            {
                "urn": one.urn,
                "type": one.type,
                "name": one.name,
                "parent": one.parent,
                "custom": one.custom,
                "status": one.status,
                "region": one.region,
                "inputs": shown(one.inputs),
                "outputs": shown(one.outputs),
            }
            for one in self.resources
        ]
        return resources_of({"resources": rows, "region": self.region})

    @cached_property
    def costed(self) -> Stack:
        """The stack at what its file expects. `CostError` for an expectation that is none."""
        # Who says nothing of a stack that must be free expects nothing.
        said = self.expected if self.plan is None else {"profile": None, **(self.expected or {})}
        return Stack(self.billed, self.region, expected(said))

    @cached_property
    def free_tier(self) -> FreeTierUse | None:
        """How much of the free tier the stack uses, if it must stay within it."""
        if self.plan is None:
            return None
        try:
            return free_tier_use(self.costed)
        except CostError:
            return None

    @cached_property
    def months(self) -> list[Bill]:
        """What a month costs, here and where the designs' prices come from; nothing where nobody can tell."""
        try:
            regions = dict.fromkeys([self.region, REFERENCE_REGION])
            return [bill(self.costed, region=region, offers=self.plan == LEGACY) for region in regions]
        except CostError:
            return []

    @property
    def no_months(self) -> str:
        """Why nobody can tell."""
        try:
            bill(self.costed)
        except CostError as error:
            return error.message
        return ""

    @property
    def month_usd(self) -> Decimal | None:
        """What the month costs where the stack is, beyond what is free; None where nobody can tell."""
        return self.months[0].usd if self.months else None

    @property
    def budget(self) -> Budget | None:
        """What the stack's budgets allow a month; None without one."""
        return budget(self.billed)

    def sort(self) -> None:
        """The same order in every run: the SDK's own order of registrations is not stable."""
        self.resources.sort(key=lambda resource: resource.urn)
        self.problems.sort(key=lambda p: (p.level, p.kind, p.urn or "", p.rule or "", p.message))

    def as_json(self) -> dict[str, Any]:
        """The stable shape that other tools build on; secrets are redacted."""
        return {
            "version": REPORT_VERSION,
            "stack": self.stack,
            "project": self.project,
            "product": self.product,
            "environment": self.environment,
            "region": self.region,
            "ok": self.ok,
            "resources": [self._resource(resource) for resource in self.resources],
            "outputs": shown(self.outputs, self.secrets),
            # The passes ask side by side, in whatever order.
            "looked_up": sorted((shown(one.as_json(), self.secrets) for one in self.looked_up), key=str),
            "expected": self.expected,
            "plan": self.plan,
            "problems": [shown(problem.as_json(), self.secrets) for problem in self.problems],
            "gaps": shown(counted(self.gaps), self.secrets),
            "waivers": self.waivers,
            "stand_ins": self.stand_ins,
            "lint": {
                "linted": self.lint.linted,
                "inputs_not_linted": {type_: sorted(names) for type_, names in sorted(self.lint.untranslated.items())},
                "types_not_linted": self._not_linted(),
            },
            "iam": self.iam.as_json(),
            "insights": self.insights.as_json(),
            "counts": self.counts,
            "free_tier": _free_tier(self.free_tier, self.plan),
            "months": [_month(one) for one in self.months],
            "seconds": {phase: round(seconds, 3) for phase, seconds in self.seconds.items()},
        }

    def _not_linted(self) -> dict[str, str]:
        """The types that the linter does not know, and why."""
        made = {one.type for one in self.resources if one.custom and one.type.startswith("aws:")}
        return {type_: why_not(type_) for type_ in sorted(made) if type_ not in TYPES}

    def _resource(self, resource: Registered) -> dict[str, Any]:
        return {
            "urn": resource.urn,
            "type": resource.type,
            "name": resource.name,
            "parent": resource.parent,
            "custom": resource.custom,
            "inputs": with_hashes(shown(resource.inputs, self.secrets), self.folder),
            "outputs": shown(resource.outputs, self.secrets),
            "id": resource.id,
            "status": resource.status,
            "reason": shown(resource.reason, self.secrets),
            "left_out": resource.left_out,
            "depends_on": resource.depends_on,
            "property_dependencies": resource.property_dependencies,
            "protect": resource.protect,
            "aliases": resource.aliases,
            "ignore_changes": resource.ignore_changes,
            "retain_on_delete": resource.retain_on_delete,
            "delete_before_replace": resource.delete_before_replace,
            "replace_on_changes": resource.replace_on_changes,
            "region": resource.region,
            "source": resource.source.as_json() if resource.source else None,
            "remediated": resource.remediated,
            "calls": [shown(one.as_json(), self.secrets) for one in resource.calls],
        }

    def write(self, path: Path) -> None:
        """Write the JSON report; a reader never sees half of it."""
        write(path, json.dumps(self.as_json(), indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def _month(one: Bill) -> dict[str, Any]:
    return {
        "region": one.region,
        "use": one.use.said_by,
        "usd": float(cents(one.usd)),
        "list_usd": float(cents(one.list_usd)),
        "fixed_usd": float(cents(one.fixed_usd)),
        "by_use_usd": float(cents(one.by_use_usd)),
        "components": {
            name: {"fixed": float(cents(fixed)), "by_use": float(cents(used))}
            for name, (fixed, used) in one.by_component.items()
            if fixed or used
        },
        "lines": [
            {
                "component": cost.resource.component,
                "resource": cost.resource.name,
                "type": full_type(cost.resource.type),
                "what": line.name,
                "kind": line.kind,
                "usd": float(cents(line.usd)),
                "list_usd": float(cents(line.list_usd)),
            }
            for cost in one.resources
            for line in cost.lines
            if line.list_usd
        ],
        "estimates": [f"{price.key} in {price.region}: {price.source}" for price in one.estimates],
        "unpriced": dict(one.unpriced),
    }


def _free_tier(use: FreeTierUse | None, plan: str | None) -> dict[str, Any] | None:
    if use is None:
        return None
    return {
        "region": use.region,
        "plan": plan,
        "usd_outside": None if use.cost is None else float(use.cost),
        "usd_without_offers": float(use.cost_without_offers),
        "limits": [
            {
                "key": one.limit.key,
                "kind": one.limit.kind,
                "used": float(one.used),
                "free": float(one.limit.free),
                "unit": one.limit.unit,
                "percent": int(one.percent),
            }
            for one in use.taken
        ],
        "charges": [{"what": one.what, "usd": float(one.cost)} for one in use.charges],
        "uncounted": list(use.uncounted),
    }
