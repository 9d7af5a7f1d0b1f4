"""Asks cfn-lint about the fragments, and says which of its findings do not count here."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from rehearsal.lint import cfnlint_patches
from rehearsal.lint.endpoints import doubt
from rehearsal.lint.fragments import Fragment, fragment
from rehearsal.lint.result import LintInput, LintResult
from rehearsal.lint.types import TYPES
from rehearsal.problems import Level, Problem

if TYPE_CHECKING:
    from cfnlint.match import Match


@dataclass(frozen=True)
class Suppressed:
    """A rule of cfn-lint's that says nothing about a rehearsed resource."""

    rule: str
    reason: str
    type: str | None = None


SUPPRESSED: Final = (
    Suppressed("E1", "about functions and references inside a template: here every value is known"),
    Suppressed("E2", "about the parameters of a template"),
    Suppressed("E4", "about the metadata of a template"),
    Suppressed("E5", "about modules of templates"),
    Suppressed("E6", "about the outputs of a template"),
    Suppressed("E7", "about the mappings of a template"),
    Suppressed("E8", "about the conditions of a template"),
    Suppressed("W1", "about functions inside a template: a deployment ends with plain values"),
    Suppressed("W2", "about the parameters of a template"),
    Suppressed("W4", "about the metadata of a template"),
    Suppressed("W6", "about the outputs of a template"),
    Suppressed("W7", "about the mappings of a template"),
    Suppressed("W8", "about the conditions of a template"),
    Suppressed("I", "information, not findings"),
    Suppressed("W2501", "passwords written into a template: where ours come from is the pack's to judge"),
    Suppressed("W3010", "zones written into a template: a program knows its region"),
    Suppressed("W3011", "CloudFormation's policies for deletion: Pulumi has `protect`, and the pack a rule for it"),
    Suppressed("E3030", "CloudFormation cannot make a SecureString; the provider can", "AWS::SSM::Parameter"),
    Suppressed("E3682", "AWS takes these for an instance of Aurora, without effect", "AWS::RDS::DBInstance"),
)
"""By the beginning of their ids, or by the whole of it."""

_COUNT: Final = ("E11", "E25", "W25")
"""Formats of ids and ARNs, and runtimes: they stand among the template's own rules."""

_ABOUT_THE_WHOLE: Final = ("E3003", "E3014", "E3017", "E3018", "E3020", "E3021", "E3049")
"""What is required, and what goes with what: no finding where a part is not there to be seen."""

_ABOUT_SEVERAL: Final = ("E2529", "E3019", "E3022")
"""What no resource has by itself: too many filters of one log group, two of one name, two route tables of a subnet."""

_RULE_FAILED: Final = "E0002"
_OFFER: Final = re.compile(r"^'(?P<given>[^']*)' is not one of \[(?P<offered>.*)\]", re.DOTALL)
_MAJOR_VERSION: Final = re.compile(r"Engine version '\d+' ")
_ENGINE_VERSIONS: Final = ("E3690", "E3691")
_LONGEST_OFFER: Final = 12
"""How many allowed values a message lists; of more it names the nearest."""


_NOT_ASCII: Final = re.compile("[^\n -~]")
_NOT_INPUTS: Final = frozenset({"region", "tags", "tagsAll"})
"""Tags are the pack's to check; the region is where the question is asked."""


@cache
def _rules() -> Any:
    """Loaded once in a process and in those that are forked from it."""
    from cfnlint.core import get_rules  # noqa: PLC0415 heavy: only the linter's process needs it

    # It is declared as one kind of collection and asked for as another.
    return get_rules([], [], ["W", "E"], {}, include_experimental=False)


@cache
def _rules_about(*, several: bool) -> Any:
    from cfnlint.rules import RulesCollection  # noqa: PLC0415 as above

    chosen: Any = RulesCollection([], ["W", "E"], {}, include_experimental=False)
    for rule in _rules().all_rules.values():
        if (rule.id in _ABOUT_SEVERAL) == several:
            chosen.register(rule)
    return chosen


class Linter:
    """cfn-lint with its rules loaded, for any number of questions."""

    def __init__(self) -> None:
        cfnlint_patches.apply()
        self._configs: dict[str, Any] = {}
        _rules()

    def lint(self, resources: Sequence[LintInput]) -> LintResult:
        """The findings on each of these resources, in one question for each region."""
        result = LintResult()
        for region, fragments in self._by_region(resources):
            for resource, made in fragments.values():
                result.count(resource.type, made.untranslated)
            result.problems += self._ask(region, fragments, several=False)
        result.problems += [found for each in resources if (found := doubt(each)) is not None]
        return result

    def lint_together(self, resources: Sequence[LintInput]) -> list[Problem]:
        """What is wrong with several of these resources because of each other."""
        return [
            problem
            for region, fragments in self._by_region(resources)
            for problem in self._ask(region, fragments, several=True)
        ]

    def untranslated(self, resource: LintInput) -> list[str] | None:
        """Its inputs that CloudFormation does not have; None if CloudFormation does not have the resource."""
        made = self._fragment(resource)
        return None if made is None else made.untranslated

    def _by_region(self, resources: Sequence[LintInput]) -> Iterator[tuple[str, dict[str, tuple[LintInput, Fragment]]]]:
        for region in sorted({resource.region for resource in resources}):
            yield (
                region,
                {
                    f"R{index}": (resource, made)
                    for index, resource in enumerate(resources)
                    if resource.region == region and (made := self._fragment(resource)) is not None
                },
            )

    def _fragment(self, resource: LintInput) -> Fragment | None:
        from cfnlint.helpers import REGIONS  # noqa: PLC0415
        from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415
        from cfnlint.schema._exceptions import ResourceNotFoundError  # noqa: PLC0415

        cfn = TYPES.get(resource.type)
        if cfn is None or resource.region not in REGIONS:
            return None
        try:
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(resource.region, cfn.type).schema
        except ResourceNotFoundError:
            return None
        return fragment(cfn, schema, {key: value for key, value in resource.inputs.items() if key not in _NOT_INPUTS})

    def _ask(
        self, region: str, fragments: dict[str, tuple[LintInput, Fragment]], *, several: bool
    ) -> Iterator[Problem]:
        from cfnlint.config import ConfigMixIn  # noqa: PLC0415
        from cfnlint.decode.decode import decode_str  # noqa: PLC0415
        from cfnlint.runner.template.runner import run_template_by_data  # noqa: PLC0415

        if not fragments:
            return
        template = {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Resources": {
                name: {"Type": made.type, "Properties": made.properties} for name, (_, made) in fragments.items()
            },
        }
        # What somebody's own configuration says about their templates is not about this program.
        if region not in self._configs:
            self._configs[region] = ConfigMixIn(["--config-file", os.devnull, "--regions", region])
        decoded, _wrong = decode_str(_as_yaml(template))
        assert decoded is not None
        matches = run_template_by_data(decoded, self._configs[region], _rules_about(several=several))
        found = (_problem(match, fragments) for match in matches)
        yield from dict.fromkeys(problem for problem in found if problem is not None)


def _as_yaml(template: dict[str, Any]) -> str:
    """JSON that YAML reads as well: what JSON writes as two halves, an emoji for one, is a mistake to it."""
    told = json.dumps(template, ensure_ascii=False)
    return _NOT_ASCII.sub(lambda one: "\\ufffd" if "\ud800" <= one[0] <= "\udfff" else f"\\U{ord(one[0]):08x}", told)


def _problem(match: Match, fragments: dict[str, tuple[LintInput, Fragment]]) -> Problem | None:
    path = [str(step) for step in getattr(match, "path", None) or []]
    if match.rule.id == _RULE_FAILED:
        return Problem(kind="lint", level="warning", rule=_RULE_FAILED, message=_sentence(match.message))
    if len(path) < 2 or path[0] != "Resources" or path[1] not in fragments:
        return None
    resource, made = fragments[path[1]]
    if suppressed(match.rule.id, made.type) is not None or (resource.partial and match.rule.id in _ABOUT_THE_WHOLE):
        return None
    message = _message(match)
    if message is None or any(text in match.message for text in resource.made_up):
        return None
    where = _input(made, path[3:])
    level: Level = "error" if match.rule.id.startswith("E") else "warning"
    subject = f"{where}: " if where else ""
    return Problem(
        kind="lint",
        level=level,
        rule=match.rule.id,
        urn=resource.urn,
        message=f"{subject}{message}",
        remedy=f"see {match.rule.id} ({_sentence(match.rule.shortdesc)}) and the reference of {made.type}",
    )


def _message(match: Match) -> str | None:
    """What cfn-lint says, with long lists of allowed values cut short; None if the value is allowed after all."""
    message = _sentence(match.message)
    offer = _OFFER.match(message)
    if offer is None:
        return None if _MAJOR_VERSION.match(message) else message
    given, offered = offer["given"], re.findall(r"'([^']*)'", offer["offered"])
    if match.rule.id in _ENGINE_VERSIONS and any(each.startswith(f"{given}.") for each in offered):
        # A major version stands for its newest minor one.
        return None
    if len(offered) <= _LONGEST_OFFER:
        return message
    nearest = difflib.get_close_matches(given, offered, n=5, cutoff=0.3)
    return f"'{given}' is not one of the {len(offered)} that there are" + (
        f", such as {', '.join(nearest)}" if nearest else ""
    )


def _input(made: Fragment, path: list[str]) -> str:
    """The input that the property at `path` was made from, or the property's own name."""
    for length in range(len(path), 0, -1):
        known = made.inputs.get("/".join(path[:length]))
        if known is not None:
            return ".".join([known, *path[length:]])
    return ".".join(path)


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def suppressed(rule: str, type_: str) -> Suppressed | None:
    """Why findings of this rule on this type do not count; None if they do."""
    fitting = [each for each in SUPPRESSED if rule.startswith(each.rule) and each.type in (None, type_)]
    whole = next((each for each in fitting if each.rule == rule), None)
    if whole is not None or rule.startswith(_COUNT):
        return whole
    return fitting[0] if fitting else None
