"""cfn-lint without what it does anew at each step of a validation; what it finds is the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any


def apply() -> None:
    """Apply the patches; to do so twice changes nothing."""
    from cfnlint.context import context  # noqa: PLC0415 heavy: only the linter's process needs it
    from cfnlint.jsonschema import _filter, validators  # noqa: PLC0415
    from cfnlint.rules.jsonschema.CfnLint import CfnLint  # noqa: PLC0415

    modules: list[Any] = [context, _filter, validators]
    for module in modules:
        module.fields = cache(dataclasses.fields)
    _filter.FunctionFilter.evolve = _evolve(_filter.FunctionFilter)
    modules[-1].create = _once(validators.create)
    rule: Any = CfnLint
    rule.cfnLint = _cfn_lint


def _evolve(cls: type[Any]) -> Callable[..., Any]:
    """Each step copies what it knows, and would ask its class for the fields."""
    names = [field.name for field in dataclasses.fields(cls) if field.init]

    def evolve(self: Any, **changes: Any) -> Any:
        return cls(**{name: changes[name] if name in changes else getattr(self, name) for name in names})

    return evolve


def _once(create: Callable[..., Any]) -> Callable[..., Any]:
    """Of a few kinds of validators each is a class: a rule would make it anew whenever it is asked."""
    if hasattr(create, "made"):
        return create
    made: dict[Any, Any] = {}

    def known(
        validators: Mapping[str, Any] | None = None,
        function_filter: Any = None,
        fn_resolvers: Mapping[str, Any] | None = None,
    ) -> Any:
        kind = (tuple((validators or {}).items()), repr(function_filter), tuple((fn_resolvers or {}).items()))
        if kind not in made:
            made[kind] = create(validators, function_filter, fn_resolvers)
            made[kind].evolve = _evolve(made[kind])
        return made[kind]

    known.made = made  # type: ignore[attr-defined]
    return known


@cache
def _rules_of(rule: Any, keyword: str) -> list[Any]:
    children = [child for child in rule.child_rules.values() if child is not None and child.id]
    return [child for child in children for of_child in child.keywords if of_child == keyword]


def _cfn_lint(self: Any, validator: Any, keywords: list[str], instance: Any, schema: Any) -> Iterator[Any]:
    """As cfn-lint's own, which looks through all rules for those of a keyword."""
    from cfnlint.jsonschema._utils import Unset  # noqa: PLC0415

    validator = validator.evolve(function_filter=validator.function_filter.evolve(add_cfn_lint_keyword=False))
    for keyword in keywords:
        for rule in _rules_of(self, keyword):
            for error in rule.validate(validator, keyword, instance, schema):
                if error.rule is None and isinstance(error.validator, Unset):
                    error.rule = rule
                yield error
