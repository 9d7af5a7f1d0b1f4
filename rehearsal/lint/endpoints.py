"""Names of VPC endpoint services: no schema has them, and a typo is found only when AWS is asked."""

from __future__ import annotations

import difflib
import json
import re
from functools import cache
from importlib.resources import files
from typing import Final

from rehearsal.lint.result import LintInput
from rehearsal.problems import Problem

TYPE: Final = "aws:ec2/vpcEndpoint:VpcEndpoint"
RULE: Final = "endpoint-service"

_SERVICE: Final = re.compile(r"com\.amazonaws\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.(?P<name>[a-z0-9.-]+?)(?:-fips)?")
_LIKELY: Final = 0.75

# Endpoints whose names botocore does not have ("AWS services that integrate with AWS PrivateLink").
_OTHERS: Final = (
    "aps-workspaces",
    "appmesh-envoy-management",
    "codedeploy-commands-secure",
    "ec2messages",
    "ecs-agent",
    "ecs-telemetry",
    "elasticbeanstalk-health",
    "email-smtp",
    "evidently",
    "execute-api",
    "git-codecommit",
    "grafana-workspace",
    "guardduty-data",
    "kinesis-firehose",
    "kinesis-streams",
    "notebook",
    "qldb",
    "rum-dataplane",
    "s3-global",
    "s3express",
    "ssmmessages",
    "sync-states",
    "timestream",
)


def doubt(resource: LintInput) -> Problem | None:
    """A warning if nobody knows the service that an endpoint names but one of nearly the same name, or if it is of
    another region. Only a warning: AWS adds services every month."""
    given = str(resource.inputs.get("serviceName"))
    match = _SERVICE.fullmatch(given)
    if resource.type != TYPE or match is None:
        return None
    elsewhere = resource.inputs.get("serviceRegion", resource.region)
    if match["region"] != elsewhere:
        return _problem(resource, f"serviceName: {given} is of another region than {elsewhere}", match["region"])
    words = match["name"].split(".")
    if not _known().isdisjoint(words):
        return None
    likely = difflib.get_close_matches(words[0], _known(), n=1, cutoff=_LIKELY)
    if not likely:
        return None
    return _problem(resource, f"serviceName: nobody knows an endpoint for {match['name']}", likely[0])


def _problem(resource: LintInput, message: str, near: str) -> Problem:
    remedy = f"did you mean {near}? `aws ec2 describe-vpc-endpoint-services` lists what there is"
    return Problem(kind="lint", level="warning", rule=RULE, urn=resource.urn, message=message, remedy=remedy)


@cache
def _known() -> frozenset[str]:
    """The words in the names of AWS's services and of their endpoints, as botocore has them."""
    data = files("botocore") / "data"
    listed = json.loads((data / "endpoints.json").read_text(encoding="utf-8"))
    names = {name for partition in listed["partitions"] for name in partition["services"]}
    names.update(each.name for each in data.iterdir() if each.is_dir())
    return frozenset(_OTHERS).union(word for name in names for word in name.split("."))
