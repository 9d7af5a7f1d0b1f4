"""Programs as others write them, with plain types of the provider: what is right passes, what is wrong is said."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from rehearsal import declared
from rehearsal.cloud.account import Account
from rehearsal.cloud.archives import zipped
from rehearsal.cloud.lookups import look_up
from rehearsal.marks import NOT_KNOWN
from rehearsal.problems import RehearsalError
from tests.rehearsal.conftest import Rehearse, Rehearsed

REGION = "ap-northeast-1"
# How the SDK marks an asset among the properties of a message.
SIGNATURE, ASSET = "4dabf18193072939515e22adb298388d", "c44067f5952c0a294b673a41bacd8c17"
DOCUMENT = "aws:iam/getPolicyDocument:getPolicyDocument"

WEB = """
import json

image = aws.ec2.get_ami(
    most_recent=True, owners=["099720109477"], filters=[{"name": "name", "values": ["no-such-image-*"]}],
    opts=pulumi.InvokeOptions(provider=provider),
)
network = aws.ec2.get_vpc(default=True, opts=pulumi.InvokeOptions(provider=provider))
subnets = aws.ec2.get_subnets(
    filters=[{"name": "vpc-id", "values": [network.id]}], opts=pulumi.InvokeOptions(provider=provider)
)
group = aws.ec2.SecurityGroup(
    "web",
    ingress=[{"protocol": "tcp", "from_port": 80, "to_port": 80, "cidr_blocks": ["0.0.0.0/0"]}],
    egress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}],
    opts=opts,
)
aws.ec2.Instance(
    "server", ami=image.id, instance_type="t3.micro", vpc_security_group_ids=[group.id], opts=opts
)
balancer = aws.alb.LoadBalancer("front", security_groups=[group.id], subnets=subnets.ids, opts=opts)
targets = aws.lb.TargetGroup(
    "app", port=80, protocol="HTTP", target_type="ip", vpc_id=network.id, opts=opts
)
listener = aws.lb.Listener(
    "web", load_balancer_arn=balancer.arn, port=80,
    default_actions=[{"type": "forward", "target_group_arn": targets.arn}], opts=opts,
)
trusted = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
role = aws.iam.Role(
    "tasks", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trusted]}), opts=opts
)
aws.iam.RolePolicyAttachment(
    "tasks", role=role.name, policy_arn=aws.iam.ManagedPolicy.AMAZON_ECS_TASK_EXECUTION_ROLE_POLICY, opts=opts
)
task = aws.ecs.TaskDefinition(
    "app", family="app", cpu="256", memory="512", network_mode="awsvpc", requires_compatibilities=["FARGATE"],
    execution_role_arn=role.arn,
    container_definitions=json.dumps([{"name": "app", "image": "nginx", "portMappings": [{"containerPort": 80}]}]),
    opts=opts,
)
aws.ecs.Service(
    "app", cluster=aws.ecs.Cluster("all", opts=opts).arn, desired_count=1, launch_type="FARGATE",
    task_definition=task.arn,
    network_configuration={"assign_public_ip": True, "subnets": subnets.ids, "security_groups": [group.id]},
    load_balancers=[{"target_group_arn": targets.arn, "container_name": "app", "container_port": 80}],
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[listener]),
)
"""

SMALL_PARTS = """
trusted = aws.iam.get_policy_document(
    statements=[
        {"actions": ["sts:AssumeRole"], "principals": [{"type": "Service", "identifiers": ["lambda.amazonaws.com"]}]}
    ],
    opts=pulumi.InvokeOptions(provider=provider),
)
role = aws.iam.Role("role", assume_role_policy=trusted.json, opts=opts)
archive = pulumi.AssetArchive({"index.py": pulumi.StringAsset("def handler(event, context): return 1")})
aws.lambda_.Function("function", role=role.arn, runtime="python3.13", handler="index.handler", code=archive, opts=opts)
bucket = aws.s3.BucketV2("former", opts=opts)
aws.s3.BucketPublicAccessBlock("former", bucket=bucket.id, block_public_acls=True, opts=opts)
key = aws.kms.Key("key", opts=opts)
aws.kms.Alias("alias", target_key_id=key.id, opts=opts)
aws.sqs.Queue("first-in", fifo_queue=True, opts=opts)
aws.sqs.Queue("any", fifo_queue=False, opts=opts)
aws.sns.Topic("ordered", fifo_topic=True, opts=opts)
site = aws.s3.Bucket("site", opts=opts)
aws.s3.BucketWebsiteConfiguration("site", bucket=site.id, index_document={"suffix": "index.html"}, opts=opts)
aws.s3.BucketObject(
    "index.html", bucket=site.id, source=pulumi.StringAsset("<h1>hello</h1>"), content_type="text/html", opts=opts
)
aws.s3.BucketObjectv2("main", bucket=site.id, key="a/main.py", source=pulumi.FileAsset("__main__.py"), opts=opts)
group = aws.ec2.SecurityGroup("group", opts=opts)
one = {"security_group_id": group.id, "protocol": "tcp", "from_port": 22, "to_port": 22}
aws.ec2.SecurityGroupRule("in", type="ingress", cidr_blocks=["10.0.0.0/8"], **one, opts=opts)
aws.ec2.SecurityGroupRule("among", type="egress", self=True, **one, opts=opts)
pulumi.export("endpoint", site.website_endpoint)
"""


def test_a_web_program_as_in_the_providers_own_examples_passes(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain(WEB)

    assert done.problems() == []
    assert done.status == 0
    noted = [one["message"] for one in done.report["problems"]]
    assert noted == ["aws.ec2.get_ami: the rehearsal knows no such image, and took another in its place"]


def test_archives_former_names_and_automatic_names_are_as_the_provider_has_them(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain(SMALL_PARTS)

    assert done.problems() == []
    assert {one["status"] for one in done.report["resources"] if one["type"].startswith("aws:")} == {"emulated"}
    names = {name: done.resource(name)["inputs"]["name"] for name in ("alias", "first-in", "any", "ordered")}
    assert names["alias"].startswith("alias/alias-")
    assert names["first-in"].endswith(".fifo")
    assert "." not in names["any"]
    assert names["ordered"].endswith(".fifo")
    assert done.resource("index.html")["inputs"]["key"] == "index.html"


def test_a_rule_without_a_direction_is_refused(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        group = aws.ec2.SecurityGroup("group", opts=opts)
        aws.ec2.SecurityGroupRule(
            "in", type="inbound", security_group_id=group.id, protocol="tcp", from_port=22, to_port=22,
            cidr_blocks=["10.0.0.0/8"], opts=opts,
        )
    """)

    assert [one["message"] for one in done.problems()] == ["type: 'inbound' is not allowed"]


def test_a_policy_of_aws_must_exist(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        trusted = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = aws.iam.Role("role", assume_role_policy={"Version": "2012-10-17", "Statement": [trusted]}, opts=opts)
        aws.iam.RolePolicyAttachment(
            "read", role=role.name, policy_arn="arn:aws:iam::aws:policy/ReadOnlyAcess", opts=opts
        )
    """)

    (problem,) = done.problems()
    assert "ReadOnlyAcess does not exist" in problem["message"]


def test_what_needs_a_type_without_a_spec_is_checked_and_never_accused(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        hub = aws.ec2transitgateway.TransitGateway("hub", opts=opts)
        aws.ec2transitgateway.VpcAttachment(
            "way", transit_gateway_id=hub.id, vpc_id="vpc-12345678", subnet_ids=["subnet-12345678"], opts=opts
        )
        aws.ssm.Parameter("by-id", type="String", value=hub.id, opts=opts)
        aws.ssm.Parameter("by-output", type="String", value=hub.association_default_route_table_id, opts=opts)
        wrong = aws.ssm.Parameter("wrong", type="Text", value=hub.id, opts=opts)
        pulumi.export("arn", hub.arn)
        pulumi.export("passed on", hub.association_default_route_table_id.apply(lambda name: name.upper()))
    """)

    (problem,) = done.problems()
    assert problem["urn"].endswith("::wrong")
    assert done.resource("by-id")["status"] == "validated"
    assert done.resource("hub")["id"].startswith("tgw-")
    assert done.report["outputs"]["arn"].startswith("arn:aws:ec2:ap-northeast-1:123456789012:")
    # What only a deployment tells is unknown, as at the engine's preview, and the rest of the program goes on.
    assert done.report["outputs"]["passed on"] == NOT_KNOWN
    assert gaps(done, "unknown inputs") == {"aws:ssm/parameter:Parameter": ["value"]}
    assert set(gaps(done, "no spec")) == {
        "aws:ec2transitgateway/transitGateway:TransitGateway",
        "aws:ec2transitgateway/vpcAttachment:VpcAttachment",
    }


def gaps(done: Rehearsed, cause: str) -> dict[str, list[str]]:
    """What was not rehearsed for this cause, by type."""
    return {one["type"]: one["what"] for one in done.report["gaps"] if one["cause"] == cause}


def test_what_the_sdk_knows_is_no_error_because_no_request_carries_it(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        aws.s3.Bucket(
            "b", bucket_prefix="notes-", acl="private", versioning={"enabled": True}, acceleration_status="Enabled",
            opts=opts,
        )
        zone = aws.route53.Zone("z", name="example.org", opts=opts)
        one = {"zone_id": zone.zone_id, "ttl": 60}
        aws.route53.Record("text", name="example.org", type="TXT", records=["v=spf1 -all"], **one, opts=opts)
        aws.route53.Record("quoted", name="q", type="TXT", records=['"v=spf1 -all"'], **one, opts=opts)
        aws.route53.Record(
            "half", name="w", type="A", records=["10.0.0.1"], set_identifier="a",
            weighted_routing_policies=[{"weight": 10}], **one, opts=opts,
        )
        aws.cloudwatch.EventBus("named-by-the-provider", opts=opts)
        aws.backup.Plan(
            "plan", rules=[{"rule_name": "r", "target_vault_name": "v", "shedule": "cron(0 5 * * ? *)"}], opts=opts
        )
    """)

    typo, quotes = sorted(done.problems(), key=lambda one: one["urn"])
    assert "did you mean 'schedule'" in typo["message"]
    assert quotes["urn"].endswith("::quoted")
    assert "quotes of its own" in quotes["message"]
    assert gaps(done, "inputs not checked")["aws:s3/bucket:Bucket"] == [
        "accelerationStatus",
        "acl",
        "bucketPrefix",
        "versioning",
    ]
    assert done.resource("named-by-the-provider")["id"].startswith("named-by-the-provider-")


def test_a_text_where_an_object_is_wanted_is_one_clear_error(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain('aws.s3.BucketVersioning("v", bucket="b", versioning_configuration="Enabled", opts=opts)')

    (problem,) = done.problems()
    assert "wants an object for 'versioningConfiguration', with status, mfaDelete; got 'Enabled'" in problem["message"]


ELSEWHERE = """
network = pulumi.StackReference("acme/network/prod")
aws.ec2.SecurityGroup("group", vpc_id=network.get_output("vpcId"), opts=opts)
zone = aws.route53.get_zone(name="example.com", opts=pulumi.InvokeOptions(provider=provider))
aws.route53.Record("www", zone_id=zone.zone_id, name="www", type="CNAME", ttl=60, records=["example.net"], opts=opts)
secret = aws.secretsmanager.get_secret(name="prod/db", opts=pulumi.InvokeOptions(provider=provider))
aws.ssm.Parameter("arn", type="String", value=secret.arn, opts=opts)
aws.ec2.Subnet("s", vpc_id="vpc-0123456789abcdef0", cidr_block="10.0.0.0/24", opts=opts)
"""


def test_what_is_somewhere_else_is_a_gap_in_anybodys_program_and_a_mistake_in_ours(
    rehearse_plain: Rehearse,
) -> None:
    done = rehearse_plain(ELSEWHERE, "--profile", "general")
    assert done.problems() == []
    assert done.status == 0
    assert gaps(done, "taken as existing") == {
        "aws:ec2/subnet:Subnet": ["vpc-0123456789abcdef0"],
        "aws:route53/getZone:getZone": ["a hosted zone example.com"],
    }
    assert gaps(done, "look-up made up") == {"aws:secretsmanager/getSecret:getSecret": []}
    assert gaps(done, "stack not known") == {"pulumi:pulumi:StackReference": []}
    assert done.resource("www")["status"] == "emulated"

    ours = rehearse_plain(ELSEWHERE)
    (problem,) = ours.problems()
    assert "matched 0 hosted zones" in problem["message"]


def test_what_exists_already_is_declared_in_one_place(tmp_path: Path, rehearse_plain: Rehearse) -> None:
    (tmp_path / "rehearsal.yaml").write_text("""
        stacks:
          acme/network/prod: {vpcId: vpc-0123456789abcdef0}
        look-ups:
          - function: aws:secretsmanager/getSecret:getSecret
            when: {name: prod/db}
            answer: {arn: "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:prod/db-AbCdEf"}
        ids: ["arn:aws:iam::123456789012:role/deploy", "arn:aws:sqs:ap-northeast-1:123456789012:shared"]
    """)
    done = rehearse_plain(
        """
        network = pulumi.StackReference("acme/network/prod")
        aws.ec2.SecurityGroup("group", vpc_id=network.get_output("vpcId"), opts=opts)
        secret = aws.secretsmanager.get_secret(name="prod/db", opts=pulumi.InvokeOptions(provider=provider))
        aws.ssm.Parameter("arn", type="String", value="x", description=secret.arn, opts=opts)
        aws.ssm.Parameter("role", type="String", value="arn:aws:iam::123456789012:role/deploy")
        topic, queue = aws.sns.Topic("topic", opts=opts), aws.sqs.Queue("shared", name="shared", opts=opts)
        aws.sns.TopicSubscription("heard", topic=topic.arn, protocol="sqs", endpoint=queue.arn, opts=opts)
        """,
        config={"aws:defaultTags": {"tags": {"Team": "web"}}, "aws:region": "ap-northeast-1"},
    )

    assert done.problems() == []
    assert done.resource("group")["status"] == "emulated"
    assert done.resource("group")["inputs"]["vpcId"] == "vpc-0123456789abcdef0"
    assert done.resource("arn")["inputs"]["description"].endswith(":secret:prod/db-AbCdEf")
    assert done.resource("role")["inputs"]["tagsAll"] == {"Team": "web"}
    # What other stacks name of this one is made here.
    assert done.resource("heard")["status"] == "emulated"
    assert {one["cause"] for one in done.report["gaps"]} <= {"not emulated"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stack: {}", "did you mean 'stacks'"),
        ("look-ups: [{function: getVpc, answer: {}}]", "must be a token such as"),
        ("look-ups: [{function: 'a:b:c', wen: {}}]", "did you mean 'when'"),
        ("ids: vpc-1", "must be a list"),
        ("stacks: [a]", "a mapping from a stack's name"),
        ("a: [", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_declaration_is_said(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "rehearsal.yaml").write_text(text)
    with pytest.raises(RehearsalError) as refused:
        declared.load(tmp_path)
    assert words in f"{refused.value.message} {refused.value.remedy}"


def test_the_first_program_of_everybody_is_in_order(tmp_path: Path, rehearse: Rehearse) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: first\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("from pulumi_aws import s3\ns3.Bucket('my-bucket')\n")

    done = rehearse(tmp_path)
    assert done.problems() == []
    assert done.status == 0


def test_a_program_has_the_packages_of_its_own_environment(tmp_path: Path, rehearse: Rehearse) -> None:
    packages = tmp_path / "venv" / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "words.py").write_text("BUCKET = 'files'\n")
    runtime = "runtime:\n  name: python\n  options: {virtualenv: venv}\n"
    (tmp_path / "Pulumi.yaml").write_text(f"name: own\n{runtime}")
    (tmp_path / "__main__.py").write_text("import words\nfrom pulumi_aws import s3\ns3.Bucket(words.BUCKET)\n")

    done = rehearse(tmp_path)
    assert done.problems() == []
    assert done.resource("files")["status"] == "emulated"


def test_functions_that_are_waited_for_and_what_somebody_else_owns_are_not_accused(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain(
        """
        aws.s3.Bucket.get("theirs", "somebody-elses-bucket", opts=opts)
        group = aws.ec2.SecurityGroup(
            "inside",
            description="Clients inside",
            ingress=[{"protocol": "tcp", "from_port": 22, "to_port": 22, "ipv6_cidr_blocks": ["fd00::/8"]}],
            opts=opts,
        )
        """
    )
    accused = {(one["rule"], one["urn"].rpartition("::")[2]) for one in done.report["problems"] if one.get("rule")}
    assert not [one for one in accused if one[1] == "theirs" or one[0] == "group-world-ingress"]


def test_what_is_read_is_taken_on_trust_and_so_is_what_refers_to_it(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        bucket = aws.s3.Bucket.get("others", "bucket-of-others", opts=opts)
        aws.s3.BucketVersioning(
            "versions", bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=opts
        )
        ours = aws.s3.Bucket.get("ours", aws.s3.Bucket("made", opts=opts).id, opts=opts)
        aws.s3.BucketVersioning(
            "our-versions", bucket=ours.id, versioning_configuration={"status": "Enabled"}, opts=opts
        )
    """)

    assert done.problems() == []
    assert done.resource("versions")["status"] == "validated"
    assert done.resource("our-versions")["status"] == "emulated"


@pytest.fixture(scope="module")
def account() -> Any:
    made = Account()
    yield made
    made.close()


def document(account: Account, **args: Any) -> dict[str, Any]:
    return json.loads(look_up(account, REGION, DOCUMENT, args)["json"])


def test_a_policy_document_is_the_providers_text(account: Account) -> None:
    condition = {"test": "StringLike", "variable": "s3:prefix", "values": ["home/&{aws:username}/*"]}
    written = document(
        account,
        policyId="files",
        statements=[
            {
                "sid": "Read",
                "actions": ["s3:GetObject", "s3:ListBucket"],
                "resources": ["arn:aws:s3:::files"],
                "principals": [{"type": "AWS", "identifiers": ["arn:aws:iam::123456789012:root"]}],
                "conditions": [{**condition, "values": ["home/"]}, {**condition, "test": "StringEquals"}],
            },
            {"effect": "Deny", "notActions": ["s3:*"], "notResources": ["*"]},
            {"actions": ["s3:*"], "principals": [{"type": "*", "identifiers": ["*"]}]},
        ],
    )

    # The forms are those of the provider: one value alone is no list, and the last letter of the alphabet is first.
    assert written == {
        "Version": "2012-10-17",
        "Id": "files",
        "Statement": [
            {
                "Sid": "Read",
                "Effect": "Allow",
                "Action": ["s3:ListBucket", "s3:GetObject"],
                "Resource": "arn:aws:s3:::files",
                "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                "Condition": {
                    "StringLike": {"s3:prefix": "home/"},
                    "StringEquals": {"s3:prefix": "home/${aws:username}/*"},
                },
            },
            {"Effect": "Deny", "NotAction": "s3:*", "NotResource": "*"},
            {"Effect": "Allow", "Action": "s3:*", "Principal": "*"},
        ],
    }


def test_documents_are_merged_and_replaced_by_sid(account: Account) -> None:
    base = json.dumps({"Statement": {"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}})
    other = json.dumps({"Statement": [{"Sid": "A", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}]})

    merged = document(account, sourcePolicyDocuments=[base], statements=[{"sid": "B", "actions": ["s3:Get*"]}])
    assert [one["Sid"] for one in merged["Statement"]] == ["A", "B"]
    replaced = document(account, sourcePolicyDocuments=[base], overridePolicyDocuments=[other])
    assert [one["Effect"] for one in replaced["Statement"]] == ["Deny"]
    with pytest.raises(RehearsalError, match="two statements with the sid 'A'"):
        document(account, sourcePolicyDocuments=[base, other])
    with pytest.raises(RehearsalError, match="a policy that is none"):
        document(account, sourcePolicyDocuments=["{}"])


def test_more_than_one_image_or_zone_that_fits_is_refused_as_the_provider_does(account: Account) -> None:
    with pytest.raises(RehearsalError, match=r"matched \d+ images; give most_recent=True"):
        look_up(account, REGION, "aws:ec2/getAmi:getAmi", {"owners": ["amazon"]})
    with pytest.raises(RehearsalError, match=r"matched 0 hosted zones for 'example.com'"):
        look_up(account, REGION, "aws:route53/getZone:getZone", {"name": "example.com"})


def names(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_archive_is_of_a_folder_a_file_or_assets(tmp_path: Path) -> None:
    (tmp_path / "code" / "sub").mkdir(parents=True)
    (tmp_path / "code" / "a.py").write_text("a")
    (tmp_path / "code" / "sub" / "b.py").write_text("b")
    with tarfile.open(tmp_path / "code.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "code" / "a.py", "a.py")
    folder = {"path": str(tmp_path / "code")}

    assert names(zipped(folder)) == {"a.py": b"a", "sub/b.py": b"b"}
    assert names(zipped({"path": str(tmp_path / "code.tar.gz")})) == {"a.py": b"a"}
    file = {SIGNATURE: ASSET, "path": str(tmp_path / "code" / "a.py")}
    library = {SIGNATURE: ASSET, "path": str(tmp_path / "code.tar.gz")}
    assets = {"c.py": {"text": "c"}, "d.py": file, "packed": library, "in": folder, ".": folder}
    assert names(zipped({"assets": assets})) == {
        "a.py": b"a", "sub/b.py": b"b", "c.py": b"c", "d.py": b"a", "in/a.py": b"a", "in/sub/b.py": b"b",
        "packed": (tmp_path / "code.tar.gz").read_bytes(),
    }  # fmt: skip
    assert zipped(folder) == zipped(folder)
    (tmp_path / "ready.zip").write_bytes(zipped(folder))
    assert zipped({"path": str(tmp_path / "ready.zip")}) == zipped(folder)


def test_an_archive_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(RehearsalError, match=r"code: .*/missing does not exist"):
        zipped({"path": str(tmp_path / "missing")})
    with pytest.raises(RehearsalError, match="is neither a folder nor a zip or tar file"):
        zipped({"path": str(tmp_path / "text")})
    with pytest.raises(RehearsalError, match="code: is not an archive"):
        zipped(None)
    with pytest.raises(RehearsalError, match=r"code\.a\.py: .*/missing does not exist"):
        zipped({"assets": {"a.py": {SIGNATURE: ASSET, "path": str(tmp_path / "missing")}}})
