"""Web firewalls."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec
from rehearsal.lint.shapes import bodies_by_sender
from rehearsal.problems import AwsError


def _logging(inputs: dict[str, Any]) -> dict[str, Any]:
    """AWS WAF refuses destinations whose names do not begin with its own prefix; the emulator takes any."""
    for arn in inputs.get("logDestinationConfigs", []):
        resource = arn.partition(":log-group:")[2] or arn.rpartition("/")[2] or arn.rpartition(":")[2]
        if not resource.startswith("aws-waf-logs-"):
            raise AwsError(
                f"PutLoggingConfiguration: the destination {arn} must have a name that begins with aws-waf-logs-",
                "name it aws-waf-logs-…",
            )
    return {"loggingConfiguration": inputs}


SPECS: Final[dict[str, Spec]] = {
    "aws:wafv2/webAcl:WebAcl": Spec(
        service="wafv2",
        create=Call(operation="CreateWebACL", reshape=bodies_by_sender),
        id="Summary.Id",
        autoname="name",
        outputs={"arn": "Summary.ARN", "lockToken": "Summary.LockToken"},
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": Spec(
        service="wafv2",
        create=Call(operation="AssociateWebACL"),
        id="{webAclArn},{resourceArn}",
    ),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": Spec(
        service="wafv2",
        create=Call(operation="PutLoggingConfiguration", reshape=_logging),
        id="{resourceArn}",
    ),
}
