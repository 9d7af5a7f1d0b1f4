"""The host: who reaches it, what it reaches, what its role may do, and what it refuses to be."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from components.alarms import AlarmTopics
from components.compute.free_tier_host import FreeTierHost, FreeTierHostArgs, Ssh
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from components.network.vpc import Vpc
from tests.conftest import ACCOUNT, REGION, ROOT, Recorder
from tests.iam import allowed

NAME = "wiki-dev-host"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!wiki"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"


BESIDE: dict[str, Any] = {
    "files": ROOT / "workloads" / "host", "environment": "dev", "parameter_path": "/wiki/dev",
    "repository": SimpleNamespace(url=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/wiki-dev-api"),
    "database": SimpleNamespace(endpoint="db.local", port=5432, name="app", secret_arn=SECRET),
}  # fmt: skip


def host(*, key: ExistingKey | None = None, **changes: Any) -> FreeTierHost:
    network = Vpc.from_existing(vpc_id="vpc-1", cidr="10.0.0.0/16", public_subnet_ids=["subnet-1"])
    return FreeTierHost(NAME, FreeTierHostArgs(**{"tag": "1.0.0", **changes}), network=network, key=key, **BESIDE)


def build(recorder: Recorder, **changes: Any) -> Recorder:
    return recorder.run(lambda: host(**changes))


def rules(recorder: Recorder, direction: str) -> set[tuple[str, str, int, int]]:
    """Group of the rule, who, and which ports."""
    found = set()
    for one in recorder.of(f"SecurityGroup{direction}Rule"):
        given = one.inputs
        who = given.get("cidrIpv4") or given.get("prefixListId") or given["referencedSecurityGroupId"]
        assert given["ipProtocol"] == "tcp"
        found.add((given["securityGroupId"], who, int(given["fromPort"]), int(given["toPort"])))
    return found


GROUP = f"{NAME}-security-group-id"
CLOUDFRONT = "pl-com.amazonaws.global.cloudfront.origin-facing"


def test_only_cloudfront_reaches_it_on_one_port(recorder: Recorder) -> None:
    build(recorder)
    # Two ports to that list would be 110 of the 60 rules that a group may have.
    assert rules(recorder, "Ingress") == {(GROUP, CLOUDFRONT, 80, 80)}


def test_it_calls_https_and_nothing_else_until_it_is_let(recorder: Recorder) -> None:
    recorder.run(lambda: host().allow_to("sg-db", 5432, "database"))
    assert rules(recorder, "Egress") == {(GROUP, "0.0.0.0/0", 443, 443), (GROUP, "sg-db", 5432, 5432)}


def test_ubuntu_fetches_its_signed_packages_by_http(recorder: Recorder) -> None:
    build(recorder, system="ubuntu")
    assert {(first, last) for _, _, first, last in rules(recorder, "Egress")} == {(443, 443), (80, 80)}


def test_an_administrator_with_an_address_may_use_ssh_and_nobody_else(recorder: Recorder) -> None:
    build(recorder, ssh=Ssh(allow_from=["203.0.113.7/32"], key_name="mine"))
    assert rules(recorder, "Ingress") == {(GROUP, CLOUDFRONT, 80, 80), (GROUP, "203.0.113.7/32", 22, 22)}
    assert recorder.one(":Instance").inputs["keyName"] == "mine"


def test_its_address_is_there_before_it_and_outlives_it(recorder: Recorder) -> None:
    build(recorder)
    instance, interface = recorder.one(":Instance"), recorder.one(":NetworkInterface")
    assert instance.inputs["primaryNetworkInterface"] == {"networkInterfaceId": f"{interface.name}-id"}
    assert interface.inputs["securityGroups"] == [GROUP]
    assert recorder.one(":Eip").inputs["networkInterface"] == f"{interface.name}-id"
    assert recorder.one(":Eip").urn in instance.dependencies
    assert "associatePublicIpAddress" not in instance.inputs


def test_no_container_reaches_the_role_and_no_credit_is_bought(recorder: Recorder) -> None:
    given = build(recorder).one(":Instance").inputs
    assert given["metadataOptions"]["httpTokens"] == "required"
    assert given["metadataOptions"]["httpPutResponseHopLimit"] == 1
    assert given["creditSpecification"] == {"cpuCredits": "standard"}
    assert given["maintenanceOptions"] == {"autoRecovery": "default"}
    assert "monitoring" not in given


def test_every_volume_is_encrypted_and_what_lasts_is_on_its_own(recorder: Recorder) -> None:
    build(recorder, key=ExistingKey(arn=KEY))
    root, data = recorder.one(":Instance").inputs["rootBlockDevice"], recorder.one(":Volume")
    for volume in (root, data.inputs):
        assert (volume["encrypted"], volume["kmsKeyId"]) == (True, KEY)
    assert data.protect
    assert data.inputs["finalSnapshot"] is True
    assert recorder.one(":VolumeAttachment").inputs["volumeId"] == f"{data.name}-id"


def test_what_is_ephemeral_goes_without_a_question(recorder: Recorder) -> None:
    build(recorder, retention="ephemeral")
    instance, data = recorder.one(":Instance"), recorder.one(":Volume")
    assert not data.protect
    assert data.inputs["finalSnapshot"] is False
    assert (instance.inputs["disableApiStop"], instance.inputs["disableApiTermination"]) == (False, False)


@pytest.mark.parametrize("retention", ["protected", "ephemeral"])
def test_what_nobody_may_stop_is_replaced_for_another_size(retention: str, recorder: Recorder) -> None:
    """The provider stops an instance to change its type, and only that: user data replaces it anyway."""
    instance = build(recorder, retention=retention).one(":Instance")
    assert instance.inputs["disableApiStop"] is (retention == "protected")
    assert instance.replace_on_changes == (["instanceType"] if retention == "protected" else [])
    assert instance.inputs["userDataReplaceOnChange"] is True
    # Then it goes in spite of its protection.
    assert instance.inputs["forceDestroy"] is True


def test_a_new_image_of_amazon_replaces_nothing_and_an_id_rolls(recorder: Recorder) -> None:
    assert build(recorder).one(":Instance").ignore_changes == ["ami"]


def test_the_id_of_an_image_is_followed(recorder: Recorder) -> None:
    instance = build(recorder, ami_id="ami-0aaaaaaaaaaaaaaaa").one(":Instance")
    assert (instance.inputs["ami"], instance.ignore_changes) == ("ami-0aaaaaaaaaaaaaaaa", [])
    assert instance.inputs["userDataReplaceOnChange"] is True


def variables(recorder: Recorder) -> dict[str, str]:
    config = json.loads(recorder.one(":Instance").inputs["userData"].removeprefix("#cloud-config\n"))
    (file,) = [one for one in config["write_files"] if one["path"] == "/etc/kumiki/host.env"]
    assert file["permissions"] == "0600"
    return {key: value for key, _, value in (token.partition("=") for token in shlex.split(file["content"]))}


def test_user_data_names_the_secrets_and_holds_none(recorder: Recorder) -> None:
    told = variables(build(recorder))
    assert told["DATABASE_SECRET_ARN"] == SECRET
    assert told["ORIGIN_SECRET_PARAMETER"] == f"/wiki/dev/{NAME}/origin-secret"
    assert told["VOLUME_ID"] == f"{NAME}-data-volume-id"
    assert told["LOG_GROUP"] == f"/ec2/{NAME}"
    # The recorder's random password.
    assert "r4nd0m" not in recorder.one(":Instance").inputs["userData"]
    assert "r4nd0m" in json.dumps(recorder.one(":Parameter").inputs)


def test_the_origins_secret_is_made_once_encrypted_and_handed_out_as_a_secret(
    recorder: Recorder, resolved: Callable[[pulumi.Output[Any]], Any]
) -> None:
    made: list[FreeTierHost] = []
    recorder.run(lambda: made.append(host()))
    parameter = recorder.one(":Parameter")
    assert (parameter.inputs["type"], parameter.ignore_changes) == ("SecureString", ["value"])
    assert resolved(made[0].origin_secret) == "r4nd0m"
    assert resolved(pulumi.Output.from_input(made[0].origin_secret.is_secret())) is True


def documents(recorder: Recorder) -> list[dict[str, Any]]:
    return [one.policy() for one in recorder.of(":RolePolicy")]


def test_its_role_may_do_what_it_needs_and_nothing_more(recorder: Recorder) -> None:
    held = documents(build(recorder, key=ExistingKey(arn=KEY)))
    parameter = recorder.one(":Parameter")
    arn, group = f"arn:aws:ssm:{REGION}:{ACCOUNT}:Parameter/{parameter.name}", recorder.one(":LogGroup")
    streams = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group.inputs['name']}"
    assert allowed(held, "ssm:GetParameter", arn)
    assert not allowed(held, "ssm:GetParameter", f"{arn}-other")
    assert allowed(held, "logs:PutLogEvents", f"{streams}:log-stream:api")
    assert not allowed(held, "logs:CreateLogGroup", f"{streams}:log-stream:api")
    assert allowed(held, "kms:Decrypt", KEY, kms__EncryptionContext__PARAMETER_ARN=arn)
    assert not allowed(held, "kms:Decrypt", KEY)
    assert allowed(held, "ssmmessages:OpenDataChannel", "*")
    for action in (
        "ssm:GetParameters", "ssm:PutParameter", "ssm:SendCommand", "ssm:StartSession", "s3:GetObject",
        "ec2:RunInstances", "iam:PassRole", "secretsmanager:GetSecretValue", "logs:DeleteLogGroup", "ecr:PutImage",
    ):  # fmt: skip
        assert not allowed(held, action, "*"), action
    assert not [each for each in recorder.resources if each.type.endswith("RolePolicyAttachment")]
    trust = recorder.one(":Role").policy("assumeRolePolicy")
    assert [each["Principal"] for each in trust["Statement"]] == [{"Service": "ec2.amazonaws.com"}]


def test_the_deployment_document_runs_one_command_with_a_checked_tag(recorder: Recorder) -> None:
    document = json.loads(build(recorder).one(":Document").inputs["content"])
    (step,) = document["mainSteps"]
    assert step["inputs"]["runCommand"] == ["/opt/kumiki/kumiki.sh deploy '{{ tag }}'"]
    pattern = document["parameters"]["tag"]["allowedPattern"]
    assert pattern.startswith("^")
    assert pattern.endswith("$")
    assert not set("'\"$`;&| \n") & set(pattern[1:-1])


def test_its_alarms_speak_of_this_instance_and_these_requests(recorder: Recorder) -> None:
    topics = AlarmTopics(critical="arn:critical", warning="arn:warning")
    recorder.run(lambda: host().alarms(topics))
    alarms = {one.name.removeprefix(f"{NAME}-"): one.inputs for one in recorder.of(":MetricAlarm")}
    cpu = alarms["cpu"]
    assert (cpu["metricName"], cpu["threshold"], cpu["period"] * cpu["evaluationPeriods"]) == (
        "CPUUtilization",
        80,
        300,
    )
    assert cpu["dimensions"] == alarms["status"]["dimensions"] == {"InstanceId": f"{NAME}-instance-id"}
    assert alarms["status"]["alarmActions"] == ["arn:critical"]
    rate = alarms["server-error-rate"]
    assert rate["threshold"] == 5
    counted = {query["metric"]["metricName"] for query in rate["metricQueries"] if "metric" in query}
    assert counted == {one.inputs["metricTransformation"]["name"] for one in recorder.of(":LogMetricFilter")}
    assert {one.inputs["logGroupName"] for one in recorder.of(":LogMetricFilter")} == {f"/ec2/{NAME}"}
    # An alarm is free ten times, each metric of an expression counted.
    assert len(alarms) + 1 == 4


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"instance_type": "m7i.large"}, ["instance_type: 'm7i.large'", "t3.micro, t3.small or t3.medium"]),
        ({"instance_type": "t4g.micro"}, ["instance_type: 't4g.micro'"]),
        ({"system": "windows"}, ["system: 'windows'", "amazonLinux or ubuntu"]),
        ({"ami_id": "latest"}, ["ami_id: 'latest'", "ami-0123456789abcdef0"]),
        ({"root_gib": 8}, ["root_gib: 8", "10 to 1024"]),
        ({"data_gib": 0}, ["data_gib: 0", "1 to 16384"]),
        ({"tag": "latest"}, ["tag: 'latest'", "not latest"]),
        ({"tag": "a;reboot"}, ["tag: 'a;reboot'"]),
        ({"ssh": {"allow_from": ["0.0.0.0/0"]}}, ["[0]: '0.0.0.0/0'", "4294967296 addresses"]),
        ({"ssh": {"allow_from": ["203.0.113.7/32", "10.0.0.0/16"]}}, ["[1]: '10.0.0.0/16'", "at most a /24"]),
        ({"ssh": {"allow_from": ["home"]}}, ["ssh.allow_from[0]: 'home' is not an IPv4 network"]),
        ({"ssh": {"allow_from": ["203.0.113.7/32"] * 2}}, ["names an address twice"]),
        ({"ssh": {"allow_from": [f"203.0.113.{n}/32" for n in range(6)]}}, ["more than 5"]),
        ({"ssh": {"allow_from": []}}, ["ssh.allow_from: []", "Session Manager"]),
    ],
)  # fmt: skip
def test_what_it_cannot_be_is_refused(changes: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(ArgumentError) as refused:
        FreeTierHostArgs(**{"tag": "1.0.0", **changes})
    for part in parts:
        assert part in str(refused.value)


def test_a_folder_that_is_not_a_hosts_is_refused(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BESIDE, "files", ROOT / "workloads" / "site")
    with pytest.raises(ArgumentError, match=r"files: .* lacks kumiki\.sh.*workloads/host"):
        build(recorder)
