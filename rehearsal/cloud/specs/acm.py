"""Certificates. Nobody asks the emulator's name servers, so what AWS would look up there is looked up in Route 53."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, Making, Spec
from rehearsal.problems import Refused


def _options(making: Making, arn: str) -> list[dict[str, Any]]:
    return making.call("DescribeCertificate", {"CertificateArn": arn})["Certificate"].get("DomainValidationOptions", [])


def _validation_options(making: Making) -> list[dict[str, str]]:
    return [
        {
            "domainName": option["DomainName"],
            "resourceRecordName": option["ResourceRecord"]["Name"],
            "resourceRecordType": option["ResourceRecord"]["Type"],
            "resourceRecordValue": option["ResourceRecord"]["Value"],
        }
        for option in sorted(_options(making, making.id), key=lambda option: option["DomainName"])
        if "ResourceRecord" in option
    ]


def _validate(making: Making) -> dict[str, Any]:
    """The wait of the provider: each record that the certificate asks for must be in a public zone."""
    published = _published(making)
    for option in _options(making, making.inputs["certificateArn"]):
        record = option["ResourceRecord"]
        wanted = (record["Name"].rstrip("."), record["Type"], record["Value"].rstrip("."))
        if wanted not in published:
            raise Refused(
                "aws",
                f"the certificate would wait for ever: no public zone has the record {wanted[0]} that proves "
                f"{option['DomainName']}",
                "make the record in the zone of the domain before the validation",
            )
    return {}


def _published(making: Making) -> set[tuple[str, str, str]]:
    found = set()
    for zone in making.call("ListHostedZones", {}, "route53")["HostedZones"]:
        if zone["Config"].get("PrivateZone"):
            continue
        sets = making.call("ListResourceRecordSets", {"HostedZoneId": zone["Id"].rpartition("/")[2]}, "route53")
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
        id=lambda making: f"{making.inputs['certificateArn']}-validation",
    ),
}
