"""Outputs and answers that nobody can give before a deployment, made up in the form that AWS and the SDK give them.

Ids, names and ARNs get a text of the right form, since the rest of a program refers by them; whatever else an SDK type
has stays unknown, as at the engine's preview. The answer to a look-up has to be known: a program reads it at once.
"""

from __future__ import annotations

import hashlib
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pulumi import _types

from rehearsal import sdk
from rehearsal.property_values import UNKNOWN, plain

ACCOUNT: Final = "123456789012"

_ID_PREFIXES: Final = {
    "ec2/launchTemplate": "lt",
    "ec2/keyPair": "key",
    "ec2/placementGroup": "pg",
    "ec2/networkInterface": "eni",
    "ec2/vpcPeeringConnection": "pcx",
    "ec2/transitGateway": "tgw",
    "ec2transitgateway/transitGateway": "tgw",
    "ec2transitgateway/routeTable": "tgw-rtb",
    "ec2transitgateway/vpcAttachment": "tgw-attach",
    "ec2/vpnGateway": "vgw",
    "ec2/customerGateway": "cgw",
    "ec2/vpnConnection": "vpn",
    "ec2/snapshot": "snap",
    "ec2/ami": "ami",
    "ec2/amiCopy": "ami",
    "ec2/amiFromInstance": "ami",
    "ec2/managedPrefixList": "pl",
    "ec2/volumeAttachment": "vai",
    "ec2/vpcDhcpOptions": "dopt",
    "ec2/spotInstanceRequest": "sir",
    "efs/fileSystem": "fs",
    "efs/mountTarget": "fsmt",
    "efs/accessPoint": "fsap",
}
"""AWS's own prefixes, before 17 hexadecimal digits."""

_ARN_SERVICES: Final = {
    "alb": "elasticloadbalancing",
    "lb": "elasticloadbalancing",
    "appautoscaling": "application-autoscaling",
    "cfg": "config",
    "cloudwatch": "events",
    "cognito": "cognito-idp",
    "docdb": "rds",
    "ec2transitgateway": "ec2",
    "efs": "elasticfilesystem",
    "elasticsearch": "es",
    "lambda": "lambda",
    "mq": "mq",
    "msk": "kafka",
    "neptune": "rds",
    "networkfirewall": "network-firewall",
    "opensearch": "es",
    "sesv2": "ses",
    "sfn": "states",
}
"""Where the provider's module is not called as the service is in ARNs."""

_GLOBAL: Final = frozenset({"iam", "cloudfront", "route53", "globalaccelerator"})
_DOMAINS: Final = ("dnsname", "domainname", "endpoint", "hostname", "fqdn", "domain", "address")


def token(text: str) -> str:
    """Seventeen hexadecimal digits, as in AWS's ids, that depend on `text` alone."""
    return hashlib.sha256(text.encode()).hexdigest()[:17]


def resource(type_: str, name: str, urn: str, region: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """An id and the outputs for a resource that nothing emulates."""
    module = type_.split(":")[1]
    prefix = _ID_PREFIXES.get(module)
    given = plain(inputs.get("name"))
    called = given if isinstance(given, str) else name
    identifier = f"{prefix}-{token(urn)}" if prefix else called if called == given else f"{name}-{token(urn)[:7]}"
    always, optional = sdk.output_names(type_)
    outputs: dict[str, Any] = {}
    for output in always | optional:
        if output in inputs or output in ("id", "urn"):
            continue
        made = _text(output, type_, identifier, called, region)
        if made is not None and sdk.is_text(type_, output):
            outputs[output] = made
        elif output in always:
            outputs[output] = UNKNOWN
    return identifier, outputs


_ARN_FORMS: Final = {
    "lambda/function": "function:{}",
    "lambda/layerVersion": "layer:{}:1",
    "sns/topic": "{}",
    "sqs/queue": "{}",
    "sfn/stateMachine": "stateMachine:{}",
    "cloudwatch/logGroup": "log-group:{}",
    "secretsmanager/secret": "secret:{}",
    "efs/accessPoint": "access-point/{}",
    "efs/fileSystem": "file-system/{}",
    "rds/instance": "db:{}",
    "rds/cluster": "cluster:{}",
    "route53/zone": "hostedzone/{}",
    "iam/openIdConnectProvider": "oidc-provider/{}",
    "iam/instanceProfile": "instance-profile/{}",
    "iam/getServerCertificate": "server-certificate/{}",
    "kinesis/stream": "stream/{}",
    "opensearch/domain": "domain/{}",
    "lb/targetGroup": "targetgroup/{}/0123456789abcdef",
    "lb/loadBalancer": "loadbalancer/app/{}/0123456789abcdef",
    "ec2/launchTemplate": "launch-template/{}",
    "autoscaling/group": "autoScalingGroup:12345678-1234-1234-1234-123456789012:autoScalingGroupName/{}",
    "cognito/userPool": "userpool/{}",
    "acm/certificate": "certificate/12345678-1234-1234-1234-{:0>12.12}",
}
"""What stands behind the account where it is not `kind/name`."""


def arn(type_: str, identifier: str, region: str) -> str:
    """An ARN of the common form, `arn:aws:service:region:account:kind/name`, or of the type's own."""
    module = type_.split(":")[1]
    service, _, kind = module.partition("/")
    if module in ("s3/bucket", "s3/bucketV2"):
        return f"arn:aws:s3:::{identifier}"
    service = "logs" if kind.startswith("log") else _ARN_SERVICES.get(service, service)
    place = "" if service in _GLOBAL else region
    account = "" if service == "route53" else ACCOUNT
    form = _ARN_FORMS.get(module, f"{kind.lower() or 'resource'}/{{}}")
    return f"arn:aws:{service}:{place}:{account}:{form.format(identifier)}"


def _text(output: str, type_: str, identifier: str, name: str, region: str) -> str | None:
    """What `output` would hold, told by its name; None where nobody can tell."""
    word = output.lower()
    kind = type_.split(":")[1].rpartition("/")[2].lower()
    if word == "arn" or word == f"{kind}arn":
        return arn(type_, identifier, region)
    if word in (f"{kind}id", "resourceid", "uniqueid") or (word.endswith("id") and kind.endswith(word[:-2])):
        return identifier
    if word in ("name", f"{kind}name", "nameprefix"):
        return name if word != "nameprefix" else None
    if word in ("ownerid", "accountid", "registryid"):
        return ACCOUNT
    if word == "region":
        return region
    return None


def values(type_: str, names: Sequence[str], seed: str, region: str) -> dict[str, Any]:
    """A value for each of these outputs, in the form that the SDK has for it."""
    cls = sdk.resource_class(type_)
    hints = _types.resource_types(cls) if cls is not None else {}
    return {name: _value(name, hints[name], type_, seed, region) for name in names if name in hints}


def answer(invoked: str, args: Mapping[str, Any], region: str) -> dict[str, Any]:
    """The answer to a look-up that nobody has an answer to, by the SDK's type of its result; what was asked for comes
    back as it was."""
    cls = _result_class(invoked)
    hints = _types.output_type_types(cls) if cls is not None else {}
    kind = invoked.rpartition(":")[2].removeprefix("get")
    type_ = f"aws:{invoked.split(':')[1].replace('/get', '/')}:{kind}"
    seed = f"{invoked} {sorted(args.items())}"
    made = {name: _value(name, hint, type_, seed, region) for name, hint in hints.items()}
    made["id"] = made.get(f"{kind[:1].lower()}{kind[1:]}Id") or made.get("id") or token(seed)
    return {**made, **{key: value for key, value in args.items() if key in made or not hints}}


def _result_class(invoked: str) -> type | None:
    package, module, function = invoked.split(":", 2)
    service = module.partition("/")[0]
    wanted = f"{function[:1].upper()}{function[1:]}Result"
    base = f"pulumi_{package.replace('-', '_')}"
    places = [base] if service == "index" else [f"{base}.{service}", f"{base}.{service}_", f"{base}.{service.lower()}"]
    for name in list(sys.modules):
        if any(name.startswith(f"{place}.") for place in places):
            found = vars(sys.modules[name]).get(wanted)
            if isinstance(found, type):
                return found
    return None


def _value(name: str, hint: Any, type_: str, seed: str, region: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        first = next(one for one in typing.get_args(hint) if one is not type(None))
        return _value(name, first, type_, seed, region)
    if hint is bool:
        return False
    if hint in (int, float):
        return 1
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return [_value(name.removesuffix("s"), typing.get_args(hint)[0], type_, seed, region)]
    if isinstance(hint, type) and _types.is_output_type(hint):
        return {key: _value(key, each, type_, seed, region) for key, each in _types.output_type_types(hint).items()}
    return _made_up_text(name, type_, seed, region)


def _made_up_text(name: str, type_: str, seed: str, region: str) -> str:
    word = name.lower()
    if word.endswith("arn"):
        return arn(type_, token(seed)[:8], region)
    if word.endswith(("json", "policy")):
        return "{}"
    if word.endswith(_DOMAINS):
        return f"{token(seed)[:8]}.{region}.amazonaws.com"
    if word in ("ownerid", "accountid", "registryid"):
        return ACCOUNT
    if word.endswith("region"):
        return region
    if word in ("authorizationtoken",):
        return "QVdTOnJlaGVhcnNhbA=="  # AWS:rehearsal
    return _text(name, type_, _identifier(type_, seed, word), word, region) or f"{word}-{token(seed)[:8]}"


def _identifier(type_: str, seed: str, word: str) -> str:
    module = type_.split(":")[1]
    if module == "route53/zone":
        return f"Z{token(seed).upper()}"
    return f"{_ID_PREFIXES.get(module, word)}-{token(seed)}"
