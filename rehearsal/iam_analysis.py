"""What the IAM policies of a stack allow, analysed by cloudsplaining, which knows all of AWS's actions.

The pack's own rules know the common actions; this knows every action, whether it takes a resource, and the published
ways of privilege escalation. It analyses what the deployment created, each policy alone and, for privilege
escalation, all policies of one role, user or group together.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rehearsal.problems import Problem
from rehearsal.property_values import UNKNOWN, plain

if TYPE_CHECKING:
    from rehearsal.monitor import Registered

Statement = dict[str, Any]

_ROLE: Final = "aws:iam/role:Role"
_POLICY: Final = "aws:iam/policy:Policy"
_INLINE: Final = {
    "aws:iam/rolePolicy:RolePolicy": "role",
    "aws:iam/userPolicy:UserPolicy": "user",
    "aws:iam/groupPolicy:GroupPolicy": "group",
}
_HOLDERS: Final = {_ROLE: "role", "aws:iam/user:User": "user", "aws:iam/group:Group": "group"}
_ATTACHMENTS: Final = {
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("role",),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": ("user",),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": ("group",),
    "aws:iam/policyAttachment:PolicyAttachment": ("roles", "users", "groups"),
}


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """Actions that may stand without a resource, and why."""

    actions: tuple[str, ...]
    reason: str
    denied_to_code: bool = False
    """Only where the same policy denies them to the code of the function that holds it."""


ACCEPTED: Final = (
    Accepted(
        actions=("ecr:GetAuthorizationToken",),
        reason="takes no resource; the token opens the repositories that the policy names",
    ),
    Accepted(
        actions=("ssm:UpdateInstanceInformation",),
        reason="how a host says that it is there; its own id is not known before it is",
    ),
    Accepted(
        actions=(
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:UnassignPrivateIpAddresses",
        ),
        reason="Lambda tries them on everything before it takes a function; the same policy denies them to the code",
        denied_to_code=True,
    ),
)
"""All that is accepted; what else these policies allow without saying on what is a finding."""

_EVERYTHING: Final = re.compile(
    r"\*|arn:[^:]*:(?:s3:::\*(?:/\*)?|iam::[^:]*:(?:\*|(?:role|user|group|policy)/\*)"
    r"|secretsmanager:[^:]*:[^:]*:secret:\*|ssm:[^:]*:[^:]*:parameter/\*)"
)
"""Resources that are as good as all: every bucket, role, secret or parameter."""

_FUNCTION_KEY: Final = "lambda:SourceFunctionArn"
_NAMED: Final = 5
"""How many actions, or ways of privilege escalation, a message names."""


@dataclass(frozen=True)
class _Question:
    """A group of actions that cloudsplaining finds in a policy."""

    rule: str
    answer: str
    """The property of its `PolicyDocument`."""

    says: str
    remedy: str


_QUESTIONS: Final = (
    _Question(
        "iam-exfiltration",
        "allows_data_exfiltration_actions",
        "reads data of any owner",
        "name the buckets, parameters or secrets in the statement",
    ),
    _Question(
        "iam-credentials",
        "credentials_exposure",
        "hands out credentials",
        "name the resources, or leave it to the one role that needs it",
    ),
    _Question(
        "iam-permissions",
        "permissions_management_without_constraints",
        "changes permissions",
        "name the resources, or leave this to people",
    ),
    _Question(
        "iam-writes",
        "write_actions_without_constraints",
        "changes or deletes anything",
        "name the resources, or compare a tag of theirs in a condition",
    ),
)
ESCALATION: Final = "iam-escalation"


@dataclass
class IamAnalysis:
    """What was found in how many policies."""

    problems: list[Problem] = field(default_factory=list)
    policies: int = 0
    accepted: dict[str, str] = field(default_factory=dict)
    """Actions that these policies allow on everything, with the reason why that is no finding."""

    def as_json(self) -> dict[str, Any]:
        return {"policies": self.policies, "accepted": dict(sorted(self.accepted.items()))}


_Holder = tuple[str, str]
"""Role, user or group, and its name."""


@dataclass(frozen=True)
class _Policy:
    """The document of a policy, and where it is written."""

    urn: str
    holder: _Holder | None
    """None where attachments say who holds it."""

    statements: list[Statement]


@dataclass(frozen=True)
class _Written:
    """An IAM resource, its inputs without their secret wrappers."""

    resource: Registered
    inputs: dict[str, Any]

    @property
    def holder(self) -> _Holder:
        """Itself, if it may hold policies."""
        return _HOLDERS.get(self.resource.type, ""), str(self.inputs.get("name") or self.resource.id)

    def policies(self) -> Iterator[_Policy]:
        """The policies that it writes down, as far as they are known."""
        type_, inputs = self.resource.type, self.inputs
        key = _INLINE.get(type_)
        found: list[tuple[_Holder | None, Any]] = []
        if type_ == _POLICY:
            found.append((None, inputs.get("policy")))
        elif key is not None:
            found.append(((key, str(inputs.get(key))), inputs.get("policy")))
        elif type_ == _ROLE:
            inline = [each for each in _list(inputs.get("inlinePolicies")) if isinstance(each, dict)]
            found += [(self.holder, each.get("policy")) for each in inline]
        for holder, document in found:
            if statements := _statements(document):
                yield _Policy(self.resource.urn, holder, statements)

    def attached(self) -> Iterator[tuple[_Holder, str]]:
        """Who it gives which policy of another resource."""
        for key in _ATTACHMENTS.get(self.resource.type, ()):
            for name in _list(self.inputs.get(key)):
                yield (key.removesuffix("s"), str(name)), str(self.inputs.get("policyArn"))
        if self.resource.type == _ROLE:
            for arn in _list(self.inputs.get("managedPolicyArns")):
                yield self.holder, str(arn)


class IamAnalyzer:
    """cloudsplaining with its data loaded, for any number of policies."""

    def __init__(self) -> None:
        from cloudsplaining.scan.policy_document import PolicyDocument  # noqa: PLC0415 0.2 s, when there is a core

        self._read: Any = PolicyDocument
        # It prints its warnings.
        logging.getLogger("cloudsplaining").handlers = [logging.NullHandler()]

    def analyse(self, resources: Sequence[Registered]) -> IamAnalysis:
        """The findings in the policies among these resources, as far as their documents are known."""
        analysis = IamAnalysis()
        held: dict[_Holder, list[_Policy]] = {}
        arns: dict[str, _Policy] = {}
        every = [_Written(one, plain(one.inputs)) for one in resources if one.type.startswith("aws:iam/")]
        for one in every:
            for policy in one.policies():
                analysis.policies += 1
                self._alone(policy, analysis)
                if policy.holder is not None:
                    held.setdefault(policy.holder, []).append(policy)
                else:
                    arns[str(plain(one.resource.outputs.get("arn")))] = policy
        for one in every:
            for holder, arn in one.attached():
                if arn in arns:
                    held.setdefault(holder, []).append(arns[arn])
        urns = {one.holder: one.resource.urn for one in every}
        for holder, policies in held.items():
            self._together(urns.get(holder, policies[0].urn), policies, analysis)
        return analysis

    def _alone(self, policy: _Policy, analysis: IamAnalysis) -> None:
        try:
            document = self._document(policy.statements)
            found = {question: set(getattr(document, question.answer)) for question in _QUESTIONS}
            ways = _ways(document)
        except Exception as error:  # noqa: BLE001 what it cannot read is said, whatever it trips over
            analysis.problems.append(
                Problem(
                    kind="iam",
                    level="warning",
                    rule="iam-not-analysed",
                    urn=policy.urn,
                    message=f"cloudsplaining cannot read this policy: {type(error).__name__}: {error}",
                    remedy="each statement has an Effect, an Action or NotAction, and a Resource or NotResource",
                )
            )
            return
        told = _denied(policy.statements)
        for question, actions in found.items():
            for accepted in _accepted(policy.statements):
                for action in actions.intersection(accepted.actions):
                    analysis.accepted[action] = accepted.reason
                actions.difference_update(accepted.actions)
            actions = {action for action in actions if action.lower() not in told}
            if actions:
                analysis.problems.append(_finding(question, policy.urn, sorted(actions)))
                # An action is told once, by the first question that asks for it.
            told.update(action.lower() for action in actions)
        if ways:
            analysis.problems.append(_escalation(policy.urn, ways, "allows privilege escalation"))

    def _together(self, urn: str, policies: list[_Policy], analysis: IamAnalysis) -> None:
        """The privilege escalations that only several policies together allow."""
        if len(policies) < 2:
            return
        try:
            known = {name for policy in policies for name in _ways(self._document(policy.statements))}
            ways = _ways(self._document([each for policy in policies for each in policy.statements]))
        except Exception:  # noqa: BLE001 said of the policy itself
            return
        together = {name: way for name, way in ways.items() if name not in known}
        if together:
            said = f"can escalate its privileges by its {len(policies)} policies together"
            analysis.problems.append(_escalation(urn, together, said))

    def _document(self, statements: list[Statement]) -> Any:
        """As cloudsplaining reads it, which takes every denial for one without exceptions, and only `*` for all."""
        clear = [_plainly(each) for each in statements if each["Effect"] == "Allow" or _denies_all(each)]
        return self._read({"Version": "2012-10-17", "Statement": clear})


def _statements(policy: Any) -> list[Statement]:
    """None if the document is not known, or is none; that it is none, AWS and the pack say."""
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError:
            return []
    if not isinstance(policy, dict):
        return []
    return [each for each in _list(policy.get("Statement")) if isinstance(each, dict)]


def _list(value: Any) -> list[Any]:
    if value is None or value is UNKNOWN:
        return []
    return value if isinstance(value, list) else [value]


def _plainly(statement: Statement) -> Statement:
    """A permission in words that cloudsplaining knows, never a narrower one."""
    if statement["Effect"] != "Allow":
        return statement
    made = dict(statement)
    if "NotResource" in made or any(_EVERYTHING.fullmatch(str(each)) for each in _list(made.get("Resource"))):
        made.pop("NotResource", None)
        made["Resource"] = "*"
    if "Action" in made:
        made["Action"] = [each.replace("?", "*") for each in _list(made["Action"])]
    return made


def _denies_all(statement: Statement) -> bool:
    return not statement.get("Condition") and _list(statement.get("Resource")) == ["*"]


def _denied(statements: list[Statement]) -> set[str]:
    """Actions that are denied by name, whatever the resource."""
    return {
        str(action).lower()
        for each in statements
        if each["Effect"] == "Deny" and _denies_all(each)
        for action in _list(each.get("Action"))
    }


def _accepted(statements: list[Statement]) -> Iterator[Accepted]:
    """What is accepted of a policy with these statements."""
    for one in ACCEPTED:
        if not one.denied_to_code or all(_denied_to_code(action, statements) for action in one.actions):
            yield one


def _denied_to_code(action: str, statements: list[Statement]) -> bool:
    return any(
        each["Effect"] == "Deny"
        and action in _list(each.get("Action"))
        and _list(each.get("Resource")) == ["*"]
        and _FUNCTION_KEY in json.dumps(each.get("Condition"))
        for each in statements
    )


def _ways(document: Any) -> dict[str, list[str]]:
    return {each["type"]: each["actions"] for each in document.allows_privilege_escalation}


def _finding(question: _Question, urn: str, actions: Sequence[str]) -> Problem:
    return Problem(
        kind="iam",
        level="warning",
        rule=question.rule,
        urn=urn,
        message=f"{question.says}: {_named(actions)} on every resource, without a condition",
        remedy=question.remedy,
    )


def _escalation(urn: str, ways: Mapping[str, Sequence[str]], said: str) -> Problem:
    return Problem(
        kind="iam",
        rule=ESCALATION,
        urn=urn,
        message=f"{said}: {_named([' with '.join(actions) for _, actions in sorted(ways.items())])} on every resource",
        remedy="name the roles, users or functions in the statement, or leave these actions to people",
    )


def _named(words: Sequence[str]) -> str:
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return f"{', '.join(words[:_NAMED])}{more}"
