"""Budgets."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.account import ACCOUNT
from rehearsal.cloud.creation import Call, CreateContext, Spec


def _budget(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider spells lists in the plural, and makes one object of a limit and its unit."""
    budget = {key: value for key, value in inputs.items() if key not in ("notifications", "limitAmount", "limitUnit")}
    if "limitAmount" in inputs:
        budget["budgetLimit"] = {"amount": inputs["limitAmount"], "unit": inputs.get("limitUnit")}
    if "filterExpression" in inputs:
        budget["filterExpression"] = _expression(inputs["filterExpression"])
    request: dict[str, Any] = {"budget": {_RENAMED.get(key, key): value for key, value in budget.items()}}
    if "notifications" in inputs:
        request["notificationsWithSubscribers"] = [_notice(notice) for notice in inputs["notifications"]]
    return request


_RENAMED: Final = {"name": "budgetName"}


def _expression(given: dict[str, Any]) -> dict[str, Any]:
    plural = {"ands": "and", "ors": "or"}
    return {
        plural.get(key, key): [_expression(one) for one in value] if key in plural else value
        for key, value in given.items()
    }


def _notice(given: dict[str, Any]) -> dict[str, Any]:
    readers = {"subscriberEmailAddresses": "EMAIL", "subscriberSnsTopicArns": "SNS"}
    return {
        "notification": {key: value for key, value in given.items() if key not in readers},
        "subscribers": [
            {"subscriptionType": kind, "address": address}
            for key, kind in readers.items()
            for address in given.get(key) or []
        ],
    }


def _tags(context: CreateContext) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]


SPECS: Final[dict[str, Spec]] = {
    "aws:budgets/budget:Budget": Spec(
        service="budgets",
        create=Call(operation="CreateBudget", fixed={"AccountId": ACCOUNT, "ResourceTags": _tags}, reshape=_budget),
        id=f"{ACCOUNT}:{{name}}",
        autoname="name",
        outputs={"arn": "arn:{partition}:budgets::{account}:budget/{name}", "accountId": "{account}"},
    ),
}
