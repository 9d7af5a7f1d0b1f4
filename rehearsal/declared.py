"""What exists already, as somebody declares it: `rehearsal.yaml` beside Pulumi.yaml.

    stacks:
      acme/network/prod: {vpcId: vpc-0123456789abcdef0, subnetIds: [subnet-0123456789abcdef0]}
    look-ups:
      - function: aws:secretsmanager/getSecret:getSecret
        when: {name: prod/db}
        answer: {arn: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf"}
    ids: ["arn:aws:iam::123456789012:role/deploy"]

`stacks` are the outputs that a StackReference gives; a look-up is answered where its arguments are those of `when`, and
what `answer` does not say of it is made up; `ids` are what the program may name although nothing in it makes it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from rehearsal.problems import SettingsError

FILE: Final = "rehearsal.yaml"
_SECTIONS: Final = ("stacks", "look-ups", "ids")
_OF_A_LOOK_UP: Final = ("function", "when", "answer")


@dataclass(frozen=True)
class LookUp:
    """The answer to one look-up."""

    function: str
    """The token, such as `aws:route53/getZone:getZone`."""
    when: Mapping[str, Any]
    answer: Mapping[str, Any]

    def fits(self, token: str, args: Mapping[str, Any]) -> bool:
        return token == self.function and all(args.get(key) == value for key, value in self.when.items())


@dataclass(frozen=True)
class Declared:
    """The content of the file; nothing without one."""

    stacks: Mapping[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    look_ups: tuple[LookUp, ...] = ()
    ids: tuple[str, ...] = ()

    def answer(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return next((one.answer for one in self.look_ups if one.fits(token, args)), None)


def load(folder: Path) -> Declared:
    """What the file in `folder` declares; `SettingsError` says what is wrong with it."""
    path = folder / FILE
    if not path.is_file():
        return Declared()
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{FILE} cannot be read: {error}") from None
    _check_keys(said, _SECTIONS, FILE)
    stacks, look_ups, ids = said.get("stacks") or {}, said.get("look-ups") or [], said.get("ids") or []
    if not isinstance(stacks, dict) or not all(isinstance(one, dict) for one in stacks.values()):
        raise SettingsError(f"{FILE}: stacks must be a mapping from a stack's name to its outputs", _FORM)
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise SettingsError(f"{FILE}: ids must be a list of ids and ARNs", _FORM)
    if not isinstance(look_ups, list):
        raise SettingsError(f"{FILE}: look-ups must be a list", _FORM)
    return Declared(
        {str(name): outputs for name, outputs in stacks.items()},
        tuple(_look_up(one, number) for number, one in enumerate(look_ups, 1)),
        tuple(ids),
    )


_FORM: Final = (
    "for example:\n  stacks: {acme/network/prod: {vpcId: vpc-0123456789abcdef0}}\n"
    '  look-ups: [{function: "aws:ec2/getVpc:getVpc", when: {default: true}, answer: {id: vpc-0123456789abcdef0}}]\n'
    '  ids: ["arn:aws:iam::123456789012:role/deploy"]'
)


def _look_up(said: Any, number: int) -> LookUp:
    where = f"{FILE}: look-ups, entry {number}"
    _check_keys(said, _OF_A_LOOK_UP, where)
    function, when, answer = said.get("function"), said.get("when") or {}, said.get("answer")
    if not isinstance(function, str) or function.count(":") != 2:
        raise SettingsError(f"{where}: function must be a token such as aws:ec2/getVpc:getVpc, got {function!r}")
    if not isinstance(when, dict) or not isinstance(answer, dict):
        raise SettingsError(f"{where}: when and answer must be mappings", _FORM)
    return LookUp(function, when, answer)


def _check_keys(said: Any, known: tuple[str, ...], where: str) -> None:
    if not isinstance(said, dict):
        raise SettingsError(f"{where} must be a mapping with {', '.join(known)}", _FORM)
    for key in said:
        if key not in known:
            nearest = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {nearest[0]!r}? " if nearest else ""
            raise SettingsError(f"{where}: there is no key {key!r}", f"{hint}The keys are {', '.join(known)}.")
