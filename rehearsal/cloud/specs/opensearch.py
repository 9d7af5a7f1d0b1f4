"""Search domains."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec

_RENAMES: Final = {"encryptAtRest": "encryptionAtRestOptions", "nodeToNodeEncryption": "nodeToNodeEncryptionOptions"}


def _domain(inputs: dict[str, Any]) -> dict[str, Any]:
    shaped = {_RENAMES.get(key, key): value for key, value in inputs.items() if key != "logPublishingOptions"}
    if "logPublishingOptions" in inputs:
        shaped["logPublishingOptions"] = {
            one["logType"]: {
                "cloudWatchLogsLogGroupArn": one["cloudwatchLogGroupArn"],
                "enabled": one.get("enabled", True),
            }
            for one in inputs["logPublishingOptions"]
        }
    return shaped


SPECS: Final[dict[str, Spec]] = {
    "aws:opensearch/domain:Domain": Spec(
        service="opensearch",
        create=Call(operation="CreateDomain", reshape=_domain),
        id="DomainStatus.ARN",
        autoname="domainName",
        outputs={
            "arn": "DomainStatus.ARN",
            "domainId": "DomainStatus.DomainId",
            "endpoint": "search-{domainName}-rehearsed.{region}.es.amazonaws.com",
            "dashboardEndpoint": "search-{domainName}-rehearsed.{region}.es.amazonaws.com/_dashboards",
        },
    ),
}
