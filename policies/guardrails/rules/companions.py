"""Resources that need another one: without it AWS refuses them in the middle of a deployment, or takes them and
delivers nothing. Each is known from the trackers of those who deploy: the plan was green."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import (
    MANDATORY,
    NotYetKnown,
    Statement,
    aws,
    example,
    graph_rule,
    json_of,
    ref,
    statements,
)
from guardrails.kit.reach import ROLE_POLICY, some_unknown
from guardrails.rules.permissions import ROLE, allowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

FUNCTION = "aws:lambda/function:Function"
ALIAS = "aws:lambda/alias:Alias"
PERMISSION = "aws:lambda/permission:Permission"
SOURCE = "aws:lambda/eventSourceMapping:EventSourceMapping"
QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
MACHINE = "aws:sfn/stateMachine:StateMachine"
KEY = "aws:kms/key:Key"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
BUCKET = "aws:s3/bucket:Bucket"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
POLICY = "aws:iam/policy:Policy"
SERVICE = "aws:ecs/service:Service"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
LISTENER, LISTENER_RULE = "aws:lb/listener:Listener", "aws:lb/listenerRule:ListenerRule"
TABLE = "aws:dynamodb/table:Table"
STREAM = "aws:kinesis/stream:Stream"


def _services(found: Iterable[Statement]) -> set[str]:
    """The services that these statements allow: both `monitoring.rds` and `monitoring` of monitoring.rds.amazonaws.com,
    since the second word may be a region."""
    allowed_ = [service for each in found if each.allows for service in each.services()]
    return {one.partition(".amazonaws.com")[0] for one in allowed_} | {one.partition(".")[0] for one in allowed_}


_TRUSTED: dict[str, tuple[tuple[str, str], ...]] = {
    FUNCTION: (("role", "lambda"),),
    MACHINE: (("roleArn", "states"),),
    TARGET: (("roleArn", "events"),),
    "aws:backup/selection:Selection": (("iamRoleArn", "backup"),),
    "aws:cfg/recorder:Recorder": (("roleArn", "config"),),
    "aws:cloudtrail/trail:Trail": (("cloudWatchLogsRoleArn", "cloudtrail"),),
    "aws:codebuild/project:Project": (("serviceRole", "codebuild"),),
    "aws:codedeploy/deploymentGroup:DeploymentGroup": (("serviceRoleArn", "codedeploy"),),
    "aws:ec2/flowLog:FlowLog": (("iamRoleArn", "vpc-flow-logs"),),
    "aws:ecs/taskDefinition:TaskDefinition": (("taskRoleArn", "ecs-tasks"), ("executionRoleArn", "ecs-tasks")),
    "aws:glue/crawler:Crawler": (("role", "glue"),),
    "aws:glue/job:Job": (("roleArn", "glue"),),
    "aws:iam/instanceProfile:InstanceProfile": (("role", "ec2"),),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": (("extendedS3Configuration.roleArn", "firehose"),),
    "aws:pipes/pipe:Pipe": (("roleArn", "pipes"),),
    "aws:rds/clusterInstance:ClusterInstance": (("monitoringRoleArn", "monitoring.rds"),),
    "aws:rds/instance:Instance": (("monitoringRoleArn", "monitoring.rds"),),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": (("role", "s3"),),
    "aws:scheduler/schedule:Schedule": (("target.roleArn", "scheduler"),),
}


def _role(service: str, name: str = "role", **props: Any) -> Any:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
    return aws("iam/role:Role", {"assumeRolePolicy": json_of(trust), **props}, name=name)


def _nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


@graph_rule(
    id="role-trusts-its-service",
    title="A role lets the service that is given it assume it",
    types=tuple(_TRUSTED),
    level=MANDATORY,
    severity="medium",
    topics=("fit", "IAM"),
    remedy="Name the service as a principal in the role's assumeRolePolicy, or give the role that is meant.",
    compliant=[
        example(_role(service), aws(type_.removeprefix("aws:"), _nested(via, ref("role", "arn")), name="it"))
        for type_, uses in _TRUSTED.items()
        for via, service in uses
    ],
    non_compliant=[
        example(_role("support"), aws(type_.removeprefix("aws:"), _nested(via, ref("role", "arn")), name="it"))
        for type_, uses in _TRUSTED.items()
        for via, _service in uses
    ],
)
def role_trusts_its_service(resource: Resource, at: Context) -> Iterator[str]:
    """A role of another service has the right name and the wrong trust: some services refuse it when they are made,
    some take it and fail at their first call."""
    for via, service in _TRUSTED[resource.kind]:
        for role in at.graph.targets(resource, ROLE, via=via):
            if service not in _services(statements(role.props, "assumeRolePolicy")):
                yield f"{role.name} does not trust {service}.amazonaws.com"


def _functions(resource: Resource, at: Context, via: str) -> list[tuple[Resource, list[Resource]]]:
    """The functions that a property names, each with the aliases by which it is named."""
    found = [(function, []) for function in at.graph.targets(resource, FUNCTION, via=via)]
    for alias in at.graph.targets(resource, ALIAS, via=via):
        found += [(function, [alias]) for function in at.graph.targets(alias, FUNCTION, via="functionName")]
    return found


_DELIVERS = {
    TARGET: ("events", ("arn",)),
    SUBSCRIPTION: ("sns", ("endpoint",)),
    NOTIFICATION: ("s3", ("lambdaFunctions.0.lambdaFunctionArn", "queues.0.queueArn", "topics.0.topicArn")),
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


@graph_rule(
    id="delivery-permitted",
    title="Who gets events, messages and notifications lets their sender deliver",
    types=tuple(_DELIVERS),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Add a lambda.Permission on the function, or a policy on the queue or topic, with the sender's service.",
    compliant=[
        *(example(_A_FUNCTION, *_PERMITTED, each) for each in _deliveries("function")),
        *(example(_A_QUEUE, _QUEUE_OPEN, each) for each in _deliveries("queue")),
        *(example(_A_TOPIC, _TOPIC_OPEN, each) for each in _deliveries("topic")),
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
            _deliveries("queue")[1],
        ),
        example(
            _A_QUEUE,
            aws("cloudwatch/eventTarget:EventTarget", {"rule": "r", "arn": ref("queue", "arn"), "roleArn": "arn"}),
        ),
    ],
    non_compliant=[
        *(example(_A_FUNCTION, each) for each in _deliveries("function")),
        *(example(_A_QUEUE, each) for each in _deliveries("queue")),
        *(example(_A_TOPIC, each) for each in _deliveries("topic")),
        example(
            _A_QUEUE,
            aws("sqs/queuePolicy:QueuePolicy", {"queueUrl": ref("queue"), "policy": json_of(*_lets("events"))}),
            _deliveries("queue")[1],
        ),
    ],
)
def delivery_permitted(sender: Resource, at: Context) -> Iterator[str]:
    """EventBridge and SNS take a target that they may not deliver to, and drop what is for it; S3 refuses it. A service
    needs no role here but the consent of the target, where a rule has no role of its own."""
    service, paths = _DELIVERS[sender.kind]
    if sender.kind == TARGET and sender.props.has("roleArn"):
        return
    for via in paths:
        for function, aliases in _functions(sender, at, via):
            permissions = [
                one for each in (function, *aliases) for one in at.graph.children(each, PERMISSION, via="function")
            ]
            if f"{service}.amazonaws.com" not in {each.props.text("principal") for each in permissions}:
                _insist(PERMISSION, "function", at)
                yield f"{function.name} does not let {service}.amazonaws.com call it"
        for kind, policy, name in ((QUEUE, QUEUE_POLICY, "queueUrl"), (TOPIC, TOPIC_POLICY, "arn")):
            for target in at.graph.targets(sender, kind, via=via):
                written = [target, *at.graph.children(target, policy, via=name)]
                if service not in _services([one for each in written for one in statements(each.props, "policy")]):
                    _insist(policy, name, at)
                    yield f"{target.name} does not let {service}.amazonaws.com send to it"


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
    title="The key of a log group lets CloudWatch Logs use it",
    types=(LOG_GROUP,),
    level=MANDATORY,
    severity="medium",
    topics=("fit", "at rest"),
    remedy="Allow logs.<region>.amazonaws.com to encrypt, decrypt and generate data keys in the key's policy.",
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
def log_group_key_consents(group: Resource, at: Context) -> Iterator[str]:
    """Said in the key's policy only; the policy that a key has by itself does not. AWS answers that the key does not
    exist or is not allowed."""
    for key in at.graph.targets(group, KEY, via="kmsKeyId"):
        written = [key, *at.graph.children(key, KEY_POLICY, via="keyId")]
        if "logs" not in _services([one for each in written for one in statements(each.props, "policy")]):
            yield f"{key.name} has no word for CloudWatch Logs in its policy"


_RECEIVE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_JOIN = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")
_RECORD = ("logs:CreateLogDelivery", "logs:PutResourcePolicy")
_KEEP = ("sqs:SendMessage",)
_TAKES = {
    QUEUE: _RECEIVE,
    TABLE: ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"),
    STREAM: ("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream"),
}
# Of AWS's own policies, those that are known not to have any of these.
_OF_NO_USE = (
    "AWSLambdaBasicExecutionRole",
    "AWSXRayDaemonWriteAccess",
    "AWSXrayWriteOnlyAccess",
    "CloudWatchLambdaInsightsExecutionRolePolicy",
)


_OTHER_WAYS = {
    "aws:iam/policyAttachment:PolicyAttachment": "roles",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": "roleName",
}


def _givers(role: Resource, at: Context, actions: tuple[str, ...]) -> tuple[list[Resource], list[str]] | None:
    """What gives the role these actions, and those that nothing gives; None where that cannot be told, because the
    role has a policy that the program does not show."""
    if any(at.graph.children(role, kind, via=via) for kind, via in _OTHER_WAYS.items()):
        return None
    shown = {role.urn: role, **{one.urn: one for one in at.graph.children(role, ROLE_POLICY, via="role")}}
    read = list(shown.values())
    for attachment in at.graph.children(role, ATTACHMENT, via="role"):
        policies = at.graph.targets(attachment, POLICY, via="policyArn")
        if not policies and not attachment.props.text("policyArn").endswith(_OF_NO_USE):
            return None
        for policy in policies:
            # A policy gives nothing before it is attached.
            shown[policy.urn] = attachment
            read.append(policy)
    if any(not arn.endswith(_OF_NO_USE) for arn in role.inputs.items("managedPolicyArns").texts()):
        return None
    given = {one.urn: [each for each in allowed(one) if each.allows] for one in read}
    lacking = [
        action for action in actions if not any(each.covers([action]) for found in given.values() for each in found)
    ]
    givers = [shown[urn] for urn, found in given.items() if any(each.covers(actions) for each in found)]
    return givers, lacking


def _needs(resource: Resource, at: Context) -> Iterator[tuple[Resource, tuple[str, ...]]]:
    """The roles that this resource makes work, and at what."""
    if resource.kind == SOURCE:
        taken = [actions for kind, actions in _TAKES.items() if at.graph.targets(resource, kind, via="eventSourceArn")]
        for function, _ in _functions(resource, at, "functionName"):
            for role in at.graph.targets(function, ROLE, via="role"):
                for actions in taken:
                    yield role, actions
    elif resource.kind == MACHINE:
        if resource.props.get("loggingConfiguration.level", "OFF") != "OFF":
            for role in at.graph.targets(resource, ROLE, via="roleArn"):
                yield role, _RECORD
    else:
        for role in at.graph.targets(resource, ROLE, via="role"):
            if resource.props.has("vpcConfig.subnetIds"):
                yield role, _JOIN
            if at.graph.targets(resource, QUEUE, via="deadLetterConfig.targetArn"):
                yield role, _KEEP


def _rights(*actions: str) -> Any:
    given = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return aws("iam/rolePolicy:RolePolicy", {"role": ref("role"), "policy": json_of(given)}, name="policy")


def _with_role(**props: Any) -> Any:
    return aws("lambda/function:Function", {"role": ref("role", "arn"), **props}, name="function")


_IN_NETWORK = _with_role(vpcConfig={"subnetIds": ["a", "b"], "securityGroupIds": ["g"]})
_KEEPS_FAILED = _with_role(deadLetterConfig={"targetArn": ref("queue", "arn")})
_BASIC = aws(
    "iam/rolePolicyAttachment:RolePolicyAttachment",
    {
        "role": ref("role"),
        "policyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    },
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
    title="A role may do what the service does with it before the program starts",
    types=(FUNCTION, SOURCE, MACHINE),
    level=MANDATORY,
    severity="medium",
    topics=("fit", "IAM"),
    remedy="Add the actions to a policy of the role.",
    compliant=[
        example(_role("lambda"), _rights(*_JOIN), _IN_NETWORK),
        example(_role("lambda"), _rights("ec2:*NetworkInterface*"), _BASIC, _IN_NETWORK),
        example(_role("lambda"), _OF_OTHERS, _IN_NETWORK),
        example(
            _role("lambda"), aws("iam/policyAttachment:PolicyAttachment", {"roles": [ref("role")], "policyArn": "arn"}),
            _IN_NETWORK,
        ),
        example(
            _role("lambda", managedPolicyArns=["arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"]),
            _IN_NETWORK,
        ),
        example(_role("lambda"), _rights(*_RECEIVE), _A_QUEUE, _with_role(), _CONSUMER),
        example(_role("lambda"), _rights(*_KEEP), _A_QUEUE, _KEEPS_FAILED),
        example(_role("states"), _rights(*_RECORD), _RECORDED),
        example(_role("lambda"), _with_role()),
    ],
    non_compliant=[
        example(_role("lambda"), _IN_NETWORK),
        example(_role("lambda"), _BASIC, _IN_NETWORK),
        example(_role("lambda"), _rights("sqs:ReceiveMessage"), _A_QUEUE, _with_role(), _CONSUMER),
        example(_role("lambda"), _A_QUEUE, _KEEPS_FAILED),
        example(
            _role("lambda"),
            aws("dynamodb/table:Table", name="table"),
            _with_role(),
            aws(
                "lambda/eventSourceMapping:EventSourceMapping",
                {"eventSourceArn": ref("table", "arn"), "functionName": ref("function", "arn")},
                name="mapping",
            ),
        ),
        example(_role("states"), _RECORDED),
    ],
)  # fmt: skip
def role_may_do_its_work(resource: Resource, at: Context) -> Iterator[str]:
    """Lambda and Step Functions try the role while they are being made, and are refused without: joining a network,
    taking messages and records, keeping failed calls, recording steps. Not judged where the role has policies that the
    program does not show."""
    for role, actions in _needs(resource, at):
        found = _givers(role, at, actions)
        if found is not None and found[1]:
            yield f"{role.name} may not {', '.join(found[1])}"


def _joining(*after: str) -> Any:
    props = {"role": ref("role", "arn"), "vpcConfig": {"subnetIds": ["a", "b"], "securityGroupIds": ["g"]}}
    return aws("lambda/function:Function", props, name="function", after=after)


_JOINS, _EARLY = _rights(*_JOIN), _joining("policy")
_SHARED = aws(
    "iam/policy:Policy",
    {"policy": json_of({"Effect": "Allow", "Action": list(_JOIN), "Resource": "*"})},
    name="shared",
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
    title="What AWS asks for while it makes a resource is made before it",
    types=(SERVICE, NOTIFICATION, FUNCTION, SOURCE, MACHINE),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Name it in the resource's dependsOn; a reference to the role, the queue or the target group is not enough.",
    compliant=[
        example(_TARGETS, _LISTENER, _balanced("listener")),
        example(_role("lambda"), _JOINS, _EARLY),
        # What the role lacks is another rule's.
        example(_role("lambda"), _rights("ec2:CreateNetworkInterface"), _IN_NETWORK),
        example(_role("lambda"), _SHARED, _SHARING, _joining("attached")),
        example(_role("lambda", managedPolicyArns=["arn:aws:iam::123456789012:policy/network"]), _IN_NETWORK),
        example(
            _A_QUEUE, _QUEUE_OPEN, aws("s3/bucketNotification:BucketNotification", _TO_QUEUE, after=("policy",)),
        ),
    ],
    non_compliant=[
        example(_TARGETS, _LISTENER, _balanced()),
        example(_role("lambda"), _JOINS, _IN_NETWORK),
        # A policy gives nothing before it is attached.
        example(_role("lambda"), _SHARED, _SHARING, _joining("shared")),
        example(_A_QUEUE, _QUEUE_OPEN, aws("s3/bucketNotification:BucketNotification", _TO_QUEUE)),
        example(_role("lambda"), _rights(*_RECEIVE), _A_QUEUE, _with_role(), _CONSUMER),
        example(_role("states"), _rights(*_RECORD), _RECORDED),
    ],
)  # fmt: skip
def companion_made_first(resource: Resource, at: Context) -> Iterator[str]:
    """Without a word on the order both are made at once: the first deployment fails, the second, with everything there,
    does not. Judged for the listener of a service, the consent to a notification, and what a role needs while a
    function, its source of events or a workflow is made."""
    before = at.graph.before(resource)
    missing = [
        " or ".join(sorted(each.name for each in needed))
        for needed in _needed_first(resource, at)
        if needed and not any(each.urn in before for each in needed)
    ]
    for names in dict.fromkeys(missing):
        yield f"it may be made before {names}"


def forwarding_to(targets: Resource, at: Context) -> list[Resource]:
    """The listeners and their rules that forward to a target group; raises NotYetKnown if some may."""
    found: list[Resource] = []
    open_ = False
    for each in at.graph.of_kind(LISTENER, LISTENER_RULE):
        key = "defaultActions" if each.kind == LISTENER else "actions"
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
    if resource.kind == SERVICE:
        for index in range(len(resource.inputs.items("loadBalancers"))):
            for targets in at.graph.targets(resource, TARGET_GROUP, via=f"loadBalancers.{index}.targetGroupArn"):
                yield forwarding_to(targets, at)
    elif resource.kind == NOTIFICATION:
        for via in _DELIVERS[NOTIFICATION][1]:
            for function, aliases in _functions(resource, at, via):
                yield [
                    one
                    for each in (function, *aliases)
                    for one in at.graph.known_children(each, PERMISSION, via="function")
                ]
            for kind, policy, name in ((QUEUE, QUEUE_POLICY, "queueUrl"), (TOPIC, TOPIC_POLICY, "arn")):
                for target in at.graph.targets(resource, kind, via=via):
                    yield at.graph.known_children(target, policy, via=name)
    else:
        for role, actions in _needs(resource, at):
            found = _givers(role, at, actions)
            if found is not None and not found[1]:
                yield found[0]


_FRONT = aws("cloudfront/originAccessControl:OriginAccessControl", name="control")
_SHOWS = aws(
    "cloudfront/distribution:Distribution",
    {
        "origins": [
            {
                "domainName": ref("bucket", "arn"),
                "originId": "site",
                "originAccessControlId": ref("control"),
            }
        ]
    },
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
    title="A bucket lets the distribution that shows it read it",
    types=(DISTRIBUTION,),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Allow cloudfront.amazonaws.com s3:GetObject in the BucketPolicy, for the distribution as aws:SourceArn.",
    compliant=[example(aws("s3/bucket:Bucket", name="bucket"), _read_by("cloudfront"), _FRONT, _SHOWS)],
    non_compliant=[
        example(aws("s3/bucket:Bucket", name="bucket"), _FRONT, _SHOWS),
        example(aws("s3/bucket:Bucket", name="bucket"), _read_by("logging.s3"), _FRONT, _SHOWS),
    ],
)
def distribution_may_read(distribution: Resource, at: Context) -> Iterator[str]:
    """An origin access control only signs the requests: without a word in the bucket's policy every page is a 403."""
    origins = list(distribution.inputs.items("origins").blocks())
    if not any(each.has("originAccessControlId") for each in origins):
        return
    for bucket in at.graph.targets(distribution, BUCKET, via="origins.0.domainName"):
        policies = at.graph.children(bucket, BUCKET_POLICY, via="bucket")
        if "cloudfront" not in _services([one for each in policies for one in statements(each.props, "policy")]):
            yield f"{bucket.name} does not let cloudfront.amazonaws.com read it"


CERTIFICATE = "aws:acm/certificate:Certificate"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
_SHOWN_BY = {
    LISTENER: "certificateArn",
    DISTRIBUTION: "viewerCertificate.acmCertificateArn",
    "aws:apigateway/domainName:DomainName": "regionalCertificateArn",
    "aws:apigatewayv2/domainName:DomainName": "domainNameConfiguration.certificateArn",
}
_ASKED_FOR = aws("acm/certificate:Certificate", {"domainName": "example.com", "validationMethod": "DNS"}, name="cert")
_VALIDATED = aws(
    "acm/certificateValidation:CertificateValidation", {"certificateArn": ref("cert", "arn")}, name="validation"
)


@graph_rule(
    id="certificate-issued-first",
    title="A certificate is issued before something shows it",
    types=tuple(_SHOWN_BY),
    level=MANDATORY,
    severity="low",
    topics=("fit",),
    remedy="Add a CertificateValidation, and take the certificate's ARN from it.",
    compliant=[
        example(
            _ASKED_FOR,
            _VALIDATED,
            aws(type_.removeprefix("aws:"), _nested(via, ref("cert", "arn")), name="it", after=("validation",)),
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
        example(_ASKED_FOR, aws(type_.removeprefix("aws:"), _nested(via, ref("cert", "arn")), name="it"))
        for type_, via in _SHOWN_BY.items()
    ],
)
def certificate_issued_first(resource: Resource, at: Context) -> Iterator[str]:
    """ACM hands out the ARN at once and the certificate when somebody has proven to own the domain: until then nobody
    takes it."""
    before = at.graph.before(resource)
    for certificate in at.graph.targets(resource, CERTIFICATE, via=_SHOWN_BY[resource.kind]):
        if not certificate.props.has("validationMethod"):
            # It was brought along.
            continue
        proofs = at.graph.children(certificate, VALIDATION, via="certificateArn")
        if not any(each.urn in before for each in proofs):
            yield f"{certificate.name} may not be issued yet"


_SINGLE = {
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "repository",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "repository",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "bucket",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "bucket",
    "aws:s3/bucketVersioning:BucketVersioning": "bucket",
    "aws:secretsmanager/secretPolicy:SecretPolicy": "secretArn",
    BUCKET_POLICY: "bucket",
    KEY_POLICY: "keyId",
    NOTIFICATION: "bucket",
    QUEUE_POLICY: "queueUrl",
    TOPIC_POLICY: "arn",
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
    title="What a resource has one of is written once",
    types=tuple(_SINGLE),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Write both into one resource: its statements, rules or notifications are lists.",
    compliant=[example(*_two_on("other")), example(_A_QUEUE, _QUEUE_OPEN)],
    non_compliant=[
        example(*_two_on("bucket")),
        example(_A_QUEUE, _QUEUE_OPEN, aws("sqs/queuePolicy:QueuePolicy", {"queueUrl": ref("queue")}, name="again")),
    ],
)  # fmt: skip
def one_of_each(resource: Resource, at: Context) -> Iterator[str]:
    """A bucket has one policy and one list of notifications, a queue one policy. The second resource overwrites the
    first without a word, and at the next deployment the first the second."""
    key = _SINGLE[resource.kind]
    for other in at.graph.of_kind(resource.kind):
        if other.urn < resource.urn and _same(key, resource, other):
            yield f"{other.name} says the same of it, and the two take turns"


def _same(key: str, one: Resource, other: Resource) -> bool:
    named = set(one.dependencies.get(key, ()))
    if named:
        return named == set(other.dependencies.get(key, ()))
    value = one.props.maybe(key)
    return isinstance(value, str) and value != "" and value == other.props.maybe(key)


RULES = (
    role_trusts_its_service,
    delivery_permitted,
    log_group_key_consents,
    role_may_do_its_work,
    companion_made_first,
    certificate_issued_first,
    one_of_each,
    distribution_may_read,
)
