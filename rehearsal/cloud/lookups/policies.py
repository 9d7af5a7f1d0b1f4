"""Policies written as data: nothing is looked up, and the text is the one that the provider writes."""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

from rehearsal.cloud.account import Account
from rehearsal.problems import RequestError

_LISTS: Final = {
    "actions": "Action",
    "notActions": "NotAction",
    "resources": "Resource",
    "notResources": "NotResource",
}
_PRINCIPALS: Final = {"principals": "Principal", "notPrincipals": "NotPrincipal"}


def _document(_account: Account, _region: str, args: dict[str, Any]) -> dict[str, Any]:
    statements: list[dict[str, Any]] = []
    for text in (*([args["sourceJson"]] if args.get("sourceJson") else []), *args.get("sourcePolicyDocuments", [])):
        _add(statements, _statements_of(text))
    _add(statements, [_statement(one) for one in args.get("statements", [])])
    for text in (
        *([args["overrideJson"]] if args.get("overrideJson") else []),
        *args.get("overridePolicyDocuments", []),
    ):
        _override(statements, _statements_of(text))
    document = {
        "Version": args.get("version", "2012-10-17"),
        **({"Id": args["policyId"]} if args.get("policyId") else {}),
        "Statement": statements,
    }
    text = json.dumps(document, indent=2)
    return {
        **args,
        "id": str(zlib.crc32(text.encode())),
        "json": text,
        "minifiedJson": json.dumps(document, separators=(",", ":")),
        "version": document["Version"],
    }


def _statements_of(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)["Statement"]
    except (ValueError, LookupError, TypeError) as error:
        raise RequestError(f"aws.iam.get_policy_document was given a policy that is none: {text!r}") from error
    return found if isinstance(found, list) else [found]


def _add(statements: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    known = {one.get("Sid") for one in statements} - {None}
    for one in more:
        if one.get("Sid") in known:
            raise RequestError(f"aws.iam.get_policy_document has two statements with the sid {one['Sid']!r}")
        statements.append(one)
        known |= {one["Sid"]} if one.get("Sid") else set()


def _override(statements: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    """A statement of the same sid takes the place of the earlier one."""
    places = {one["Sid"]: place for place, one in enumerate(statements) if one.get("Sid")}
    for one in others:
        if one.get("Sid") in places:
            statements[places[one["Sid"]]] = one
        else:
            statements.append(one)


def _statement(given: dict[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = {"Sid": given["sid"]} if given.get("sid") else {}
    written["Effect"] = given.get("effect", "Allow")
    for key, name in _LISTS.items():
        if given.get(key):
            written[name] = _one_or_sorted(given[key])
    for key, name in _PRINCIPALS.items():
        if given.get(key):
            written[name] = _principals(given[key])
    conditions: dict[str, dict[str, Any]] = {}
    for one in given.get("conditions", []):
        values = [_variables(value) for value in one["values"]]
        conditions.setdefault(one["test"], {})[one["variable"]] = values[0] if len(values) == 1 else values
    if conditions:
        written["Condition"] = conditions
    return written


def _principals(given: list[dict[str, Any]]) -> Any:
    by_type: dict[str, list[str]] = {}
    for one in given:
        by_type.setdefault(one["type"], []).extend(one["identifiers"])
    if by_type == {"*": ["*"]}:
        return "*"
    return {type_: _one_or_sorted(identifiers) for type_, identifiers in by_type.items()}


def _one_or_sorted(values: list[str]) -> Any:
    """As the provider writes lists: the last letter of the alphabet first."""
    plain = [_variables(value) for value in values]
    return plain[0] if len(plain) == 1 else sorted(plain, reverse=True)


def _variables(text: str) -> str:
    """`&{…}` stands for a variable of IAM's, because `${…}` means something else to those who write templates."""
    return text.replace("&{", "${")


LOOKUPS: Final = {"aws:iam/getPolicyDocument:getPolicyDocument": _document}
