"""Every input that the SDK knows of every type that has a spec: none of them is an error by itself."""

from __future__ import annotations

import importlib
import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi import _types

from rehearsal import sdk
from rehearsal.cloud.account import Account
from rehearsal.cloud.creation import Call, CreateContext, creating_request, further_request
from rehearsal.cloud.specs import SPECS
from rehearsal.problems import RehearsalError

DEEPEST = 4
"""Objects within objects, from where the firewall's statements would go on for ever."""


def value(hint: Any, depth: int = 0) -> Any:
    """A value of an input's type, with every key of every object in it; None where there is none to think of."""
    if isinstance(hint, type) and _types.is_input_type(hint):
        if depth == DEEPEST:
            return None
        inner = {key: value(one, depth + 1) for key, one in _types.input_type_types(hint).items()}
        return {key: one for key, one in inner.items() if one is not None}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        found = (value(one, depth) for one in arguments if one is not type(None))
        return next((one for one in found if one is not None), None)
    name = getattr(origin, "__name__", "")
    if name == "Sequence":
        inner = value(arguments[0], depth)
        return None if inner is None else [inner]
    if name == "Mapping":
        return {"key": "1"}
    return {str: "1", int: 1, float: 1.0, bool: True}.get(hint)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    found = Account()
    yield found
    # Else every later test of this process would begin in what earlier ones left.
    found.close()


@pytest.mark.parametrize("type_", sorted(SPECS))
def test_no_input_that_the_sdk_knows_is_refused_for_want_of_a_place(type_: str, account: Account) -> None:
    module = type_.split(":")[1].partition("/")[0]
    importlib.import_module(f"pulumi_aws.{'lambda_' if module == 'lambda' else module}")
    args = sdk._args_class(type_)  # noqa: SLF001
    if args is None:
        pytest.skip("the SDK has no such resource of its own")
    inputs = {key: one for key, hint in _types.input_type_types(args).items() if (one := value(hint)) is not None}
    spec = SPECS[type_]
    context = CreateContext(account, "urn", type_, "thing", "ap-northeast-1", inputs, {}, spec.service, id="thing")
    without_a_place: list[str] = []
    for call in (spec.create, *spec.then):
        if not isinstance(call, Call):
            continue
        try:
            creating_request(spec, call, context) if call is spec.create else further_request(call, context)
        except RehearsalError as error:
            # Values that AWS would not take are refused, too; that none has a place is what may not be.
            without_a_place += [error.message] if "matches nothing" in error.message else []
    assert without_a_place == []
