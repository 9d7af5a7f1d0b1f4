"""Resources that need another one: without it AWS refuses them in the middle of a deployment, or takes them and
delivers nothing. Each is known from the trackers of those who deploy: the plan was green."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, NotYetKnown, Statement, aws, example, graph_rule, json_of, ref, statements
from guardrails.kit.reach import some_unknown
from guardrails.rules.permissions import allowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from guardrails.kit import Context, Resource


def _services(found: Iterable[Statement]) -> set[str]:
    """The services that these statements allow: both `monitoring.rds` and `monitoring` of monitoring.rds.amazonaws.com,
    since the second word may be a region."""
    allowed_ = [service for each in found if each.allows for service in each.services()]
    return {one.partition(".amazonaws.com")[0] for one in allowed_} | {one.partition(".")[0] for one in allowed_}


_TRUSTED: dict[str, tuple[tuple[str, str], ...]] = {
    types.LAMBDA_FUNCTION: (("role", "lambda"),),
    types.STATE_MACHINE: (("roleArn", "states"),),
    types.EVENT_TARGET: (("roleArn", "events"),),
    types.AGENT_KNOWLEDGE_BASE: (("roleArn", "bedrock"),),
    types.BACKUP_SELECTION: (("iamRoleArn", "backup"),),
    types.CFG_RECORDER: (("roleArn", "config"),),
    types.CLOUDTRAIL_TRAIL: (("cloudWatchLogsRoleArn", "cloudtrail"),),
    types.CODEBUILD_PROJECT: (("serviceRole", "codebuild"),),
    types.DEPLOYMENT_GROUP: (("serviceRoleArn", "codedeploy"),),
    types.FLOW_LOG: (("iamRoleArn", "vpc-flow-logs"),),
    types.TASK_DEFINITION: (("taskRoleArn", "ecs-tasks"), ("executionRoleArn", "ecs-tasks")),
    types.GLUE_CRAWLER: (("role", "glue"),),
    types.GLUE_JOB: (("roleArn", "glue"),),
    types.INSTANCE_PROFILE: (("role", "ec2"),),
    types.FIREHOSE_DELIVERY_STREAM: (("extendedS3Configuration.roleArn", "firehose"),),
    types.PIPES_PIPE: (("roleArn", "pipes"),),
    types.CLUSTER_INSTANCE: (("monitoringRoleArn", "monitoring.rds"),),
    types.RDS_INSTANCE: (("monitoringRoleArn", "monitoring.rds"),),
    types.BUCKET_REPLICATION_CONFIG: (("role", "s3"),),
    types.SCHEDULER_SCHEDULE: (("target.roleArn", "scheduler"),),
}


def role_of(service: str, name: str = "role", **props: Any) -> Any:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
    return aws("iam/role:Role", {"assumeRolePolicy": json_of(trust), **props}, name=name)


def _nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


@graph_rule(
    id="role-trusts-its-service",
    title="A role trusts the service that uses it",
    types=tuple(_TRUSTED),
    level=MANDATORY,
    severity="medium",
    topics=("fit", "IAM"),
    remedy="Name the service as a principal in the role's assumeRolePolicy, or give the role that is meant.",
)
def role_trusts_its_service(resource: Resource, at: Context) -> Iterator[str]:
    """A role of another service has the right name and the wrong trust: some services refuse it when they are made,
    some take it and fail at their first call."""
    for via, service in _TRUSTED[resource.kind]:
        for role in at.graph.targets(resource, types.IAM_ROLE, via=via):
            if service not in _services(statements(role.props, "assumeRolePolicy")):
                yield f"{role.name} does not trust {service}.amazonaws.com"


role_trusts_its_service.examples(
    compliant=[
        example(role_of(service), aws(type_, _nested(via, ref("role", "arn")), name="it"))
        for type_, uses in _TRUSTED.items()
        for via, service in uses
    ],
    non_compliant=[
        example(role_of("support"), aws(type_, _nested(via, ref("role", "arn")), name="it"))
        for type_, uses in _TRUSTED.items()
        for via, _service in uses
    ],
)


def _functions(resource: Resource, at: Context, via: str) -> list[tuple[Resource, list[Resource]]]:
    """The functions that a property names, each with the aliases by which it is named."""
    found = [(function, []) for function in at.graph.targets(resource, types.LAMBDA_FUNCTION, via=via)]
    for alias in at.graph.targets(resource, types.LAMBDA_ALIAS, via=via):
        found += [
            (function, [alias]) for function in at.graph.targets(alias, types.LAMBDA_FUNCTION, via="functionName")
        ]
    return found


_DELIVERS = {
    types.EVENT_TARGET: ("events", ("arn",)),
    types.TOPIC_SUBSCRIPTION: ("sns", ("endpoint",)),
    types.BUCKET_NOTIFICATION: (
        "s3",
        ("lambdaFunctions.0.lambdaFunctionArn", "queues.0.queueArn", "topics.0.topicArn"),
    ),
}


def _deliveries(to: str) -> list[Any]:
    """What delivers to the resource called `to`, of each kind."""
    there = ref(to, "arn")
    keys = {"function": "lambdaFunctions", "queue": "queues", "topic": "topics"}
    word = {"function": "lambdaFunctionArn", "queue": "queueArn", "topic": "topicArn"}
    made = [
        aws("cloudwatch/eventTarget:EventTarget", {"rule": "r", "arn": there}, name="delivery"),
        aws(
            "s3/bucketNotification:BucketNotification",
            {"bucket": "b", keys[to]: [{word[to]: there, "events": ["s3:ObjectCreated:*"]}]},
            name="delivery",
        ),
    ]
    if to != "topic":
        protocol = "lambda" if to == "function" else "sqs"
        props = {"topic": "arn", "protocol": protocol, "endpoint": there}
        made.append(aws("sns/topicSubscription:TopicSubscription", props, name="delivery"))
    return made


def _lets(*services: str) -> list[dict[str, Any]]:
    return [
        {"Effect": "Allow", "Principal": {"Service": f"{each}.amazonaws.com"}, "Action": "*", "Resource": "*"}
        for each in services
    ]


_ALL_THREE = ("events", "sns", "s3")
_A_FUNCTION, _A_QUEUE, _A_TOPIC = (
    aws("lambda/function:Function", name="function"),
    aws("sqs/queue:Queue", name="queue"),
    aws("sns/topic:Topic", name="topic"),
)
_PERMITTED = [
    aws(
        "lambda/permission:Permission",
        {"action": "lambda:InvokeFunction", "function": ref("function"), "principal": f"{each}.amazonaws.com"},
        name=f"permission-{each}",
    )
    for each in _ALL_THREE
]
_QUEUE_OPEN = aws(
    "sqs/queuePolicy:QueuePolicy", {"queueUrl": ref("queue"), "policy": json_of(*_lets(*_ALL_THREE))}, name="policy"
)
_TOPIC_OPEN = aws(
    "sns/topicPolicy:TopicPolicy", {"arn": ref("topic", "arn"), "policy": json_of(*_lets(*_ALL_THREE))}, name="policy"
)


def _not_permitted(sender: Resource, at: Context) -> Iterator[str]:
    service, paths = _DELIVERS[sender.kind]
    if sender.kind == types.EVENT_TARGET and sender.props.has("roleArn"):
        return
    for via in paths:
        for function, aliases in _functions(sender, at, via):
            permissions = [
                one
                for each in (function, *aliases)
                for one in at.graph.children(each, types.LAMBDA_PERMISSION, via="function")
            ]
            if f"{service}.amazonaws.com" not in {each.props.text("principal") for each in permissions}:
                _insist(types.LAMBDA_PERMISSION, "function", at)
                yield f"{function.name} does not allow {service}.amazonaws.com to invoke it"
        for kind, policy, name in (
            (types.SQS_QUEUE, types.QUEUE_POLICY, "queueUrl"),
            (types.SNS_TOPIC, types.TOPIC_POLICY, "arn"),
        ):
            for target in at.graph.targets(sender, kind, via=via):
                written = [target, *at.graph.children(target, policy, via=name)]
                said = [one for each in written for one in statements(each.props, "policy")]
                if service not in _services(said) and not any(one.allows and one.is_for_anyone for one in said):
                    _insist(policy, name, at)
                    yield f"{target.name} does not allow {service}.amazonaws.com to send to it"


@graph_rule(
    id="delivery-permitted",
    title="Targets of events and messages allow their sender",
    types=(types.EVENT_TARGET, types.TOPIC_SUBSCRIPTION),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Add a lambda.Permission on the function, or a policy on the queue or topic, with the sender's service.",
)
def delivery_permitted(sender: Resource, at: Context) -> Iterator[str]:
    """EventBridge and SNS take a target that they may not deliver to, and drop what is for it. A service needs no role
    here but the consent of the target, where a rule has no role of its own."""
    yield from _not_permitted(sender, at)


@graph_rule(
    id="notification-permitted",
    title="Targets of a bucket's notifications allow S3",
    types=(types.BUCKET_NOTIFICATION,),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Add a lambda.Permission on the function, or a policy on the queue or topic, for s3.amazonaws.com.",
)
def notification_permitted(sender: Resource, at: Context) -> Iterator[str]:
    """S3 tries each target when it is configured, and refuses those that it may not reach ("Unable to validate the
    following destination configurations")."""
    yield from _not_permitted(sender, at)


def _by_s3(to: str) -> list[Any]:
    return [one for one in _deliveries(to) if one.type == types.BUCKET_NOTIFICATION]


def _by_others(to: str) -> list[Any]:
    return [one for one in _deliveries(to) if one.type != types.BUCKET_NOTIFICATION]


delivery_permitted.examples(
    compliant=[
        *(example(_A_FUNCTION, *_PERMITTED, each) for each in _by_others("function")),
        *(example(_A_QUEUE, _QUEUE_OPEN, each) for each in _by_others("queue")),
        *(example(_A_TOPIC, _TOPIC_OPEN, each) for each in _by_others("topic")),
        example(
            _A_QUEUE,
            aws("cloudwatch/eventTarget:EventTarget", {"rule": "r", "arn": ref("queue", "arn"), "roleArn": "arn"}),
        ),
    ],
    non_compliant=[
        *(example(_A_FUNCTION, each) for each in _by_others("function")),
        *(example(_A_QUEUE, each) for each in _by_others("queue")),
        *(example(_A_TOPIC, each) for each in _by_others("topic")),
    ],
)

notification_permitted.examples(
    compliant=[
        example(_A_FUNCTION, *_PERMITTED, *_by_s3("function")),
        example(_A_QUEUE, _QUEUE_OPEN, *_by_s3("queue")),
        example(_A_TOPIC, _TOPIC_OPEN, *_by_s3("topic")),
        example(
            _A_QUEUE,
            *(
                aws(
                    "sqs/queuePolicy:QueuePolicy",
                    {"queueUrl": ref("queue"), "policy": json_of(*_lets(each))},
                    name=f"policy-{each}",
                )
                for each in ("events", "s3")
            ),
            *_by_s3("queue"),
        ),
    ],
    non_compliant=[
        example(_A_FUNCTION, *_by_s3("function")),
        example(_A_QUEUE, *_by_s3("queue")),
        example(_A_TOPIC, *_by_s3("topic")),
        example(
            _A_QUEUE,
            aws("sqs/queuePolicy:QueuePolicy", {"queueUrl": ref("queue"), "policy": json_of(*_lets("events"))}),
            *_by_s3("queue"),
        ),
    ],
)


def _insist(kind: str, key: str, at: Context) -> None:
    """Raise NotYetKnown if one of this kind may be for anything: what is missing may be there."""
    for each in at.graph.of_kind(kind):
        if not each.dependencies.get(key):
            each.props.get(key)


_OWN = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}
_LOGS = {
    "Effect": "Allow",
    "Principal": {"Service": "logs.ap-northeast-1.amazonaws.com"},
    "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:GenerateDataKey*"],
    "Resource": "*",
}
_GROUP = aws("cloudwatch/logGroup:LogGroup", {"kmsKeyId": ref("key", "arn")}, name="group")


@graph_rule(
    id="log-group-key-consents",
    title="The key of a log group allows CloudWatch Logs to use it",
    types=(types.LOG_GROUP,),
    level=MANDATORY,
    severity="medium",
    topics=("fit", "at rest"),
    remedy="Allow logs.<region>.amazonaws.com to encrypt, decrypt and generate data keys in the key's policy.",
)
def log_group_key_consents(group: Resource, at: Context) -> Iterator[str]:
    """Said in the key's policy only; the policy that a key has by itself does not. AWS answers that the key does not
    exist or is not allowed."""
    for key in at.graph.targets(group, types.KMS_KEY, via="kmsKeyId"):
        written = [key, *at.graph.children(key, types.KEY_POLICY, via="keyId")]
        if "logs" not in _services([one for each in written for one in statements(each.props, "policy")]):
            yield f"the policy of {key.name} does not allow CloudWatch Logs to use it"


log_group_key_consents.examples(
    compliant=[
        example(aws("kms/key:Key", {"policy": json_of(_OWN, _LOGS)}, name="key"), _GROUP),
        example(
            aws("kms/key:Key", name="key"),
            aws("kms/keyPolicy:KeyPolicy", {"keyId": ref("key"), "policy": json_of(_OWN, _LOGS)}, name="policy"),
            _GROUP,
        ),
    ],
    non_compliant=[
        example(aws("kms/key:Key", name="key"), _GROUP),
        example(aws("kms/key:Key", {"policy": json_of(_OWN)}, name="key"), _GROUP),
    ],
)


_RECEIVE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_JOIN = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")
_RECORD = ("logs:CreateLogDelivery", "logs:PutResourcePolicy")
_KEEP = ("sqs:SendMessage",)
_TAKES = {
    types.SQS_QUEUE: _RECEIVE,
    types.DYNAMODB_TABLE: ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"),
    types.KINESIS_STREAM: ("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream"),
}
# Lambda says so itself (https://github.com/coinbase/fenrir/pull/1,
# https://github.com/functionalone/serverless-iam-roles-per-function/issues/39).
_TRACE = ("xray:PutTraceSegments",)
# Of AWS's own policies, those that are known not to have any of these.
_OF_NO_USE = (
    "AWSLambdaBasicExecutionRole",
    "CloudWatchLambdaInsightsExecutionRolePolicy",
)
_FOR_TRACES = ("AWSXRayDaemonWriteAccess", "AWSXrayWriteOnlyAccess")


_OTHER_WAYS = {
    types.POLICY_ATTACHMENT: "roles",
    types.ROLE_POLICY_ATTACHMENTS_EXCLUSIVE: "roleName",
}


def givers(role: Resource, at: Context, actions: tuple[str, ...]) -> tuple[list[Resource], list[str]] | None:
    """What gives the role these actions, and those that nothing gives; None where that cannot be told, because the
    role has a policy that the program does not show."""
    of_no_use = _OF_NO_USE if any(action.startswith("xray:") for action in actions) else (*_OF_NO_USE, *_FOR_TRACES)
    if any(at.graph.children(role, kind, via=via) for kind, via in _OTHER_WAYS.items()):
        return None
    shown = {role.urn: role, **{one.urn: one for one in at.graph.children(role, types.ROLE_POLICY, via="role")}}
    read = list(shown.values())
    for attachment in at.graph.children(role, types.ROLE_POLICY_ATTACHMENT, via="role"):
        policies = at.graph.targets(attachment, types.IAM_POLICY, via="policyArn")
        if not policies and not attachment.props.text("policyArn").endswith(of_no_use):
            return None
        for policy in policies:
            # A policy gives nothing before it is attached.
            shown[policy.urn] = attachment
            read.append(policy)
    if any(not arn.endswith(of_no_use) for arn in role.inputs.items("managedPolicyArns").texts()):
        return None
    given = {one.urn: [each for each in allowed(one) if each.allows] for one in read}
    lacking = [
        action for action in actions if not any(each.covers([action]) for found in given.values() for each in found)
    ]
    givers = [shown[urn] for urn, found in given.items() if any(each.covers(actions) for each in found)]
    return givers, lacking


def _needs(resource: Resource, at: Context) -> Iterator[tuple[Resource, tuple[str, ...]]]:
    """The roles that this resource makes work, and at what."""
    if resource.kind == types.EVENT_SOURCE_MAPPING:
        taken = [actions for kind, actions in _TAKES.items() if at.graph.targets(resource, kind, via="eventSourceArn")]
        for function, _ in _functions(resource, at, "functionName"):
            for role in at.graph.targets(function, types.IAM_ROLE, via="role"):
                for actions in taken:
                    yield role, actions
    elif resource.kind == types.STATE_MACHINE:
        if resource.props.get("loggingConfiguration.level", "OFF") != "OFF":
            for role in at.graph.targets(resource, types.IAM_ROLE, via="roleArn"):
                yield role, _RECORD
    else:
        for role in at.graph.targets(resource, types.IAM_ROLE, via="role"):
            if resource.props.has("vpcConfig.subnetIds"):
                yield role, _JOIN
            if at.graph.targets(resource, types.SQS_QUEUE, via="deadLetterConfig.targetArn"):
                yield role, _KEEP
            if resource.props.get("tracingConfig.mode") == "Active":
                yield role, _TRACE


def _allowing(*actions: str) -> Any:
    given = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return aws("iam/rolePolicy:RolePolicy", {"role": ref("role"), "policy": json_of(given)}, name="policy")


def _with_role(**props: Any) -> Any:
    return aws("lambda/function:Function", {"role": ref("role", "arn"), **props}, name="function")


_IN_NETWORK = _with_role(vpcConfig={"subnetIds": ["a", "b"], "securityGroupIds": ["g"]})
_KEEPS_FAILED = _with_role(deadLetterConfig={"targetArn": ref("queue", "arn")})
_AWS_OWN = "arn:aws:iam::aws:policy"
_TRACED = _with_role(tracingConfig={"mode": "Active"})
_BASIC = aws(
    "iam/rolePolicyAttachment:RolePolicyAttachment",
    {"role": ref("role"), "policyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"},
    name="attached",
)
_OF_OTHERS = aws(
    "iam/rolePolicyAttachment:RolePolicyAttachment",
    {"role": ref("role"), "policyArn": "arn:aws:iam::123456789012:policy/network"},
    name="of-others",
)
_CONSUMER = aws(
    "lambda/eventSourceMapping:EventSourceMapping",
    {"eventSourceArn": ref("queue", "arn"), "functionName": ref("function", "arn")},
    name="mapping",
)
_RECORDED = aws(
    "sfn/stateMachine:StateMachine",
    {"roleArn": ref("role", "arn"), "definition": "{}", "loggingConfiguration": {"level": "ALL"}},
    name="machine",
)


@graph_rule(
    id="role-may-do-its-work",
    title="A role has the permissions that AWS checks at creation",
    types=(types.LAMBDA_FUNCTION, types.EVENT_SOURCE_MAPPING, types.STATE_MACHINE),
    level=MANDATORY,
    severity="medium",
    topics=("fit", "IAM"),
    remedy="Add the actions to a policy of the role.",
)
def role_may_do_its_work(resource: Resource, at: Context) -> Iterator[str]:
    """Lambda and Step Functions try the role while they are being made, and are refused without: joining a network,
    taking messages and records, keeping failed calls, recording steps, sending traces. Not checked where the role has
    policies that the program does not show."""
    for role, actions in _needs(resource, at):
        found = givers(role, at, actions)
        if found is not None and found[1]:
            yield f"{role.name} lacks {', '.join(found[1])}"


role_may_do_its_work.examples(
    compliant=[
        example(role_of("lambda"), _allowing(*_JOIN), _IN_NETWORK),
        example(role_of("lambda"), _allowing("ec2:*NetworkInterface*"), _BASIC, _IN_NETWORK),
        example(role_of("lambda"), _OF_OTHERS, _IN_NETWORK),
        example(
            role_of("lambda"),
            aws("iam/policyAttachment:PolicyAttachment", {"roles": [ref("role")], "policyArn": "arn"}),
            _IN_NETWORK,
        ),
        example(
            role_of("lambda", managedPolicyArns=[f"{_AWS_OWN}/service-role/AWSLambdaVPCAccessExecutionRole"]),
            _IN_NETWORK,
        ),
        example(role_of("lambda"), _allowing(*_RECEIVE), _A_QUEUE, _with_role(), _CONSUMER),
        example(role_of("lambda"), _allowing(*_KEEP), _A_QUEUE, _KEEPS_FAILED),
        example(role_of("states"), _allowing(*_RECORD), _RECORDED),
        example(role_of("lambda"), _with_role()),
        example(role_of("lambda"), _allowing(*_TRACE), _TRACED),
        example(
            role_of("lambda", managedPolicyArns=[f"{_AWS_OWN}/AWSXRayDaemonWriteAccess"]),
            _TRACED,
        ),
        example(role_of("lambda"), _with_role(tracingConfig={"mode": "PassThrough"})),
    ],
    non_compliant=[
        example(role_of("lambda"), _IN_NETWORK),
        example(role_of("lambda"), _BASIC, _IN_NETWORK),
        example(role_of("lambda"), _allowing("sqs:ReceiveMessage"), _A_QUEUE, _with_role(), _CONSUMER),
        example(role_of("lambda"), _A_QUEUE, _KEEPS_FAILED),
        example(
            role_of("lambda"),
            aws("dynamodb/table:Table", name="table"),
            _with_role(),
            aws(
                "lambda/eventSourceMapping:EventSourceMapping",
                {"eventSourceArn": ref("table", "arn"), "functionName": ref("function", "arn")},
                name="mapping",
            ),
        ),
        example(role_of("states"), _RECORDED),
        example(role_of("lambda"), _BASIC, _TRACED),
    ],
)  # fmt: skip


def _joining(*after: str) -> Any:
    props = {"role": ref("role", "arn"), "vpcConfig": {"subnetIds": ["a", "b"], "securityGroupIds": ["g"]}}
    return aws("lambda/function:Function", props, name="function", after=after)


_JOINS, _EARLY = _allowing(*_JOIN), _joining("policy")
_SHARED = aws(
    "iam/policy:Policy", {"policy": json_of({"Effect": "Allow", "Action": list(_JOIN), "Resource": "*"})}, name="shared"
)
_SHARING = aws(
    "iam/rolePolicyAttachment:RolePolicyAttachment",
    {"role": ref("role"), "policyArn": ref("shared", "arn")},
    name="attached",
)
_TARGETS = aws("lb/targetGroup:TargetGroup", {"targetType": "ip"}, name="targets")
_LISTENER = aws(
    "lb/listener:Listener",
    {"loadBalancerArn": "arn", "defaultActions": [{"type": "forward", "targetGroupArn": ref("targets", "arn")}]},
    name="listener",
)


def _balanced(*after: str) -> Any:
    block = {"targetGroupArn": ref("targets", "arn"), "containerName": "api", "containerPort": 80}
    return aws("ecs/service:Service", {"loadBalancers": [block]}, name="service", after=after)


_TO_QUEUE = {"bucket": "b", "queues": [{"queueArn": ref("queue", "arn"), "events": ["s3:ObjectCreated:*"]}]}


@graph_rule(
    id="companion-made-first",
    title="What AWS requires of a resource at creation is created before it",
    types=(
        types.ECS_SERVICE,
        types.BUCKET_NOTIFICATION,
        types.LAMBDA_FUNCTION,
        types.EVENT_SOURCE_MAPPING,
        types.STATE_MACHINE,
    ),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Name it in the resource's dependsOn; a reference to the role, the queue or the target group is not enough.",
)
def companion_made_first(resource: Resource, at: Context) -> Iterator[str]:
    """Without an order both are created at once: the first deployment fails, the second, with everything there,
    does not. Checked for the listener of a service, the consent to a notification, and what a role needs while a
    function, its source of events or a workflow is made."""
    before = at.graph.before(resource)
    missing = [
        " or ".join(sorted(each.name for each in needed))
        for needed in _needed_first(resource, at)
        if needed and not any(each.urn in before for each in needed)
    ]
    for names in dict.fromkeys(missing):
        yield f"it may be created before {names}"


companion_made_first.examples(
    compliant=[
        example(_TARGETS, _LISTENER, _balanced("listener")),
        example(role_of("lambda"), _JOINS, _EARLY),
        # What the role lacks is another rule's.
        example(role_of("lambda"), _allowing("ec2:CreateNetworkInterface"), _IN_NETWORK),
        example(role_of("lambda"), _SHARED, _SHARING, _joining("attached")),
        example(role_of("lambda", managedPolicyArns=["arn:aws:iam::123456789012:policy/network"]), _IN_NETWORK),
        example(
            _A_QUEUE, _QUEUE_OPEN, aws("s3/bucketNotification:BucketNotification", _TO_QUEUE, after=("policy",)),
        ),
    ],
    non_compliant=[
        example(_TARGETS, _LISTENER, _balanced()),
        example(role_of("lambda"), _JOINS, _IN_NETWORK),
        # A policy gives nothing before it is attached.
        example(role_of("lambda"), _SHARED, _SHARING, _joining("shared")),
        example(_A_QUEUE, _QUEUE_OPEN, aws("s3/bucketNotification:BucketNotification", _TO_QUEUE)),
        example(role_of("lambda"), _allowing(*_RECEIVE), _A_QUEUE, _with_role(), _CONSUMER),
        example(role_of("states"), _allowing(*_RECORD), _RECORDED),
    ],
)  # fmt: skip


def forwarding_to(targets: Resource, at: Context) -> list[Resource]:
    """The listeners and their rules that forward to a target group; raises NotYetKnown if some may."""
    found: list[Resource] = []
    open_ = False
    for each in at.graph.of_kind(types.LB_LISTENER, types.LISTENER_RULE):
        key = "defaultActions" if each.kind == types.LB_LISTENER else "actions"
        actions = each.inputs.raw.get(key)
        written = any(f"'{one}'" in repr(actions) for one in targets.identifiers)
        if written or targets.urn in each.dependencies.get(key, ()):
            found.append(each)
        open_ |= not each.dependencies.get(key) and some_unknown(actions)
    if open_ and not found:
        raise NotYetKnown("the actions of a listener")
    return found


def _needed_first(resource: Resource, at: Context) -> Iterator[list[Resource]]:
    """Groups of resources, of each of which one must be there before."""
    if resource.kind == types.ECS_SERVICE:
        for index in range(len(resource.inputs.items("loadBalancers"))):
            for targets in at.graph.targets(resource, types.TARGET_GROUP, via=f"loadBalancers.{index}.targetGroupArn"):
                yield forwarding_to(targets, at)
    elif resource.kind == types.BUCKET_NOTIFICATION:
        for via in _DELIVERS[types.BUCKET_NOTIFICATION][1]:
            for function, aliases in _functions(resource, at, via):
                yield [
                    one
                    for each in (function, *aliases)
                    for one in at.graph.known_children(each, types.LAMBDA_PERMISSION, via="function")
                ]
            for kind, policy, name in (
                (types.SQS_QUEUE, types.QUEUE_POLICY, "queueUrl"),
                (types.SNS_TOPIC, types.TOPIC_POLICY, "arn"),
            ):
                for target in at.graph.targets(resource, kind, via=via):
                    yield at.graph.known_children(target, policy, via=name)
    else:
        for role, actions in _needs(resource, at):
            found = givers(role, at, actions)
            if found is not None and not found[1]:
                yield found[0]


_FRONT = aws("cloudfront/originAccessControl:OriginAccessControl", name="control")
_SHOWS = aws(
    "cloudfront/distribution:Distribution",
    {"origins": [{"domainName": ref("bucket", "arn"), "originId": "site", "originAccessControlId": ref("control")}]},
    name="distribution",
)


def _read_by(service: str) -> Any:
    policy = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": "*",
    }
    return aws("s3/bucketPolicy:BucketPolicy", {"bucket": ref("bucket"), "policy": json_of(policy)}, name="policy")


@graph_rule(
    id="distribution-may-read",
    title="A bucket allows the distribution in front of it to read it",
    types=(types.CLOUDFRONT_DISTRIBUTION,),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Allow cloudfront.amazonaws.com s3:GetObject in the BucketPolicy, for the distribution as aws:SourceArn.",
)
def distribution_may_read(distribution: Resource, at: Context) -> Iterator[str]:
    """Origin access control only signs the requests: without a statement in the bucket's policy every page is a 403."""
    origins = list(distribution.inputs.items("origins").blocks())
    if not any(each.has("originAccessControlId") for each in origins):
        return
    for bucket in at.graph.targets(distribution, types.S3_BUCKET, via="origins.0.domainName"):
        policies = at.graph.children(bucket, types.BUCKET_POLICY, via="bucket")
        if "cloudfront" not in _services([one for each in policies for one in statements(each.props, "policy")]):
            yield f"{bucket.name} does not allow cloudfront.amazonaws.com to read it"


distribution_may_read.examples(
    compliant=[example(aws("s3/bucket:Bucket", name="bucket"), _read_by("cloudfront"), _FRONT, _SHOWS)],
    non_compliant=[
        example(aws("s3/bucket:Bucket", name="bucket"), _FRONT, _SHOWS),
        example(aws("s3/bucket:Bucket", name="bucket"), _read_by("logging.s3"), _FRONT, _SHOWS),
    ],
)


_SHOWN_BY = {
    types.LB_LISTENER: "certificateArn",
    types.CLOUDFRONT_DISTRIBUTION: "viewerCertificate.acmCertificateArn",
    types.APIGATEWAY_DOMAIN_NAME: "regionalCertificateArn",
    types.APIGATEWAYV2_DOMAIN_NAME: "domainNameConfiguration.certificateArn",
}
_ASKED_FOR = aws("acm/certificate:Certificate", {"domainName": "example.com", "validationMethod": "DNS"}, name="cert")
_VALIDATED = aws(
    "acm/certificateValidation:CertificateValidation", {"certificateArn": ref("cert", "arn")}, name="validation"
)


@graph_rule(
    id="certificate-issued-first",
    title="A certificate is issued before something uses it",
    types=tuple(_SHOWN_BY),
    level=MANDATORY,
    severity="low",
    topics=("fit",),
    remedy="Add a CertificateValidation, and take the certificate's ARN from it.",
)
def certificate_issued_first(resource: Resource, at: Context) -> Iterator[str]:
    """ACM hands out the ARN at once and the certificate when somebody has proven to own the domain: until then nobody
    takes it."""
    before = at.graph.before(resource)
    for certificate in at.graph.targets(resource, types.ACM_CERTIFICATE, via=_SHOWN_BY[resource.kind]):
        if not certificate.props.has("validationMethod"):
            # It was brought along.
            continue
        proofs = at.graph.children(certificate, types.CERTIFICATE_VALIDATION, via="certificateArn")
        if not any(each.urn in before for each in proofs):
            yield f"{certificate.name} may not be issued yet"


certificate_issued_first.examples(
    compliant=[
        example(
            _ASKED_FOR,
            _VALIDATED,
            aws(type_, _nested(via, ref("cert", "arn")), name="it", after=("validation",)),
        )
        for type_, via in _SHOWN_BY.items()
    ]
    + [
        example(
            aws("acm/certificate:Certificate", {"certificateBody": "brought along"}, name="cert"),
            aws("lb/listener:Listener", {"certificateArn": ref("cert", "arn")}, name="it"),
        )
    ],
    non_compliant=[
        example(_ASKED_FOR, aws(type_, _nested(via, ref("cert", "arn")), name="it")) for type_, via in _SHOWN_BY.items()
    ],
)


_SINGLE = {
    types.LIFECYCLE_POLICY: "repository",
    types.REPOSITORY_POLICY: "repository",
    types.BUCKET_LIFECYCLE_CONFIGURATION: "bucket",
    types.BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION: "bucket",
    types.BUCKET_VERSIONING: "bucket",
    types.SECRET_POLICY: "secretArn",
    types.BUCKET_POLICY: "bucket",
    types.KEY_POLICY: "keyId",
    types.BUCKET_NOTIFICATION: "bucket",
    types.QUEUE_POLICY: "queueUrl",
    types.TOPIC_POLICY: "arn",
}


def _two_on(bucket: str) -> list[Any]:
    return [
        aws("s3/bucket:Bucket", name="bucket"),
        aws("s3/bucket:Bucket", name="other"),
        aws("s3/bucketNotification:BucketNotification", {"bucket": ref("bucket"), "eventbridge": True}, name="first"),
        aws("s3/bucketNotification:BucketNotification", {"bucket": ref(bucket), "eventbridge": True}, name="second"),
    ]


@graph_rule(
    id="one-of-each",
    title="Settings of which a resource has one are declared once",
    types=tuple(_SINGLE),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Write both into one resource: its statements, rules or notifications are lists.",
)
def one_of_each(resource: Resource, at: Context) -> Iterator[str]:
    """A bucket has one policy and one list of notifications, a queue one policy. The second resource overwrites the
    first silently, and at the next deployment the first the second."""
    key = _SINGLE[resource.kind]
    for other in at.graph.of_kind(resource.kind):
        if other.urn < resource.urn and _same(key, resource, other):
            yield f"{other.name} configures the same, and the two overwrite each other"


one_of_each.examples(
    compliant=[example(*_two_on("other")), example(_A_QUEUE, _QUEUE_OPEN)],
    non_compliant=[
        example(*_two_on("bucket")),
        example(_A_QUEUE, _QUEUE_OPEN, aws("sqs/queuePolicy:QueuePolicy", {"queueUrl": ref("queue")}, name="again")),
    ],
)  # fmt: skip


def _same(key: str, one: Resource, other: Resource) -> bool:
    named = set(one.dependencies.get(key, ()))
    if named:
        return named == set(other.dependencies.get(key, ()))
    value = one.props.maybe(key)
    return isinstance(value, str) and value != "" and value == other.props.maybe(key)
