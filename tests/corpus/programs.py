"""Mistakes in plain pulumi_aws programs: each a resource or two, and the check that must accuse the one called by the name.

They stand in a few programs, so that the whole corpus is rehearsed in seconds. `request` is the model of AWS's API (and the
SDK's own names), `aws` the emulator, `reference` what a program names but nobody makes, `lint` AWS's schemas,
`iam` the IAM policies under all of AWS's actions, `policy` the pack's rules.
"""

# ruff: noqa: E501 a mistake is a line
from __future__ import annotations

from typing import NamedTuple

PREAMBLE = """
import json
import zipfile

ACCOUNT = "123456789012"


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(service):
    principal = {"Service": f"{service}.amazonaws.com"}
    return document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})


def on(name):
    return dict(resource_name=name, opts=opts)


def after(name, *others):
    return dict(resource_name=name, opts=pulumi.ResourceOptions(provider=provider, depends_on=others))


role = aws.iam.Role("role", assume_role_policy=trust("ec2"), opts=opts)
vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
subnets = [
    aws.ec2.Subnet(f"subnet-{zone}", vpc_id=vpc.id, cidr_block=f"10.0.{n}.0/24",
                   availability_zone=f"ap-northeast-1{zone}", opts=opts)
    for n, zone in enumerate("ac")
]
group = aws.ec2.SecurityGroup("group", description="A group", vpc_id=vpc.id, opts=opts)
key = aws.kms.Key("key", enable_key_rotation=True, opts=opts)
cluster = aws.ecs.Cluster("cluster", opts=opts)
db = dict(engine="postgres", engine_version="17.6", instance_class="db.t4g.micro", allocated_storage=20,
          username="app", manage_master_user_password=True, skip_final_snapshot=True)
alarm = dict(comparison_operator="GreaterThanThreshold", evaluation_periods=1, metric_name="m", namespace="n",
             period=60, statistic="Sum", threshold=1)
with zipfile.ZipFile("code.zip", "w") as code:
    code.writestr("a.py", "def b(event, context): ...")
archive = pulumi.FileArchive("code.zip")
task = dict(family="app", requires_compatibilities=["FARGATE"], network_mode="awsvpc", cpu="256", memory="512")
rule = dict(security_group_id=group.id, ip_protocol="tcp")
roles = {one: aws.iam.Role(f"role-{one}", assume_role_policy=trust(one), opts=opts) for one in ("lambda", "states")}
function = aws.lambda_.Function("function", runtime="python3.13", handler="a.b", role=roles["lambda"].arn, code=archive, opts=opts)
code = dict(runtime="python3.13", handler="a.b", code=archive)
in_network = dict(subnet_ids=[s.id for s in subnets], security_group_ids=[group.id])
balancer = aws.lb.LoadBalancer("balancer", subnets=[s.id for s in subnets], security_groups=[group.id], opts=opts)
answer = {"type": "fixed-response", "fixed_response": {"content_type": "text/plain", "status_code": "404"}}
listener = aws.lb.Listener("listener", load_balancer_arn=balancer.arn, port=80, protocol="HTTP", default_actions=[answer], opts=opts)
web = aws.ecs.TaskDefinition(
    "web", **task, opts=opts,
    container_definitions=json.dumps([{"name": "app", "image": "nginx:1", "portMappings": [{"containerPort": 80}]}]),
)
served = dict(cluster=cluster.arn, launch_type="FARGATE", desired_count=1, task_definition=web.arn,
              network_configuration={"subnets": [s.id for s in subnets], "security_groups": [group.id]})
viewed = dict(
    enabled=True, restrictions={"geo_restriction": {"restriction_type": "none"}},
    default_cache_behavior={"allowed_methods": ["GET", "HEAD"], "cached_methods": ["GET", "HEAD"], "target_origin_id": "o",
                            "viewer_protocol_policy": "redirect-to-https",
                            "cache_policy_id": "658327ea-f89d-4fab-a63d-7e88639e58f6"},
)


def behind(name, *, listened=True, container="app", kind="ip", port=[8000]):
    port[0] += 1
    targets = aws.lb.TargetGroup(f"t-{name}", port=80, protocol="HTTP", target_type=kind, vpc_id=vpc.id, opts=opts)
    if listened:
        aws.lb.Listener(f"l-{name}", load_balancer_arn=balancer.arn, port=port[0], protocol="HTTP", opts=opts,
                        default_actions=[{"type": "forward", "target_group_arn": targets.arn}])
    return [{"target_group_arn": targets.arn, "container_name": container, "container_port": 80}]
"""


class Mistake(NamedTuple):
    layer: str
    found_by: str
    """The rule, or words of the message."""

    code: str
    """`{name}` stands for the resource that is accused."""

    seen: str = ""
    """Where somebody asked what had gone wrong: repository#number."""


MISTAKES: dict[str, Mistake] = {
    # The model of AWS's API, and the SDK's own names.
    "dict-key-misspelt": Mistake(
        "request",
        "did you mean",
        's3.BucketVersioning(**on("{name}"), bucket=aws.s3.Bucket("b-{name}", opts=opts).id, versioning_configuration={{"statuss": "Enabled"}})',
    ),
    "nested-key-misspelt": Mistake(
        "request",
        "did you mean",
        's3.BucketLifecycleConfiguration(**on("{name}"), bucket=aws.s3.Bucket("b-{name}", opts=opts).id, rules=[{{"id": "a", "status": "Enabled", "expirations": {{"days": 1}}}}])',
    ),
    "storage-class-misspelt": Mistake(
        "request",
        "GLACIERR",
        's3.BucketLifecycleConfiguration(**on("{name}"), bucket=aws.s3.Bucket("b-{name}", opts=opts).id, rules=[{{"id": "a", "status": "Enabled", "filter": {{"prefix": ""}}, "transitions": [{{"days": 30, "storage_class": "GLACIERR"}}]}}])',
    ),
    "operator-misspelt": Mistake(
        "request",
        "GreaterThan",
        'cloudwatch.MetricAlarm(**on("{name}"), **{{**alarm, "comparison_operator": "GreaterThan"}})',
    ),
    "rotation-too-often": Mistake(
        "request", "below", 'kms.Key(**on("{name}"), enable_key_rotation=True, rotation_period_in_days=30)'
    ),
    "retention-that-is-none": Mistake(
        "request", "retention", 'cloudwatch.LogGroup(**on("{name}"), retention_in_days=45)'
    ),
    "launch-type-misspelt": Mistake(
        "request",
        "FARGAT",
        'ecs.Service(**on("{name}"), cluster=cluster.arn, launch_type="FARGAT", task_definition="app:1")',
    ),
    "container-key-misspelt": Mistake(
        "request",
        "portMapping",
        'ecs.TaskDefinition(**on("{name}"), **task, container_definitions=json.dumps([{{"name": "app", "image": "nginx:1", "portMapping": []}}]))',
    ),
    "statistic-misspelt": Mistake(
        "request", "Summe", 'cloudwatch.MetricAlarm(**on("{name}"), **{{**alarm, "statistic": "Summe"}})'
    ),
    "protocol-misspelt": Mistake(
        "request", "HTPS", 'lb.TargetGroup(**on("{name}"), port=80, protocol="HTPS", vpc_id=vpc.id)'
    ),
    "mutability-misspelt": Mistake(
        "request", "IMMUTABEL", 'ecr.Repository(**on("{name}"), image_tag_mutability="IMMUTABEL")'
    ),
    "parameter-type-misspelt": Mistake(
        "request", "SecureStrings", 'ssm.Parameter(**on("{name}"), name="/a/{name}", type="SecureStrings", value="x")'
    ),
    "flow-log-traffic-misspelt": Mistake(
        "request",
        "REJECTS",
        'ec2.FlowLog(**on("{name}"), vpc_id=vpc.id, traffic_type="REJECTS", log_destination_type="s3", log_destination="arn:aws:s3:::logs")',
    ),
    "schedule-window-missing": Mistake(
        "request",
        "MaximumWindowInMinutes",
        'scheduler.Schedule(**on("{name}"), flexible_time_window={{"mode": "OFF", "maximum_window_in_minutes": 2000}}, schedule_expression="rate(1 day)", target={{"arn": f"arn:aws:sqs:ap-northeast-1:{{ACCOUNT}}:q", "role_arn": role.arn}})',
    ),
    # The emulator.
    "cidr-outside-the-vpc": Mistake(
        "aws", "InvalidSubnet.Range", 'ec2.Subnet(**on("{name}"), vpc_id=vpc.id, cidr_block="10.9.0.0/24")'
    ),
    "subnets-overlap": Mistake(
        "aws", "conflict", 'ec2.Subnet(**after("{name}", *subnets), vpc_id=vpc.id, cidr_block="10.0.0.0/25")'
    ),
    "topic-fifo-without-suffix": Mistake("aws", ".fifo", 'sns.Topic(**on("{name}"), name="{name}", fifo_topic=True)'),
    "queue-name-with-dots": Mistake("aws", "alphanumeric", 'sqs.Queue(**on("{name}"), name="a.b")'),
    "rule-without-anything": Mistake("aws", "must be specified", 'cloudwatch.EventRule(**on("{name}"))'),
    "policy-resource-no-arn": Mistake(
        "aws",
        "ARN",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("s3:GetObject", "my-bucket")))',
    ),
    "policy-without-version": Mistake(
        "aws",
        "Syntax errors",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=json.dumps({{"Version": "2012", "Statement": [allow("s3:GetObject")]}}))',
    ),
    "policy-not-json": Mistake(
        "aws", "olicy", 'iam.RolePolicy(**on("{name}"), role=role.name, policy="allow everything")'
    ),
    "role-name-too-long": Mistake(
        "request", "64", 'iam.Role(**on("{name}"), name="r" * 70, assume_role_policy=trust("ec2"))'
    ),
    "bucket-name-with-capitals": Mistake(
        "request", "not a name that S3 allows", 's3.Bucket(**on("{name}"), bucket="MyBucket")'
    ),
    "balancer-in-one-zone": Mistake(
        "policy",
        "balancer-two-zones",
        'lb.LoadBalancer(**on("{name}"), subnets=[subnets[0].id], security_groups=[group.id])',
    ),
    "duplicate-queue": Mistake(
        "aws",
        "already exists",
        'sqs.Queue(**after("{name}", aws.sqs.Queue("first-{name}", name="twice", delay_seconds=1, opts=opts)), name="twice", delay_seconds=2)',
    ),
    "cron-with-five-fields": Mistake(
        "lint", "E3027", 'cloudwatch.EventRule(**on("{name}"), schedule_expression="cron(0 2 * *)")'
    ),
    # What a program names but nobody makes.
    "subnet-of-nobody": Mistake(
        "reference",
        "subnet-0123456789abcdef0",
        'rds.SubnetGroup(**on("{name}"), subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"])',
    ),
    "group-of-nobody": Mistake(
        "reference",
        "sg-0123456789abcdef0",
        'lb.LoadBalancer(**on("{name}"), subnets=[s.id for s in subnets], security_groups=["sg-0123456789abcdef0"])',
    ),
    "vpc-of-nobody": Mistake(
        "reference",
        "vpc-0123456789abcdef0",
        'ec2.SecurityGroup(**on("{name}"), description="A", vpc_id="vpc-0123456789abcdef0")',
    ),
    "role-of-nobody": Mistake(
        "reference",
        "role/nobody",
        'sfn.StateMachine(**on("{name}"), role_arn=f"arn:aws:iam::{{ACCOUNT}}:role/nobody", definition=json.dumps({{"StartAt": "A", "States": {{"A": {{"Type": "Succeed"}}}}}}))',
    ),
    "topic-of-nobody": Mistake(
        "reference",
        "nobody",
        'cloudwatch.MetricAlarm(**on("{name}"), **alarm, alarm_actions=[f"arn:aws:sns:ap-northeast-1:{{ACCOUNT}}:nobody"])',
    ),
    "key-of-nobody": Mistake(
        "reference",
        "key/00000000",
        'cloudwatch.LogGroup(**on("{name}"), retention_in_days=7, kms_key_id=f"arn:aws:kms:ap-northeast-1:{{ACCOUNT}}:key/00000000-0000-0000-0000-000000000000")',
    ),
    "bucket-in-a-policy-of-nobody": Mistake(
        "reference",
        "nobodys-queue",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("sqs:SendMessage", f"arn:aws:sqs:ap-northeast-1:{{ACCOUNT}}:nobodys-queue")))',
    ),
    "route-table-of-nobody": Mistake(
        "reference",
        "rtb-0123456789abcdef0",
        'ec2.RouteTableAssociation(**on("{name}"), subnet_id=subnets[0].id, route_table_id="rtb-0123456789abcdef0")',
    ),
    # AWS's schemas, by cfn-lint.
    "class-that-does-not-exist": Mistake(
        "lint", "E3025", 'rds.Instance(**on("{name}"), **{{**db, "instance_class": "db.t4g.huge"}})'
    ),
    "version-that-does-not-exist": Mistake(
        "lint", "E3691", 'rds.Instance(**on("{name}"), **{{**db, "engine_version": "17.99"}})'
    ),
    "backups-too-long": Mistake("lint", "E3719", 'rds.Instance(**on("{name}"), **db, backup_retention_period=40)'),
    "visibility-too-long": Mistake("lint", "E3034", 'sqs.Queue(**on("{name}"), visibility_timeout_seconds=100_000)'),
    "period-that-is-none": Mistake(
        "lint", "E3615", 'cloudwatch.MetricAlarm(**on("{name}"), **{{**alarm, "period": 45}})'
    ),
    "action-that-does-not-exist": Mistake(
        "lint", "W3037", 'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("s3:GetObjects")))'
    ),
    "fargate-pair": Mistake(
        "lint",
        "E3047",
        'ecs.TaskDefinition(**on("{name}"), **{{**task, "memory": "4096"}}, container_definitions=json.dumps([{{"name": "app", "image": "nginx:1"}}]))',
    ),
    "fargate-without-awsvpc": Mistake(
        "lint",
        "E3048",
        'ecs.TaskDefinition(**on("{name}"), **{{**task, "network_mode": "bridge"}}, container_definitions=json.dumps([{{"name": "app", "image": "nginx:1"}}]))',
    ),
    "rate-of-one-days": Mistake(
        "lint", "E3027", 'cloudwatch.EventRule(**on("{name}"), schedule_expression="rate(1 days)")'
    ),
    "state-machine-to-nowhere": Mistake(
        "lint",
        "E3601",
        'sfn.StateMachine(**on("{name}"), role_arn=role.arn, definition=json.dumps({{"StartAt": "Nowhere", "States": {{"Here": {{"Type": "Succeed"}}}}}}))',
    ),
    "description-with-umlaut": Mistake(
        "lint", "E3031", 'ec2.SecurityGroup(**on("{name}"), description="Größe", vpc_id=vpc.id)'
    ),
    "cname-with-two-values": Mistake(
        "lint",
        "E3023",
        'route53.Record(**on("{name}"), zone_id=aws.route53.Zone("zone-{name}", name="example.com", opts=opts).zone_id, name="a.example.com", type="CNAME", ttl=60, records=["b.com", "c.com"])',
    ),
    "endpoint-misspelt": Mistake(
        "lint",
        "endpoint-service",
        'ec2.VpcEndpoint(**on("{name}"), vpc_id=vpc.id, service_name="com.amazonaws.ap-northeast-1.logz", vpc_endpoint_type="Interface")',
    ),
    "endpoint-of-another-region": Mistake(
        "lint",
        "endpoint-service",
        'ec2.VpcEndpoint(**on("{name}"), vpc_id=vpc.id, service_name="com.amazonaws.us-east-1.logs", vpc_endpoint_type="Interface")',
    ),
    "delay-too-long": Mistake("lint", "E3034", 'sqs.Queue(**on("{name}"), delay_seconds=1000)'),
    "runtime-that-has-ended": Mistake(
        "lint",
        "E2531",
        'lambda_.Function(**on("{name}"), runtime="python3.7", handler="a.b", role=role.arn, code=archive)',
    ),
    "memory-below-the-least": Mistake(
        "request",
        "below",
        'lambda_.Function(**on("{name}"), runtime="python3.13", handler="a.b", role=role.arn, code=archive, memory_size=64)',
    ),
    "handler-too-slow": Mistake(
        "lint",
        "E3717",
        'lambda_.Function(**on("{name}"), runtime="python3.13", handler="a.b", role=role.arn, code=archive, timeout=1000)',
    ),
    "address-in-no-domain": Mistake("request", "vpcs", 'ec2.Eip(**on("{name}"), domain="vpcs")'),
    "receive-wait-too-long": Mistake("lint", "E3034", 'sqs.Queue(**on("{name}"), receive_wait_time_seconds=30)'),
    "step-with-a-typo": Mistake(
        "aws",
        "Suceed",
        'sfn.StateMachine(**on("{name}"), role_arn=role.arn, definition=json.dumps({{"StartAt": "A", "States": {{"A": {{"Type": "Suceed"}}}}}}))',
    ),
    "alarm-over-no-period": Mistake(
        "request", "below", 'cloudwatch.MetricAlarm(**on("{name}"), **{{**alarm, "evaluation_periods": 0}})'
    ),
    # The pack's rules: insecure choices and missing companions.
    "bucket-alone": Mistake("policy", "bucket-encryption", 's3.Bucket(**on("{name}"))'),
    "bucket-without-block": Mistake("policy", "bucket-access-block", 's3.Bucket(**on("{name}"))'),
    "bucket-without-tls": Mistake("policy", "bucket-tls", 's3.Bucket(**on("{name}"))'),
    "bucket-without-versions": Mistake("policy", "bucket-versioning", 's3.Bucket(**on("{name}"))'),
    "bucket-half-a-block": Mistake(
        "policy",
        "bucket-access-block-whole",
        's3.BucketPublicAccessBlock(**on("{name}"), bucket=aws.s3.Bucket("b-{name}", opts=opts).id, block_public_acls=True)',
    ),
    "bucket-for-everybody": Mistake(
        "policy",
        "bucket-policy-not-public",
        's3.BucketPolicy(**on("{name}"), bucket=(b := aws.s3.Bucket("b-{name}", opts=opts)).id, policy=b.arn.apply(lambda arn: document(allow("s3:GetObject", arn + "/*", Principal="*"))))',
    ),
    "key-without-rotation": Mistake("policy", "kms-rotation", 'kms.Key(**on("{name}"))'),
    "key-for-everybody": Mistake(
        "policy",
        "kms-policy-not-public",
        'kms.Key(**on("{name}"), enable_key_rotation=True, policy=document(allow("kms:*", Principal="*")))',
    ),
    "logs-for-ever": Mistake("policy", "log-group-retention", 'cloudwatch.LogGroup(**on("{name}"))'),
    "ssh-for-the-world": Mistake(
        "policy",
        "group-world-ingress",
        'vpc.SecurityGroupIngressRule(**on("{name}"), **rule, from_port=22, to_port=22, cidr_ipv4="0.0.0.0/0", description="x")',
    ),
    "half-the-world": Mistake(
        "policy",
        "group-world-ingress",
        'vpc.SecurityGroupIngressRule(**on("{name}"), **rule, from_port=22, to_port=22, cidr_ipv4="128.0.0.0/1", description="x")',
    ),
    "all-ports-between-groups": Mistake(
        "policy",
        "group-all-ports",
        'vpc.SecurityGroupIngressRule(**on("{name}"), security_group_id=group.id, ip_protocol="-1", referenced_security_group_id=group.id, description="x")',
    ),
    "rule-without-description": Mistake(
        "policy",
        "group-descriptions",
        'vpc.SecurityGroupIngressRule(**on("{name}"), **rule, from_port=443, to_port=443, cidr_ipv4="10.0.0.0/16")',
    ),
    "addresses-for-everything": Mistake(
        "policy",
        "subnet-no-public-address",
        'ec2.Subnet(**on("{name}"), vpc_id=vpc.id, cidr_block="10.0.99.0/24", map_public_ip_on_launch=True)',
    ),
    "default-group-open": Mistake(
        "policy", "vpc-default-group-closed", 'ec2.Vpc(**on("{name}"), cidr_block="10.5.0.0/16")'
    ),
    "connections-not-recorded": Mistake("policy", "vpc-flow-logs", 'ec2.Vpc(**on("{name}"), cidr_block="10.6.0.0/16")'),
    "every-action": Mistake(
        "policy", "iam-no-full-access", 'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("*")))'
    ),
    "every-action-but-iam": Mistake(
        "policy",
        "iam-no-full-access",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document({{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}))',
    ),
    "every-action-of-a-service": Mistake(
        "policy",
        "iam-no-service-wildcard",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("s3:*")))',
    ),
    "every-secret": Mistake(
        "policy",
        "iam-resources-named",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("secretsmanager:GetSecretValue")))',
    ),
    "pass-role-to-anything": Mistake(
        "policy",
        "iam-no-escalation",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow(["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"])))',
    ),
    "own-policy-versions": Mistake(
        "policy",
        "iam-no-escalation",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("iam:CreatePolicyVersion")))',
    ),
    "administrator": Mistake(
        "policy",
        "iam-no-administrator",
        'iam.RolePolicyAttachment(**on("{name}"), role=role.name, policy_arn="arn:aws:iam::aws:policy/AdministratorAccess")',
    ),
    "trust-in-everybody": Mistake(
        "policy",
        "iam-trust-not-public",
        'iam.Role(**on("{name}"), assume_role_policy=document({{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}}))',
    ),
    "confused-deputy": Mistake(
        "policy", "iam-trust-source", 'iam.Role(**on("{name}"), assume_role_policy=trust("scheduler"))'
    ),
    "every-repository-of-github": Mistake(
        "policy",
        "oidc-subject-pinned",
        'iam.Role(**on("{name}"), assume_role_policy=document({{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {{"Federated": aws_oidc}}, "Condition": {{"StringEquals": {{"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}}}}}))',
    ),
    "database-in-plain-text": Mistake("policy", "database-encrypted", 'rds.Instance(**on("{name}"), **db)'),
    "database-for-the-world": Mistake(
        "policy", "database-not-public", 'rds.Instance(**on("{name}"), **db, publicly_accessible=True)'
    ),
    "database-password-in-code": Mistake(
        "policy",
        "database-managed-password",
        'rds.Instance(**on("{name}"), **{{k: v for k, v in db.items() if k != "manage_master_user_password"}}, password="letmein-12345")',
    ),
    "database-without-backups": Mistake(
        "policy", "database-backups", 'rds.Instance(**on("{name}"), **db, backup_retention_period=0)'
    ),
    "database-without-tls": Mistake("policy", "database-tls", 'rds.Instance(**on("{name}"), **db)'),
    "database-open-to-addresses": Mistake(
        "policy",
        "store-callers-declared",
        'rds.Instance(**on("{name}"), **db, vpc_security_group_ids=[(g := aws.ec2.SecurityGroup("g-{name}", description="x", vpc_id=vpc.id, opts=opts)).id]); aws.vpc.SecurityGroupIngressRule("i-{name}", security_group_id=g.id, ip_protocol="tcp", from_port=5432, to_port=5432, cidr_ipv4="10.0.0.0/16", description="x", opts=opts)',
    ),
    "database-open-to-the-world": Mistake(
        "policy",
        "store-behind-a-program",
        'rds.Instance(**on("{name}"), **db, vpc_security_group_ids=[(g := aws.ec2.SecurityGroup("g-{name}", description="x", vpc_id=vpc.id, opts=opts)).id]); aws.vpc.SecurityGroupIngressRule("i-{name}", security_group_id=g.id, ip_protocol="tcp", from_port=5432, to_port=5432, cidr_ipv4="0.0.0.0/0", description="x", opts=opts)',
    ),
    "database-beside-a-gateway": Mistake(
        "policy",
        "store-no-internet-route",
        'rds.Instance(**on("{name}"), **db, db_subnet_group_name=aws.rds.SubnetGroup("s-{name}", subnet_ids=[s.id for s in subnets], opts=opts).name); igw = aws.ec2.InternetGateway("igw-{name}", vpc_id=vpc.id, opts=opts); t = aws.ec2.RouteTable("t-{name}", vpc_id=vpc.id, opts=opts); aws.ec2.RouteTableAssociation("a-{name}", subnet_id=subnets[0].id, route_table_id=t.id, opts=opts); aws.ec2.Route("r-{name}", route_table_id=t.id, destination_cidr_block="0.0.0.0/0", gateway_id=igw.id, opts=opts)',
    ),
    "tasks-that-cannot-pull": Mistake(
        "policy",
        "calls-have-a-way",
        'ecs.Service(**on("{name}"), cluster=cluster.arn, launch_type="FARGATE", desired_count=1, task_definition=aws.ecs.TaskDefinition("t-{name}", **task, container_definitions=aws.ecr.Repository("r-{name}", opts=opts).repository_url.apply(lambda url: json.dumps([{{"name": "app", "image": url + ":1"}}])), opts=opts).arn, network_configuration={{"subnets": [subnets[1].id], "security_groups": [group.id]}})',
    ),
    "cache-in-plain-text": Mistake(
        "policy",
        "cache-tls",
        'elasticache.ReplicationGroup(**on("{name}"), description="x", node_type="cache.t4g.micro", engine="valkey", num_cache_clusters=1)',
    ),
    "cache-for-everybody": Mistake(
        "policy",
        "cache-login",
        'elasticache.ReplicationGroup(**on("{name}"), description="x", node_type="cache.t4g.micro", engine="valkey", num_cache_clusters=1)',
    ),
    "queue-in-plain-text": Mistake("policy", "queue-encrypted", 'sqs.Queue(**on("{name}"))'),
    "queue-that-tries-for-ever": Mistake(
        "policy", "queue-dead-letters", 'sqs.Queue(**on("{name}"), sqs_managed_sse_enabled=True)'
    ),
    "queue-for-everybody": Mistake(
        "policy",
        "messages-not-public",
        'sqs.QueuePolicy(**on("{name}"), queue_url=(q := aws.sqs.Queue("q-{name}", opts=opts)).id, policy=q.arn.apply(lambda arn: document(allow("sqs:SendMessage", arn, Principal="*"))))',
    ),
    "topic-in-plain-text": Mistake("policy", "topic-encrypted", 'sns.Topic(**on("{name}"))'),
    "event-lost": Mistake(
        "policy",
        "event-dead-letters",
        'cloudwatch.EventTarget(**on("{name}"), rule=aws.cloudwatch.EventRule("r-{name}", schedule_expression="rate(1 day)", opts=opts).name, arn=aws.sqs.Queue("q-{name}", opts=opts).arn)',
    ),
    "workflow-in-the-dark": Mistake(
        "policy",
        "workflow-logs",
        'sfn.StateMachine(**on("{name}"), role_arn=role.arn, definition=json.dumps({{"StartAt": "A", "States": {{"A": {{"Type": "Succeed"}}}}}}))',
    ),
    "message-shown-too-early": Mistake(
        "policy",
        "function-queue-visibility",
        'lambda_.EventSourceMapping(**on("{name}"), event_source_arn=aws.sqs.Queue("q-{name}", visibility_timeout_seconds=30, opts=opts).arn, function_name=aws.lambda_.Function("f-{name}", runtime="python3.13", handler="a.b", role=role.arn, code=archive, timeout=60, opts=opts).arn)',
    ),
    "tags-that-move": Mistake("policy", "image-tags-fixed", 'ecr.Repository(**on("{name}"))'),
    "task-on-the-internet": Mistake(
        "policy",
        "task-no-public-address",
        'ecs.Service(**on("{name}"), cluster=cluster.arn, launch_type="FARGATE", task_definition=aws.ecs.TaskDefinition("t-{name}", **task, container_definitions=json.dumps([{{"name": "app", "image": "nginx:1"}}]), opts=opts).arn, network_configuration={{"subnets": [subnets[0].id], "security_groups": [group.id], "assign_public_ip": True}})',
    ),
    "password-in-a-task": Mistake(
        "policy",
        "container-no-plain-secrets",
        'ecs.TaskDefinition(**on("{name}"), **task, container_definitions=json.dumps([{{"name": "app", "image": "nginx:1", "environment": [{{"name": "DB_PASSWORD", "value": "letmein"}}]}}]))',
    ),
    "privileged-container": Mistake(
        "policy",
        "container-unprivileged",
        'ecs.TaskDefinition(**on("{name}"), **{{**task, "requires_compatibilities": ["EC2"]}}, container_definitions=json.dumps([{{"name": "app", "image": "nginx:1", "privileged": True}}]))',
    ),
    "password-as-plain-parameter": Mistake(
        "policy",
        "parameter-secure",
        'ssm.Parameter(**on("{name}"), name="/app/db/password", type="String", value="letmein")',
    ),
    "balancer-passes-bad-headers": Mistake(
        "policy",
        "balancer-drops-bad-headers",
        'lb.LoadBalancer(**on("{name}"), subnets=[s.id for s in subnets], security_groups=[group.id])',
    ),
    "firewall-without-rules": Mistake(
        "policy",
        "firewall-not-empty",
        'wafv2.WebAcl(**on("{name}"), scope="REGIONAL", default_action={{"allow": {{}}}}, visibility_config={{"cloudwatch_metrics_enabled": False, "metric_name": "m", "sampled_requests_enabled": False}})',
    ),
    "trail-of-one-region": Mistake(
        "policy",
        "trail-everywhere",
        'cloudtrail.Trail(**on("{name}"), s3_bucket_name=aws.s3.Bucket("b-{name}", opts=opts).id)',
    ),
    "user-with-keys": Mistake("policy", "iam-no-users", 'iam.User(**on("{name}"))'),
    "results-in-plain-text": Mistake("policy", "query-results-encrypted", 'athena.Workgroup(**on("{name}"))'),
    "copy-abroad": Mistake(
        "policy", "residency-copies", 'secretsmanager.Secret(**on("{name}"), replicas=[{{"region": "us-east-1"}}])'
    ),
    "parameter-group-of-no-family": Mistake(
        "policy",
        "database-parameters-fit",
        'rds.Instance(**on("{name}"), **{{**db, "parameter_group_name": aws.rds.ParameterGroup("p-{name}", family="postgres99", opts=opts).name}})',
    ),
    "reserved-user": Mistake(
        "policy", "database-user-free", 'rds.Instance(**on("{name}"), **{{**db, "username": "rdsadmin"}})'
    ),
    "secret-that-stays": Mistake("policy", "secret-rotation", 'secretsmanager.Secret(**on("{name}"))'),
    "address-for-nothing": Mistake("policy", "nothing-unattached", 'ec2.Eip(**on("{name}"), domain="vpc")'),
    "decrypts-with-every-key": Mistake(
        "policy",
        "iam-decrypt-named",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("kms:Decrypt", "arn:aws:kms:*:*:key/*")))',
    ),
    "secrets-of-all-by-an-arn": Mistake(
        "policy",
        "iam-reads-named",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:ap-northeast-1:{{ACCOUNT}}:secret:*")))',
    ),
    "images-for-everybody": Mistake(
        "policy",
        "resource-policy-not-public",
        'ecr.RepositoryPolicy(**on("{name}"), repository=aws.ecr.Repository("r-{name}", opts=opts).name, policy=document({{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}}))',
    ),
    "password-in-user-data": Mistake(
        "policy",
        "instance-no-literal-secret",
        'ec2.LaunchTemplate(**on("{name}"), image_id="ami-12c6146b", user_data=__import__("base64").b64encode(b"export DB_PASSWORD=letmein").decode())',
    ),
    # Rights, by all of AWS's actions.
    "two-policies-that-escalate-together": Mistake(
        "iam",
        "iam-escalation",
        'iam.RolePolicy("p-{name}", role=(r := aws.iam.Role(**on("{name}"), assume_role_policy=trust("ec2"))).name, policy=document(allow("iam:PassRole")), opts=opts); aws.iam.RolePolicy("s-{name}", role=r.name, policy=document(allow("ec2:RunInstances")), opts=opts)',
    ),
    "a-way-up-that-few-know": Mistake(
        "iam",
        "iam-escalation",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow(["iam:PassRole", "sagemaker:CreateNotebookInstance"])))',
    ),
    "every-object-by-an-arn": Mistake(
        "iam",
        "iam-exfiltration",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("s3:GetObject", "arn:aws:s3:::*/*")))',
    ),
    "every-bucket-but-one": Mistake(
        "iam",
        "iam-exfiltration",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document({{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::private/*"}}))',
    ),
    "logins-to-every-warehouse": Mistake(
        "iam",
        "iam-credentials",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("redshift:GetClusterCredentials")))',
    ),
    "any-table-may-go": Mistake(
        "iam",
        "iam-writes",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("dynamodb:DeleteTable")))',
    ),
    "any-bucket-made-public": Mistake(
        "iam",
        "iam-permissions",
        'iam.RolePolicy(**on("{name}"), role=role.name, policy=document(allow("s3:PutBucketPolicy")))',
    ),
    # What AWS refuses in the middle of a deployment whose plan was green, as people have told in trackers.
    "deployment-before-its-methods": Mistake(
        "aws",
        "contain any methods",
        'apigateway.Deployment(**on("{name}"), rest_api=aws.apigateway.RestApi("a-{name}", opts=opts).id)',
        "focusaurus/hexagonal-lambda#1",
    ),
    "reserved-variable": Mistake(
        "lint",
        "E3663",
        'lambda_.Function(**on("{name}"), **code, role=roles["lambda"].arn, environment={{"variables": {{"AWS_REGION": "x"}}}})',
    ),
    "port-of-a-host-in-a-network-of-tasks": Mistake(
        "lint",
        "E3053",
        'ecs.TaskDefinition(**on("{name}"), **task, container_definitions=json.dumps([{{"name": "app", "image": "nginx:1", "portMappings": [{{"containerPort": 80, "hostPort": 8080}}]}}]))',
    ),
    "attribute-of-no-index": Mistake(
        "aws",
        "Number of attributes",
        'dynamodb.Table(**on("{name}"), hash_key="id", billing_mode="PAY_PER_REQUEST", attributes=[{{"name": "id", "type": "S"}}, {{"name": "extra", "type": "S"}}])',
    ),
    "dead-letters-of-another-kind": Mistake(
        "aws",
        "non fifo",
        'sqs.Queue(**on("{name}"), name="a.fifo", fifo_queue=True, redrive_policy=aws.sqs.Queue("q-{name}", opts=opts).arn.apply(lambda arn: json.dumps({{"deadLetterTargetArn": arn, "maxReceiveCount": 3}})))',
    ),
    "copies-without-versions": Mistake(
        "aws",
        "Versioning must be",
        's3.BucketReplicationConfig(**on("{name}"), bucket=aws.s3.Bucket("b-{name}", opts=opts).id, role=role.arn, rules=[{{"id": "r", "status": "Enabled", "destination": {{"bucket": aws.s3.Bucket("d-{name}", opts=opts).arn}}}}])',
    ),
    "origin-misspelt": Mistake(
        "aws",
        "NoSuchOrigin",
        'cloudfront.Distribution(**on("{name}"), **viewed, origins=[{{"domain_name": "example.com", "origin_id": "other", "custom_origin_config": {{"http_port": 80, "https_port": 443, "origin_protocol_policy": "https-only", "origin_ssl_protocols": ["TLSv1.2"]}}}}], viewer_certificate={{"cloudfront_default_certificate": True}})',
    ),
    "certificate-of-another-region": Mistake(
        "aws",
        "us-east-1",
        'cloudfront.Distribution(**on("{name}"), **viewed, origins=[{{"domain_name": "example.com", "origin_id": "o", "custom_origin_config": {{"http_port": 80, "https_port": 443, "origin_protocol_policy": "https-only", "origin_ssl_protocols": ["TLSv1.2"]}}}}], viewer_certificate={{"acm_certificate_arn": aws.acm.Certificate("c-{name}", domain_name="example.com", validation_method="DNS", opts=opts).arn, "ssl_support_method": "sni-only", "minimum_protocol_version": "TLSv1.2_2021"}})',
    ),
    "alias-of-no-version": Mistake(
        "aws",
        "not found",
        'lambda_.Alias(**on("{name}"), function_name=function.name, function_version="7", name="live")',
    ),
    "function-with-a-servers-role": Mistake(
        "policy",
        "role-trusts-its-service",
        'lambda_.Function(**on("{name}"), **code, role=role.arn)',
        "cloudposse/terraform-aws-lambda-function#14",
    ),
    "workflow-with-a-servers-role": Mistake(
        "policy",
        "role-trusts-its-service",
        'sfn.StateMachine(**on("{name}"), role_arn=role.arn, definition=json.dumps({{"StartAt": "A", "States": {{"A": {{"Type": "Succeed"}}}}}}))',
    ),
    "bucket-with-a-name-and-a-prefix": Mistake(
        "policy",
        "inputs-exclude-each-other",
        's3.Bucket(**on("{name}"), bucket="kumiki-notes", bucket_prefix="kumiki-")',
    ),
    "service-with-two-ways-to-run": Mistake(
        "policy",
        "inputs-exclude-each-other",
        'ecs.Service(**on("{name}"), cluster="c", task_definition="t:1", desired_count=1, launch_type="FARGATE", capacity_provider_strategies=[{{"capacity_provider": "FARGATE", "weight": 1}}])',
    ),
    "job-sized-twice": Mistake(
        "policy",
        "inputs-exclude-each-other",
        'glue.Job(**on("{name}"), role_arn=role.arn, command={{"script_location": "s3://b/job.py"}}, worker_type="G.1X", number_of_workers=2, max_capacity=2.0)',
    ),
    "address-attached-twice": Mistake(
        "policy",
        "inputs-exclude-each-other",
        'ec2.Eip(**on("{name}"), instance=aws.ec2.Instance("i-{name}", ami="ami-12c6146b", instance_type="t3.micro", opts=opts).id, network_interface="eni")',
    ),
    "flow-log-to-a-bucket-by-a-role": Mistake(
        "policy",
        "inputs-fit-each-other",
        'ec2.FlowLog(**on("{name}"), vpc_id=vpc.id, traffic_type="ALL", log_destination_type="s3", log_destination=aws.s3.Bucket("b-{name}", opts=opts).arn, iam_role_arn=role.arn)',
    ),
    "small-disk-with-iops": Mistake(
        "policy",
        "inputs-fit-each-other",
        'rds.Instance(**on("{name}"), engine="postgres", instance_class="db.t4g.micro", storage_type="gp3", allocated_storage=100, iops=4000, username="kumiki_admin", password="right-horse", skip_final_snapshot=True)',
    ),
    "password-with-an-at-sign": Mistake(
        "policy",
        "inputs-fit-each-other",
        'rds.Instance(**on("{name}"), engine="postgres", instance_class="db.t4g.micro", allocated_storage=20, username="kumiki_admin", password="wrong@horse", skip_final_snapshot=True)',
    ),
    "path-in-a-check-by-tcp": Mistake(
        "policy",
        "inputs-fit-each-other",
        'lb.TargetGroup(**on("{name}"), port=80, protocol="TCP", vpc_id=vpc.id, health_check={{"protocol": "TCP", "path": "/"}})',
    ),
    "objects-of-a-bucket-without-a-slash": Mistake(
        "policy",
        "bucket-policy-means-something",
        's3.BucketPolicy(**on("{name}"), bucket=aws.s3.Bucket("b-{name}", bucket="kumiki-slash", opts=opts).id, policy=json.dumps({{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "123456789012"}}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::kumiki-slash"}}]}}))',
    ),
    "key-that-nobody-may-change": Mistake(
        "policy",
        "kms-policy-keeps-its-owner",
        'kms.Key(**on("{name}"), policy=json.dumps({{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"Service": "logs.amazonaws.com"}}, "Action": "kms:Encrypt", "Resource": "*"}}]}}))',
    ),
    "trust-in-half-a-name": Mistake(
        "policy",
        "principal-exists",
        'iam.Role(**on("{name}"), assume_role_policy=json.dumps({{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::123456789012:role/app-*"}}, "Action": "sts:AssumeRole"}}]}}))',
    ),
    "alias-at-the-apex": Mistake(
        "aws",
        "not permitted at the apex",
        'route53.Record(**on("{name}"), zone_id=aws.route53.Zone("z-{name}", name="apex.example", opts=opts).zone_id, name="apex.example", type="CNAME", ttl=60, records=["example.net"])',
    ),
    "text-with-quotes-of-its-own": Mistake(
        "request",
        "quotes of its own",
        'route53.Record(**on("{name}"), zone_id=aws.route53.Zone("z-{name}", name="quotes.example", opts=opts).zone_id, name="t", type="TXT", ttl=60, records=[\'"v=spf1 -all"\'])',
    ),
    "text-where-an-object-is-wanted": Mistake(
        "request",
        "wants an object for",
        's3.BucketVersioning(**on("{name}"), bucket="b", versioning_configuration="Enabled")',
    ),
    "notification-that-no-function-takes": Mistake(
        "policy",
        "notification-permitted",
        's3.BucketNotification(**on("{name}"), bucket=aws.s3.Bucket("b-{name}", opts=opts).id, lambda_functions=[{{"lambda_function_arn": function.arn, "events": ["s3:ObjectCreated:*"]}}])',
        "hashicorp/terraform#19756",
    ),
    "notification-that-no-queue-takes": Mistake(
        "policy",
        "notification-permitted",
        's3.BucketNotification(**on("{name}"), bucket=aws.s3.Bucket("b-{name}", opts=opts).id, queues=[{{"queue_arn": aws.sqs.Queue("q-{name}", opts=opts).arn, "events": ["s3:ObjectCreated:*"]}}])',
        "aws/aws-cdk#18090",
    ),
    "messages-that-no-queue-takes": Mistake(
        "policy",
        "delivery-permitted",
        'sns.TopicSubscription(**on("{name}"), topic=aws.sns.Topic("t-{name}", opts=opts).arn, protocol="sqs", endpoint=aws.sqs.Queue("q-{name}", opts=opts).arn)',
    ),
    "events-that-no-function-takes": Mistake(
        "policy",
        "delivery-permitted",
        'cloudwatch.EventTarget(**on("{name}"), rule=aws.cloudwatch.EventRule("r-{name}", schedule_expression="rate(1 day)", opts=opts).name, arn=function.arn)',
    ),
    "key-that-no-log-may-use": Mistake(
        "policy",
        "log-group-key-consents",
        'cloudwatch.LogGroup(**on("{name}"), retention_in_days=7, kms_key_id=key.arn)',
        "hashicorp/terraform-provider-aws#8042",
    ),
    "function-that-may-not-join-its-network": Mistake(
        "policy",
        "role-may-do-its-work",
        'lambda_.Function(**on("{name}"), **code, role=roles["lambda"].arn, vpc_config=in_network)',
        "webiny/webiny-js#2580",
    ),
    "function-before-its-rights": Mistake(
        "policy",
        "companion-made-first",
        'iam.RolePolicy("p-{name}", role=(r := aws.iam.Role("r-{name}", assume_role_policy=trust("lambda"), opts=opts)).name, policy=document(allow("ec2:*NetworkInterface*")), opts=opts); aws.lambda_.Function(**on("{name}"), **code, role=r.arn, vpc_config=in_network)',
        "hashicorp/terraform-provider-aws#413",
    ),
    "consumer-that-may-not-receive": Mistake(
        "policy",
        "role-may-do-its-work",
        'lambda_.EventSourceMapping(**on("{name}"), event_source_arn=aws.sqs.Queue("q-{name}", visibility_timeout_seconds=60, opts=opts).arn, function_name=function.arn)',
    ),
    "workflow-that-may-not-record": Mistake(
        "policy",
        "role-may-do-its-work",
        'sfn.StateMachine(**on("{name}"), role_arn=roles["states"].arn, logging_configuration={{"level": "ALL", "log_destination": aws.cloudwatch.LogGroup("l-{name}", retention_in_days=7, opts=opts).arn.apply(lambda arn: arn + ":*")}}, definition=json.dumps({{"StartAt": "A", "States": {{"A": {{"Type": "Succeed"}}}}}}))',
    ),
    "service-without-a-listener": Mistake(
        "policy",
        "service-behind-its-balancer",
        'ecs.Service(**on("{name}"), **served, load_balancers=behind("{name}", listened=False))',
        "cloudposse/terraform-aws-ecs-web-app#226",
    ),
    "service-before-its-listener": Mistake(
        "policy",
        "companion-made-first",
        'ecs.Service(**on("{name}"), **served, load_balancers=behind("{name}"))',
        "aws/aws-cdk#34290",
    ),
    "targets-of-another-kind": Mistake(
        "policy",
        "service-behind-its-balancer",
        'ecs.Service(**on("{name}"), **served, load_balancers=behind("{name}", kind="instance"))',
    ),
    "container-that-the-task-lacks": Mistake(
        "policy",
        "service-behind-its-balancer",
        'ecs.Service(**on("{name}"), **served, load_balancers=behind("{name}", container="web"))',
    ),
    "secret-that-nobody-fetches": Mistake(
        "policy",
        "task-execution-role",
        'ecs.TaskDefinition(**on("{name}"), **task, container_definitions=json.dumps([{{"name": "app", "image": "nginx:1", "secrets": [{{"name": "A", "valueFrom": "/a/b"}}]}}]))',
    ),
    "serverless-without-bounds": Mistake(
        "policy",
        "serverless-scaling-set",
        'rds.ClusterInstance(**on("{name}"), cluster_identifier=aws.rds.Cluster("c-{name}", engine="aurora-postgresql", engine_version="17.5", master_username="app", manage_master_user_password=True, skip_final_snapshot=True, opts=opts).id, engine="aurora-postgresql", instance_class="db.serverless")',
        "aws-cloudformation/cloudformation-coverage-roadmap#1153",
    ),
    "static-parameter-at-once": Mistake(
        "policy",
        "parameter-at-restart",
        'rds.ParameterGroup(**on("{name}"), family="postgres17", parameters=[{{"name": "max_connections", "value": "100"}}])',
        "in4it/terraform-modules#85",
    ),
    "database-in-one-zone-s-subnets": Mistake(
        "policy", "subnets-of-different-zones", 'rds.SubnetGroup(**on("{name}"), subnet_ids=[subnets[0].id])'
    ),
    "balancer-twice-in-a-zone": Mistake(
        "policy",
        "subnets-of-different-zones",
        'lb.LoadBalancer(**on("{name}"), subnets=[subnets[0].id, aws.ec2.Subnet("s-{name}", vpc_id=vpc.id, cidr_block="10.0.77.0/24", availability_zone="ap-northeast-1a", opts=opts).id], security_groups=[group.id])',
    ),
    "translation-without-a-gateway": Mistake(
        "policy",
        "nat-has-a-gateway",
        'ec2.NatGateway(**on("{name}"), subnet_id=aws.ec2.Subnet("s-{name}", vpc_id=aws.ec2.Vpc("v-{name}", cidr_block="10.7.0.0/16", opts=opts).id, cidr_block="10.7.0.0/24", opts=opts).id, allocation_id=aws.ec2.Eip("e-{name}", domain="vpc", opts=opts).allocation_id)',
    ),
    "endpoint-that-no-name-leads-to": Mistake(
        "policy",
        "endpoint-names-resolve",
        'ec2.VpcEndpoint(**on("{name}"), vpc_id=aws.ec2.Vpc("v-{name}", cidr_block="10.8.0.0/16", opts=opts).id, service_name="com.amazonaws.ap-northeast-1.logs", vpc_endpoint_type="Interface", private_dns_enabled=True)',
    ),
    "certificate-not-issued-yet": Mistake(
        "policy",
        "certificate-issued-first",
        'lb.Listener(**on("{name}"), load_balancer_arn=balancer.arn, port=444, protocol="HTTPS", certificate_arn=aws.acm.Certificate("c-{name}", domain_name="example.com", validation_method="DNS", opts=opts).arn, default_actions=[answer])',
    ),
    "site-that-its-bucket-refuses": Mistake(
        "policy",
        "distribution-may-read",
        'cloudfront.Distribution(**on("{name}"), **viewed, default_root_object="index.html", origins=[{{"domain_name": aws.s3.Bucket("b-{name}", opts=opts).bucket_regional_domain_name, "origin_id": "o", "origin_access_control_id": aws.cloudfront.OriginAccessControl("o-{name}", origin_access_control_origin_type="s3", signing_behavior="always", signing_protocol="sigv4", opts=opts).id}}], viewer_certificate={{"cloudfront_default_certificate": True}})',
    ),
    "two-policies-of-a-queue": Mistake(
        "policy",
        "one-of-each",
        'sqs.QueuePolicy("a-{name}", queue_url=(q := aws.sqs.Queue("q-{name}", opts=opts)).id, policy=document(allow("sqs:*", Principal={{"AWS": ACCOUNT}})), opts=opts); aws.sqs.QueuePolicy(**on("{name}"), queue_url=q.id, policy=document(allow("sqs:*", Principal={{"AWS": ACCOUNT}})))',
    ),
    "firewall-of-cloudfront-elsewhere": Mistake(
        "policy",
        "firewall-region",
        'wafv2.WebAcl(**on("{name}"), scope="CLOUDFRONT", default_action={{"allow": {{}}}}, visibility_config={{"cloudwatch_metrics_enabled": False, "metric_name": "m", "sampled_requests_enabled": False}})',
    ),
    "moved-after-a-week": Mistake(
        "policy",
        "bucket-transition-days",
        's3.BucketLifecycleConfiguration(**on("{name}"), bucket=aws.s3.Bucket("b-{name}", opts=opts).id, rules=[{{"id": "a", "status": "Enabled", "filter": {{"prefix": ""}}, "transitions": [{{"days": 7, "storage_class": "STANDARD_IA"}}]}}])',
    ),
    "group-called-as-its-id": Mistake(
        "policy",
        "name-not-reserved",
        'ec2.SecurityGroup(**on("{name}"), name="sg-web", description="x", vpc_id=vpc.id)',
    ),
    "policy-too-long": Mistake(
        "policy",
        "iam-policy-length",
        'iam.Policy(**on("{name}"), policy=document(*[allow("s3:GetObject", f"arn:aws:s3:::bucket-number-{{n}}/*") for n in range(120)]))',
    ),
    # What the linter and the pack do not see; see MISSED.
    "name-that-somebody-else-has": Mistake("missed", "", 's3.Bucket(**on("{name}"), bucket="test")'),
    "one-address-too-many": Mistake(
        "missed",
        "",
        'ec2.Eip(**on("{name}"), domain="vpc"); [aws.ec2.Eip(f"a{{n}}-{name}", domain="vpc", opts=opts) for n in range(5)]',
    ),
}

MISSED: dict[str, str] = {
    "name-that-somebody-else-has": (
        "Names of buckets are taken by everybody who has an account; only AWS knows by whom. Pulumi's suffix, which our "
        "own buckets have, makes it unlikely."
    ),
    "one-address-too-many": (
        "How many of a kind an account may have is a quota of that account, and an emulated one has none; five elastic "
        "IP addresses are the quota of a new one."
    ),
}
"""Mistakes that nothing here catches, and why."""
