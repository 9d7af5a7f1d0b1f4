"""Writes docs/rules.md from the rules: `python -m guardrails.catalogue`, run in the folder policies/."""

from __future__ import annotations

from pathlib import Path

from guardrails.kit import ADVISORY, MANDATORY, MANDATORY_IN_PROD, Rule
from guardrails.rules import MODULES, RULES

FILE = Path(__file__).parents[2] / "docs" / "rules.md"

TOPICS = {
    "naming": "Naming",
    "tagging": "Tagging",
    "at rest": "Encryption at rest",
    "in transit": "Encryption in transit",
    "network": "Network",
    "IAM": "Permissions",
    "logging": "Logging",
    "backup": "Backup and protection",
    "availability": "Availability",
    "runtime": "Runtime",
    "fit": "What fits together",
    "cost": "Cost",
    "residency": "Residency",
    "secrets": "Secrets",
    "waivers": "Waivers",
}
"""Topic → heading, in the catalogue's order. A rule stands under its first topic."""

_SOURCES = {
    rule: f"rules/{module.__name__.rpartition('.')[2]}.py"
    for module in MODULES
    for rule in vars(module).values()
    if isinstance(rule, Rule)
}

_HEAD = """\
# The rules

Generated from `policies/guardrails/rules/` by `python -m guardrails.catalogue`, run in `policies/`; do not edit.

**Levels.** A *mandatory* rule stops the deployment, an *advisory* one prints a warning. Where the level depends on the
environment, that is `<project>:environment`, or what the stack's name says. A file may choose other levels
(`advisory`, `mandatory`, `remediate`, `disabled`), for example `{"bucket-multipart-abort": "advisory"}`:

    pulumi up --policy-pack policies --policy-pack-config levels.json

**Remediation.** Rules marked so can change the inputs before the resource is made, if their level is set to
`remediate`. None is by default, in no environment: a remediated resource is not what the program says, so the mistake
would pass unseen in dev and stop the deployment to prod, where nothing should change silently. Fix the program; use
`remediate` to bring programs of others into line while they are being fixed. After its remediation a rule checks the
result again, and what it could not fix stops the deployment.

**Waivers.** The stack's file may accept single findings, each with a reason and a last day at most a year away; the
rules under [Waivers](#waivers) refuse those that are not in order and report the others. Critical rules cannot be
waived. This is also how a stack declares what a rule calls an exception:

    config:
      policy:exemptions:
        - rule: bucket-versioning
          urn: "*::kumiki-dev-site-bucket" # a pattern for the resource's URN
          reason: The front end is built again at every deployment.
          until: "2027-06-30"

**Unknown values.** A rule that needs a value which does not exist yet at a preview gives no result; it checks when the
value is known, before the resource is made. Connections between resources are known from the first preview on.

**Checked elsewhere.** Whether the month that a stack's file expects fits its budget, and what its IAM policies allow
under all of AWS's actions, the rehearsal says (`make rehearse`): the pack carries no prices and no list of 20,000
actions.

**References** name the same rule elsewhere: A awsguard, P Pulumi compliance-policies, N cdk-nag AwsSolutions,
C Checkov CKV_AWS, C2 Checkov CKV2_AWS, F AWS Foundational Security Best Practices. "All resources" marks a rule that
looks at the finished stack, because it checks connections between resources.
"""


def catalogue(rules: tuple[Rule, ...] = RULES) -> str:
    """The text of docs/rules.md."""
    parts = [_HEAD, _counts(rules)]
    for topic, heading in TOPICS.items():
        of_topic = [rule for rule in rules if rule.topics[0] == topic]
        if of_topic:
            parts.append(f"## {heading}\n")
            parts += [_entry(rule) for rule in of_topic]
    return "\n".join(parts)


def _counts(rules: tuple[Rule, ...]) -> str:
    levels = {level: sum(rule.level == level for rule in rules) for level in (MANDATORY, MANDATORY_IN_PROD, ADVISORY)}
    return f"{len(rules)} rules: " + "; ".join(f"{count} {level}" for level, count in levels.items()) + ".\n"


def _entry(rule: Rule) -> str:
    facts = [rule.level, f"severity {rule.severity}"]
    facts += [f"only in {', '.join(rule.environments)}"] * bool(rule.environments)
    facts += ["only with `<project>:freeTier`"] * rule.free_tier
    facts += ["all resources"] * bool(rule.graph_check)
    facts += ["needs `<project>:product`"] * rule.needs_product
    facts += ["can remediate"] * bool(rule.remediate)
    facts += ["cannot be waived"] * (not rule.waivable)
    lines = [f"### `{rule.id}`", "", f"**{rule.title}.** {rule.description}", "", f"- {'; '.join(facts)}"]
    if rule.types:
        lines.append(f"- Applies to: {', '.join(f'`{type_}`' for type_ in _short(rule.types))}")
    lines.append(f"- Fix: {rule.remedy}")
    if rule.references:
        lines.append(f"- References: {', '.join(rule.references)}")
    lines.append(f"- Source: [{_SOURCES[rule]}](../policies/guardrails/{_SOURCES[rule]})")
    return "\n".join(lines) + "\n"


def _short(types: tuple[str, ...]) -> list[str]:
    """A long list of types is a table of its own; its length is enough here."""
    return [*types] if len(types) <= 8 else [*types[:3], f"… {len(types) - 3} more"]


if __name__ == "__main__":
    FILE.write_text(catalogue(), encoding="utf-8")
