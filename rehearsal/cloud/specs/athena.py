"""Where SQL is asked, and the queries that are kept."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec
from rehearsal.problems import RequestError

# "Per-query data usage control limit", Amazon Athena User Guide; the service model has it too, moto does not ask.
_LEAST_SCAN: Final = 10_485_760


def _workgroup(inputs: dict[str, Any]) -> dict[str, Any]:
    configuration = dict(inputs.get("configuration") or {})
    limit = configuration.get("bytesScannedCutoffPerQuery")
    if limit is not None and limit < _LEAST_SCAN:
        raise RequestError(
            f"bytesScannedCutoffPerQuery: {limit} is less than Athena accepts",
            f"use {_LEAST_SCAN} (10 MB) or more",
        )
    configuration = {key.replace("enforceWorkgroup", "enforceWorkGroup"): value for key, value in configuration.items()}
    result = dict(configuration.get("resultConfiguration") or {})
    if encryption := result.get("encryptionConfiguration"):
        result["encryptionConfiguration"] = {
            {"kmsKeyArn": "kmsKey"}.get(key, key): value for key, value in encryption.items()
        }
    if result:
        configuration["resultConfiguration"] = result
    return {**inputs, "configuration": configuration}


SPECS: Final[dict[str, Spec]] = {
    "aws:athena/workgroup:Workgroup": Spec(
        service="athena",
        create=Call(operation="CreateWorkGroup", reshape=_workgroup),
        id="{name}",
        autoname="name",
        left_out={"state": "a group is enabled when it is made"},
        outputs={"arn": "arn:{partition}:athena:{region}:{account}:workgroup/{name}"},
    ),
    "aws:athena/namedQuery:NamedQuery": Spec(
        service="athena",
        create=Call(operation="CreateNamedQuery", takes={"query": "QueryString", "workgroup": "WorkGroup"}),
        id="NamedQueryId",
        autoname="name",
    ),
}
