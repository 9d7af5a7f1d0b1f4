"""The two rules about waivers. What was waived, and how, only the judge knows: it adds the findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import ADVISORY, MANDATORY, stack_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Finding


@stack_rule(
    id="waiver-ledger",
    title="Every waiver is in order",
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
    remedy="Nothing to do now; mend the finding before the waiver ends.",
)
def waiver_report(at: Context) -> Iterator[Finding]:
    """Names each finding that a waiver has silenced, at the resource it belongs to."""
    yield from at.waivers.report()


RULES = (waiver_ledger, waiver_report)
