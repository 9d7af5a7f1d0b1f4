"""Certificates. Nobody asks the emulator's name servers, so what AWS would look up there is looked up in Route 53."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec
from rehearsal.problems import AwsError


def _options(context: CreateContext, arn: str) -> list[dict[str, Any]]:
    return context.call("DescribeCertificate", {"CertificateArn": arn})["Certificate"].get(
        "DomainValidationOptions", []
    )


def _validation_options(context: CreateContext) -> list[dict[str, str]]:
    return [
        {
            "domainName": option["DomainName"],
            "resourceRecordName": option["ResourceRecord"]["Name"],
            "resourceRecordType": option["ResourceRecord"]["Type"],
            "resourceRecordValue": option["ResourceRecord"]["Value"],
        }
        for option in sorted(_options(context, context.id), key=lambda option: option["DomainName"])
        if "ResourceRecord" in option
    ]


_RECORD: Final = "aws:route53/record:Record"


def _validate(context: CreateContext) -> dict[str, Any]:
    """The wait of the provider: each record that the certificate asks for must be in a public zone."""
    published = _published(context)
    for option in _options(context, context.inputs["certificateArn"]):
        record = option["ResourceRecord"]
        wanted = (record["Name"].rstrip("."), record["Type"], record["Value"].rstrip("."))
        if wanted not in published and _RECORD not in context.account.blind_to:
            raise AwsError(
                f"the certificate would wait for ever: no public zone has the record {wanted[0]} that proves "
                f"{option['DomainName']}",
                "make the record in the zone of the domain before the validation",
            )
    return {}


def _published(context: CreateContext) -> set[tuple[str, str, str]]:
    found = set()
    for zone in context.call("ListHostedZones", {}, "route53")["HostedZones"]:
        if zone["Config"].get("PrivateZone"):
            continue
        sets = context.call("ListResourceRecordSets", {"HostedZoneId": zone["Id"].rpartition("/")[2]}, "route53")
        for record in sets["ResourceRecordSets"]:
            for value in record.get("ResourceRecords", []):
                found.add((record["Name"].rstrip("."), record["Type"], value["Value"].rstrip(".")))
    return found


SPECS: Final[dict[str, Spec]] = {
    "aws:acm/certificate:Certificate": Spec(
        service="acm",
        create=Call(operation="RequestCertificate"),
        id="CertificateArn",
        outputs={
            "arn": "{id}",
            "domainValidationOptions": _validation_options,
            "status": lambda _making: "PENDING_VALIDATION",
        },
    ),
    "aws:acm/certificateValidation:CertificateValidation": Spec(
        service="acm",
        create=Code(_validate, reads=("certificateArn", "validationRecordFqdns")),
        id=lambda context: f"{context.inputs['certificateArn']}-validation",
    ),
}
