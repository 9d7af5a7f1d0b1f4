"""Identities that mail is sent as."""

from __future__ import annotations

from typing import Final

from rehearsal.cloud.creation import Call, Spec

_ARN: Final = "arn:{partition}:ses:{region}:{account}:identity/"

SPECS: Final[dict[str, Spec]] = {
    "aws:ses/emailIdentity:EmailIdentity": Spec(
        service="ses",
        create=Call(operation="VerifyEmailIdentity", takes={"email": "EmailAddress"}),
        id="{email}",
        outputs={"arn": _ARN + "{email}"},
    ),
    "aws:ses/domainIdentity:DomainIdentity": Spec(
        service="ses",
        create=Call(operation="VerifyDomainIdentity", takes={"domain": "Domain"}),
        id="{domain}",
        outputs={"arn": _ARN + "{domain}", "verificationToken": "VerificationToken"},
    ),
    "aws:ses/domainDkim:DomainDkim": Spec(
        service="ses",
        create=Call(operation="VerifyDomainDkim", takes={"domain": "Domain"}),
        id="{domain}",
        outputs={"dkimTokens": "DkimTokens"},
    ),
    "aws:sesv2/emailIdentity:EmailIdentity": Spec(
        service="sesv2",
        create=Call(operation="CreateEmailIdentity"),
        id="{emailIdentity}",
        outputs={"arn": _ARN + "{emailIdentity}", "identityType": "IdentityType"},
    ),
}
