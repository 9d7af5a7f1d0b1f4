"""What the stack's configuration says to the pack: waivers, and whether it came at all. What was waived, and how, only
the evaluator knows: it adds the findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import ADVISORY, MANDATORY, Finding, stack_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context


@stack_rule(
    id="waiver-ledger",
    title="Every waiver is valid",
    level=MANDATORY,
    severity="critical",
    topics=("waivers",),
    remedy="Correct or delete the entry under policy:exemptions in the stack's file.",
)
def waiver_ledger(at: Context) -> Iterator[Finding]:
    """Refuses entries that cannot be read, unknown or critical rules, short reasons, dates that are missing, past or
    more than a year away, and waivers that waive nothing."""
    yield from at.waivers.mistakes()


@stack_rule(
    id="waiver-report",
    title="What is waived, why and until when",
    level=ADVISORY,
    severity="low",
    topics=("waivers",),
    remedy="Nothing to do now; fix the finding before the waiver ends.",
)
def waiver_report(at: Context) -> Iterator[Finding]:
    """Names each finding that a waiver has silenced, at the resource it belongs to."""
    yield from at.waivers.report()


@stack_rule(
    id="stack-configuration",
    title="The pack knows the stack's configuration",
    level=ADVISORY,
    severity="medium",
    topics=("waivers",),
    remedy="Set PULUMI_CONFIG to what `pulumi config --stack <stack> --json` prints, before `pulumi policy analyze`.",
)
def stack_configuration(at: Context) -> Iterator[Finding]:
    """Says what was left out or guessed where no configuration came: `pulumi policy analyze` gives none."""
    if not at.stack.configured:
        yield Finding(
            message=f"there is no stack configuration: the environment, {at.stack.environment or 'none'}, is guessed "
            "from the stack's name, waivers are ignored, and rules that need the product or freeTier are skipped"
        )
