"""Front ends on Amplify Hosting. The emulator has none of it: each request is checked and answered from the model."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec

_ABSENT = "the emulator does not know Amplify"


def _domain(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider's sub-domains are AWS's settings of sub-domains."""
    shaped = {key: value for key, value in inputs.items() if key != "subDomains"}
    return {**shaped, "subDomainSettings": inputs["subDomains"]}


SPECS: Final[dict[str, Spec]] = {
    "aws:amplify/app:App": Spec(
        service="amplify",
        create=Call(operation="CreateApp"),
        # Made up here, because what refers to it is checked against AWS's pattern of such ids.
        id=lambda context: f"d{hashlib.sha256(context.urn.encode()).hexdigest()[:13]}",
        autoname="name",
        outputs={"arn": "arn:{partition}:amplify:{region}:{account}:apps/{id}", "defaultDomain": "{id}.amplifyapp.com"},
        validated_only=lambda _inputs: _ABSENT,
    ),
    "aws:amplify/branch:Branch": Spec(
        service="amplify",
        create=Call(operation="CreateBranch"),
        id="{appId}/{branchName}",
        outputs={"arn": "arn:{partition}:amplify:{region}:{account}:apps/{appId}/branches/{branchName}"},
        validated_only=lambda _inputs: _ABSENT,
    ),
    "aws:amplify/domainAssociation:DomainAssociation": Spec(
        service="amplify",
        create=Call(operation="CreateDomainAssociation", reshape=_domain),
        id="{appId}/{domainName}",
        outputs={"arn": "arn:{partition}:amplify:{region}:{account}:apps/{appId}/domains/{domainName}"},
        left_out={"waitForVerification": "how long the provider waits"},
        validated_only=lambda _inputs: _ABSENT,
    ),
}
