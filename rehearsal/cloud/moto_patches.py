"""Faults of moto 5.2.5, patched in this process: what would refuse a right program, or cost much for nothing."""

# ruff: noqa: E402 moto reads service models while it is imported
from __future__ import annotations

import hashlib
import json
import random
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final

import botocore.session
import moto.core.utils

# Each session of botocore's, and moto makes one for each question after regions, would read the same models again;
# moto itself looks through all of botocore's folders for each service that it loads.
_BOTOCORE: Final[Any] = botocore.session
_BOTOCORE.create_loader = cache(_BOTOCORE.create_loader)
_MOTO: Final[Any] = moto.core.utils
_MOTO.create_loader = cache(_MOTO.create_loader)

import moto.bedrockagent.models
import moto.budgets.models
import moto.core.base_backend
import moto.core.responses
import moto.dynamodb.models.table
import moto.ec2.models.amis
import moto.events.models
import moto.iam.models
import moto.kms.models
import moto.opensearchserverless.models
import moto.rds.models
import moto.sqs.models
from moto.events.utils import EventTemplateParser
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.kms.utils import KeySpec
from moto.moto_api._internal import mock_random
from moto.s3.models import FakeBucket
from werkzeug.routing import Rule

_BACKENDS: Final[Any] = moto.core.base_backend.AccountSpecificBackend
_backend_of: Final = _BACKENDS.__getitem__
_RESPONSES: Final[Any] = moto.core.responses
_names_of_methods: Final = cache(_MOTO.method_names_from_class)
_ROUTE: Final[Any] = Rule
_compile_builder: Final = _ROUTE._compile_builder  # noqa: SLF001 it has no other seam

_LOGGING: Final = "logging.s3.amazonaws.com"

_TABLE: Final[Any] = moto.dynamodb.models.table.Table
_set_stream_specification: Final = _TABLE.set_stream_specification
_STREAM_LABEL: Final = "2026-01-01T00:00:00.000"

_KMS: Final[Any] = moto.kms.models
_RDS: Final[Any] = moto.rds.models
_settings_of_cluster: Final = _RDS.DBCluster.get_cfg
_generate_private_key: Final = _KMS.generate_private_key

_IMAGES: Final[Any] = moto.ec2.models.amis.AmiBackend
_load_images: Final = _IMAGES._load_amis  # noqa: SLF001 it has no other seam

_IAM: Final[Any] = moto.iam.models
_attach_role_policy: Final = _IAM.IAMBackend.attach_role_policy

_SEARCH: Final[Any] = moto.opensearchserverless.models
_create_collection: Final = _SEARCH.OpenSearchServiceServerlessBackend.create_collection

_BEDROCK: Final[Any] = moto.bedrockagent.models
_make_knowledge_base: Final = _BEDROCK.KnowledgeBase.__init__

_BUDGETS: Final[Any] = moto.budgets.models
_make_budget: Final = _BUDGETS.Budget
_RULE: Final[Any] = moto.events.models.Rule
_send_to_targets: Final = _RULE.send_to_targets
_QUEUE: Final[Any] = moto.sqs.models.Queue
_set_attributes: Final = _QUEUE._set_attributes  # noqa: SLF001 it has no other seam


class _Repeatable:
    """The standard library's `uuid`, but for what it draws."""

    uuid1 = staticmethod(mock_random.uuid1)
    uuid4 = staticmethod(mock_random.uuid4)

    def __getattr__(self, name: str) -> Any:
        return getattr(uuid, name)


_SOURCES: Final[Mapping[Any, Any]] = {uuid: _Repeatable(), uuid.uuid4: mock_random.uuid4, random: mock_random}

DRAW_ON: Final = ("moto.moto_api.", "moto.core.base_backend")
"""Modules of moto's that keep their source: what the common source itself is made of, and the names of backends, which
nobody sees, and which a service may get in the middle of another's request."""


def seed(text: str) -> None:
    """Make the ids that moto invents next depend on `text` alone."""
    mock_random.seed(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))


@contextmanager
def drawing_for(text: str) -> Iterator[None]:
    """Ids that moto invents within depend on `text` alone, and those after it not on whether there was this."""
    before = mock_random.getstate()
    seed(text)
    try:
        yield
    finally:
        mock_random.setstate(before)


def draw_repeatably() -> None:
    """Give the one source that is seeded to those modules of moto's that have a random source of their own.

    To be called when a service has been loaded; modules come one by one.
    """
    for name, module in list(sys.modules.items()):
        if not name.startswith("moto.") or name.startswith(DRAW_ON):
            continue
        for attribute in ("uuid", "uuid4", "random"):
            found = vars(module).get(attribute)
            if found is uuid or found is uuid.uuid4 or found is random:
                setattr(module, attribute, _SOURCES[found])


def apply() -> None:
    """Apply the patches; to do so twice changes nothing."""
    # moto fails at `"Principal": "*"` in the target's policy, and wants the statement spelt in one of three ways.
    FakeBucket._log_permissions_enabled_policy = staticmethod(_may_log)  # noqa: SLF001 it has no other seam
    # moto names a stream by the time: no two rehearsals would say the same.
    _TABLE.set_stream_specification = _set_stream
    # moto passes over the conditions of a bucket policy, so that one that demands TLS keeps everybody out.
    FakeBucket.get_permission = _permission
    # moto makes the backend of a region when it is first looked at, be it in the middle of another's request.
    _BACKENDS.__getitem__ = _backend
    # moto looks through all attributes of a class for each request.
    _RESPONSES.method_names_from_class = _names_of_methods
    # werkzeug compiles, for each of moto's paths, a function that writes such a path, which nobody calls.
    _ROUTE._compile_builder = _builder  # noqa: SLF001 as above
    # moto makes an RSA key, in some 40 ms, for symmetric keys too, which can neither sign nor verify.
    _KMS.generate_private_key = _private_key
    # moto knows AWS's own policies only if all 1,500 are loaded, in some 200 ms: here one is when it is attached.
    _IAM.IAMBackend.attach_role_policy = _attach
    # moto makes 1,300 images, in some 170 ms, for every region that anything looks at; few stacks ask for one.
    _IMAGES.amis = property(_images, _keep_images)
    _IMAGES._load_amis = lambda _backend: None  # noqa: SLF001 as above
    # moto wants a limit even of a budget that AWS sets to what was spent before.
    _BUDGETS.Budget = _budget
    # moto takes a network policy for what encrypts a collection, and fails at a key that AWS keeps.
    _SEARCH.OpenSearchServiceServerlessBackend.create_collection = _make_collection
    # moto gives knowledge bases ids that AWS's other operations do not take.
    _BEDROCK.KnowledgeBase.__init__ = _knowledge_base
    # moto cannot restore the snapshot of a cluster whose password AWS manages.
    _RDS.DBCluster.get_cfg = _settings_without_password
    # moto fails at a rule whose target is a state machine; AWS starts it.
    _RULE.send_to_targets = _to_targets
    # moto drops the policy of a queue whenever another of its attributes is set.
    _QUEUE._set_attributes = _set_on_queue  # noqa: SLF001 it has no other seam


def _backend(backends: Any, region: str) -> Any:
    if region in backends.keys():  # noqa: SIM118 `in` asks for the regions that there could be
        return _backend_of(backends, region)
    with drawing_for(f"{backends.service_name}/{region}"):
        return _backend_of(backends, region)


def _set_on_queue(queue: Any, attributes: Mapping[str, Any], now: float | None = None) -> None:
    policy = getattr(queue, "_policy_json", None)
    _set_attributes(queue, attributes, now)
    if policy is not None and "Policy" not in attributes:
        queue._policy_json = policy  # noqa: SLF001 as above


def _builder(rule: Rule, append_unknown: bool = True) -> Any:
    def build(bound: Rule, **values: Any) -> Any:
        return _compile_builder(rule, append_unknown)(bound, **values)

    return build


def _make_collection(backend: Any, **request: Any) -> Any:
    """A collection, seen by moto with what encrypts it and nothing else."""
    policies = backend.security_policies
    covering = {
        token: policy
        for token, policy in policies.items()
        if policy.type == "encryption"
        and any(fnmatchcase(f"collection/{request['name']}", pattern) for pattern in policy.resources)
    }
    for policy in covering.values():
        policy.policy.setdefault("KmsARN", "auto")
        policy.resources = [*policy.resources, f"collection/{request['name']}"]
    backend.security_policies = covering
    try:
        return _create_collection(backend, **request)
    finally:
        backend.security_policies = policies


def _knowledge_base(self: Any, *args: Any, **named: Any) -> None:
    _make_knowledge_base(self, *args, **named)
    self.knowledge_base_id = mock_random.get_random_string(length=10).upper()
    self.knowledge_base_arn = f"{self.knowledge_base_arn.rpartition('/')[0]}/{self.knowledge_base_id}"


def _attach(backend: Any, policy_arn: str, role_name: str) -> None:
    if ":iam::aws:policy/" in policy_arn and policy_arn not in backend.managed_policies:
        known = _policies_of_aws()
        name = policy_arn.rpartition("/")[2]
        if name in known:
            policy = _IAM.AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, known[name])
            backend.managed_policies[policy.arn] = policy
    _attach_role_policy(backend, policy_arn, role_name)


@cache
def _policies_of_aws() -> dict[str, Any]:
    return json.loads(_IAM.aws_managed_policies_data)


def _set_stream(table: Any, streams: dict[str, Any] | None) -> None:
    _set_stream_specification(table, streams)
    if table.latest_stream_label:
        table.latest_stream_label = _STREAM_LABEL


def _images(backend: Any) -> dict[str, Any]:
    """The images of a region, made when they are first asked for; ids that are drawn later do not depend on it."""
    if not hasattr(backend, "known_images"):
        backend.known_images = {}
        state = mock_random.getstate()
        _load_images(backend)
        mock_random.setstate(state)
    return backend.known_images


def _keep_images(backend: Any, images: dict[str, Any]) -> None:
    if images:
        backend.known_images = images


def _budget(budget: dict[str, Any], notifications: list[dict[str, Any]]) -> Any:
    """The budget, with the limit that AWS gives to one without history."""
    limited = {"BudgetLimit": {"Amount": "0", "Unit": "USD"}} if "AutoAdjustData" in budget else {}
    return _make_budget({**limited, **budget}, notifications)


def _settings_without_password(cluster: Any) -> dict[str, Any]:
    cluster.__dict__.setdefault("_master_user_password", "")
    return _settings_of_cluster(cluster)


def _to_targets(rule: Any, event: Any, transform_input: bool = True) -> None:
    """Start the state machines among the targets, and leave the others to moto."""
    targets = list(rule.targets)
    workflows = [target for target in targets if _names_a_workflow(target)]
    if workflows and rule.event_pattern.matches_event(event):
        for target in workflows:
            _start(target, rule, event)
    rule.targets = [target for target in targets if target not in workflows]
    try:
        _send_to_targets(rule, event, transform_input)
    finally:
        rule.targets = targets


def _names_a_workflow(target: dict[str, Any]) -> bool:
    return target["Arn"].split(":")[2] == "states"


def _start(target: dict[str, Any], rule: Any, event: Any) -> None:
    from moto.stepfunctions.responses import get_backend  # noqa: PLC0415 only stacks with workflows pay for it

    transformer = target.get("InputTransformer", {})
    text = target.get("Input") or json.dumps(
        EventTemplateParser.parse(
            input_template=transformer.get("InputTemplate"),
            input_paths_map=transformer.get("InputPathsMap", {}),
            event=event,
        )
    )
    get_backend(rule.account_id, rule.region_name).start_execution(target["Arn"], str(uuid.uuid4()), text)


def _permission(self: FakeBucket, action: str, resource: str) -> Any:
    """What the statements without conditions say; whether a condition holds is not known here."""
    if self.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(self.policy.decode())
    plain = [statement for statement in policy["Statement"] if "Condition" not in statement]
    if not plain:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps({**policy, "Statement": plain})).is_action_permitted(action, resource)


def _private_key(key_spec: str) -> Any:
    asymmetric = key_spec in (*KeySpec.rsa_key_specs(), *KeySpec.ecc_key_specs())
    return _generate_private_key(key_spec) if asymmetric else None


def _may_log(target_bucket: Any, target_prefix: str | None) -> bool:
    """Whether the target bucket's policy lets S3 deliver server access logs under the prefix."""
    if not target_bucket.policy:
        return False
    written = f"arn:{target_bucket.partition}:s3:::{target_bucket.name}/{target_prefix or ''}log"
    return any(
        statement.get("Effect") == "Allow"
        and _LOGGING in _listed(_service(statement.get("Principal")))
        and any(fnmatchcase("s3:PutObject", action) for action in _listed(statement.get("Action")))
        and any(fnmatchcase(written, resource) for resource in _listed(statement.get("Resource")))
        for statement in json.loads(target_bucket.policy.decode())["Statement"]
    )


def _service(principal: Any) -> Any:
    return principal.get("Service") if isinstance(principal, dict) else None


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def apply_to_judged_tokens() -> None:
    """moto refuses the action by which a load balancer judges tokens; apart, as below."""
    from moto.elbv2.models import ELBv2Backend  # noqa: PLC0415

    if not hasattr(ELBv2Backend, "patched"):
        backend: Any = ELBv2Backend
        validate = backend._validate_actions  # noqa: SLF001 it has no other seam

        def validate_others(self: Any, actions: list[Any]) -> None:
            validate(self, [action for action in actions if action.type != "jwt-validation"])

        backend._validate_actions = validate_others  # noqa: SLF001
        backend.patched = True  # a mark of ours


def apply_to_workflows() -> None:
    """What is wrong with executions; apart, because loading their parser costs time that few stacks need."""
    from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint  # noqa: PLC0415

    # moto gives each attempt of a waiting task the same token, and the answer to the first to all of them.
    if not hasattr(CallbackEndpoint, "patched"):
        interrupt = CallbackEndpoint.interrupt_all

        def interrupt_and_forget(self: Any) -> None:
            interrupt(self)
            self._outcome = None
            self._notify_event.clear()

        CallbackEndpoint.interrupt_all = interrupt_and_forget

        # moto sends a task's message before it listens for heartbeats: who is quick had a token that "no workflow
        # gave", and an answer that was there already was not seen until a heartbeat had failed to come.
        set_up, notify = CallbackEndpoint.setup_heartbeat_endpoint, CallbackEndpoint.notify_heartbeat

        def set_up_with_what_came_before(self: Any, heartbeat_seconds: int) -> Any:
            endpoint = set_up(self, heartbeat_seconds)
            if self.get_outcome() is not None:
                endpoint.notify()
            return endpoint

        def notify_early_too(self: Any) -> bool:
            notify(self)
            return True

        CallbackEndpoint.setup_heartbeat_endpoint = set_up_with_what_came_before
        CallbackEndpoint.notify_heartbeat = notify_early_too
        setattr(CallbackEndpoint, "patched", True)  # noqa: B010 a mark of ours

    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (  # noqa: PLC0415
        ResourceCondition,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (  # noqa: PLC0415
        StateTaskServiceCallback,
    )

    # moto looks for the endpoint of an answer where there can be none, and so fails at every `.sync` of a Glue job.
    if not hasattr(StateTaskServiceCallback, "patched"):
        evaluate = StateTaskServiceCallback._eval_integration_pattern  # noqa: SLF001 it has no other seam

        def evaluate_sync(
            self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
        ) -> None:
            if ResourceCondition.WaitForTaskToken in self._supported_integration_patterns:
                evaluate(self, env, resource_runtime_part, normalised_parameters, state_credentials)
                return
            resolver = self._build_sync_resolver(env, resource_runtime_part, normalised_parameters, state_credentials)
            env.stack.append(self._eval_sync(env, resolver, None, None, None))

        StateTaskServiceCallback._eval_integration_pattern = evaluate_sync  # noqa: SLF001
        setattr(StateTaskServiceCallback, "patched", True)  # noqa: B010 a mark of ours
