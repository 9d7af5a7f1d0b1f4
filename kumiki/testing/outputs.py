"""What AWS adds to resources under the recorder, so that what reads it finds something of the right shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ACCOUNT: Final = "123456789012"
REGION: Final = "ap-northeast-1"


def computed(type_: str, name: str, inputs: Mapping[str, Any], region: str = REGION) -> dict[str, Any]:
    """The outputs of a resource: its inputs, and what AWS adds to the most used."""
    short = type_.rsplit(":", 1)[-1]
    own = inputs.get("name") or f"{name}-1234567"
    extra: dict[str, Any] = {
        "name": own,
        "arn": f"arn:aws:{type_.split(':')[1].split('/')[0]}:{region}:{ACCOUNT}:{short}/{name}",
    }
    if short == "Bucket":
        extra = {
            "bucket": f"{name}-1234567",
            "arn": f"arn:aws:s3:::{name}-1234567",
            "bucketRegionalDomainName": f"{name}-1234567.s3.{region}.amazonaws.com",
        }
    if short == "ExpressGatewayService":
        extra = {"ingressPaths": [{"accessType": "PUBLIC", "endpoint": f"{name}.ecs.{region}.on.aws"}]}
    if short == "Service" and "apprunner" in type_:
        extra |= {"serviceId": "0123456789abcdef", "serviceUrl": f"x.{region}.awsapprunner.com"}
    if short in {"MetricAlarm", "InstanceProfile"}:
        extra["name"] = name
    if type_ == "aws:bedrock/guardrail:Guardrail":
        extra |= {"guardrailId": name, "guardrailArn": f"arn:aws:bedrock:{region}:{ACCOUNT}:guardrail/{name}"}
    if type_ == "aws:bedrock/guardrailVersion:GuardrailVersion":
        extra["version"] = "1"
    if type_ == "aws:rds/instance:Instance":
        extra |= {"address": f"{name}.rds", "endpoint": f"{name}.rds:5432"}
    if short == "Distribution":
        extra = {
            "arn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/{name}",
            "domainName": f"{name}.cloudfront.net",
            "hostedZoneId": "Z2FDTNDATAQYW2",
        }
    if short == "Key":
        extra["keyId"] = f"{name}-key-id"
    if short == "Eip":
        extra |= {"publicIp": "203.0.113.10", "publicDns": f"ec2-203-0-113-10.{region}.compute.amazonaws.com"}
    if short == "VpcEndpoint":
        extra["prefixListId"] = f"pl-{name}"
    if "manageMasterUserPassword" in inputs:
        secret = f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:rds!{name}"
        extra["masterUserSecrets"] = [{"secretArn": secret, "kmsKeyId": "", "secretStatus": "active"}]
        extra |= {"endpoint": f"{name}.rds", "readerEndpoint": f"{name}.ro.rds", "address": f"{name}.rds"}
    if short == "ReplicationGroup":
        extra |= {"primaryEndpointAddress": f"{name}.cache", "readerEndpointAddress": f"{name}.ro.cache"}
        extra["configurationEndpointAddress"] = f"{name}.cfg.cache"
    if short in {"ParameterGroup", "ClusterParameterGroup", "Role", "SecurityConfiguration"}:
        extra["name"] = name
    if type_.startswith("aws:glue/"):
        extra["arn"] = f"arn:aws:glue:{region}:{ACCOUNT}:{short.lower()}/{own}"
    if type_ == "aws:cloudwatch/logGroup:LogGroup":
        extra["arn"] = f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{own}"
    if type_ == "aws:amplify/app:App":
        extra["defaultDomain"] = f"{name}.amplifyapp.com"
    if short == "SubnetGroup":
        extra["name"] = name
    if type_ == "aws:lb/loadBalancer:LoadBalancer":
        extra |= {
            "arnSuffix": f"app/{name}/0123456789abcdef",
            "dnsName": f"{name}.{region}.elb.amazonaws.com",
            "zoneId": "Z14GRHDCWA56QT",
        }
    if type_ == "aws:route53/zone:Zone":
        extra |= {"zoneId": f"Z{name}", "nameServers": ["ns-1.example.org", "ns-2.example.org"]}
    if short == "KeySigningKey":
        extra["dsRecord"] = "12345 13 2 0123456789ABCDEF"
    if short == "Record":
        extra["fqdn"] = inputs["name"]
    if type_ == "aws:acm/certificate:Certificate":
        extra |= {
            "arn": f"arn:aws:acm:{region}:{ACCOUNT}:certificate/{name}",
            "domainValidationOptions": _proofs(inputs),
        }
    if type_ == "aws:sqs/queue:Queue":
        extra["url"] = f"https://sqs.{region}.amazonaws.com/{ACCOUNT}/{own}"
        extra["arn"] = f"arn:aws:sqs:{region}:{ACCOUNT}:{own}"
    if type_ == "aws:dynamodb/table:Table":
        extra["arn"] = f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{own}"
        extra["streamArn"] = f"{extra['arn']}/stream/2026-01-01T00:00:00.000"
    if short == "Repository":
        extra["repositoryUrl"] = f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com/{own}"
    if type_ == "aws:apigatewayv2/api:Api":
        scheme = "wss" if inputs["protocolType"] == "WEBSOCKET" else "https"
        extra |= {
            "apiEndpoint": f"{scheme}://{name}.execute-api.{region}.amazonaws.com",
            "executionArn": f"arn:aws:execute-api:{region}:{ACCOUNT}:{name}",
        }
    if type_ == "aws:apigateway/restApi:RestApi":
        extra |= {
            "rootResourceId": f"{name}-root",
            "executionArn": f"arn:aws:execute-api:{region}:{ACCOUNT}:{name}",
        }
    if type_ == "aws:apigateway/stage:Stage":
        extra["invokeUrl"] = f"https://{inputs['restApi']}.execute-api.{region}.amazonaws.com/{inputs['stageName']}"
    if type_ == "aws:apigatewayv2/domainName:DomainName":
        named = {"targetDomainName": "d-1.execute-api.amazonaws.com", "hostedZoneId": "ZGATEWAY"}
        inputs = {**inputs, "domainNameConfiguration": {**inputs["domainNameConfiguration"], **named}}
    if type_ == "aws:apigateway/domainName:DomainName":
        extra |= {"regionalDomainName": "d-1.execute-api.amazonaws.com", "regionalZoneId": "ZGATEWAY"}
    if short == "ServerlessCollection":
        extra |= {
            "arn": f"arn:aws:aoss:{region}:{ACCOUNT}:collection/{name}-id",
            "collectionEndpoint": f"https://{name}.{region}.aoss.amazonaws.com",
        }
    if short == "AgentKnowledgeBase":
        extra["arn"] = f"arn:aws:bedrock:{region}:{ACCOUNT}:knowledge-base/{name}"
    if short == "AgentDataSource":
        extra["dataSourceId"] = f"{name}-source-id"
    if short == "TargetGroup":
        extra["arnSuffix"] = f"targetgroup/{name}/0123456789abcdef"
    if short == "ListenerRule":
        extra["arn"] = f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:listener-rule/app/web/1/2/{name}"
    if type_ == "aws:lambda/function:Function":
        arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{own}"
        extra |= {"arn": arn, "version": "1", "invokeArn": f"invoke/{arn}"}
    if type_ == "aws:lambda/alias:Alias":
        arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{inputs['functionName']}:{inputs['name']}"
        extra |= {"arn": arn, "invokeArn": f"invoke/{arn}"}
    return {**extra, **inputs}


def zone_of(subnet: str) -> str:
    """A subnet called `…-2` or `…-2-id` is in the second zone."""
    number = next((part for part in subnet.split("-") if part.isdigit()), "1")
    return f"{REGION}{'acd'[int(number) - 1]}"


def _proofs(inputs: Mapping[str, Any]) -> list[dict[str, str]]:
    """The records that a certificate asks for: one for a domain and its wildcard together, named twice."""
    return [
        {
            "domainName": domain,
            "resourceRecordName": f"_proof.{domain.removeprefix('*.')}.",
            "resourceRecordType": "CNAME",
            "resourceRecordValue": "_proof.acm-validations.aws.",
        }
        for domain in [inputs["domainName"], *inputs.get("subjectAlternativeNames", [])]
    ]
