"""What can be reached from outside."""

from __future__ import annotations

from typing import Final

from rehearsal.cloud.creation import Call, Spec

SPECS: Final[dict[str, Spec]] = {
    "aws:accessanalyzer/analyzer:Analyzer": Spec(
        service="accessanalyzer",
        create=Call(operation="CreateAnalyzer"),
        id="{analyzerName}",
        autoname="analyzerName",
        defaults={"type": "ACCOUNT"},
        outputs={"arn": "arn:{partition}:access-analyzer:{region}:{account}:analyzer/{id}"},
        validated_only=lambda _inputs: "the emulator has no Access Analyzer",
    ),
}
