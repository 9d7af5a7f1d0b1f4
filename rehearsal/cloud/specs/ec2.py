"""VPC and its parts. EC2 takes tags as TagSpecifications, and hides most attributes behind Modify calls."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec
from rehearsal.cloud.specs.ec2_instances import public_name
from rehearsal.problems import AwsError, RequestError

_ARN: Final = "arn:{partition}:ec2:{region}:{account}:"


def _only(context: CreateContext, operation: str, answer: str, **filters: str) -> dict[str, Any]:
    """The one thing of the new VPC that AWS made by itself."""
    wanted = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    return context.call(operation, {"Filters": wanted})[answer][0]


def _default_security_group(context: CreateContext) -> str:
    vpc = context.inputs.get("vpcId") or context.id
    return _only(context, "DescribeSecurityGroups", "SecurityGroups", vpc_id=vpc, group_name="default")["GroupId"]


def _default_network_acl(context: CreateContext) -> str:
    return _only(context, "DescribeNetworkAcls", "NetworkAcls", vpc_id=context.id, default="true")["NetworkAclId"]


def _main_route_table(context: CreateContext) -> str:
    tables = context.call("DescribeRouteTables", {"Filters": [{"Name": "vpc-id", "Values": [context.id]}]})[
        "RouteTables"
    ]
    return next(t["RouteTableId"] for t in tables if any(a.get("Main") for a in t["Associations"]))


def _permission(rule: dict[str, Any]) -> dict[str, Any]:
    """An EC2 IpPermission from one rule, inline or standalone."""
    description = {"Description": rule["description"]} if rule.get("description") else {}
    permission: dict[str, Any] = {"IpProtocol": str(rule.get("ipProtocol", rule.get("protocol")))}
    if permission["IpProtocol"] != "-1":
        permission.update(FromPort=rule.get("fromPort"), ToPort=rule.get("toPort"))
    ranges = [*rule.get("cidrBlocks", []), *([rule["cidrIpv4"]] if "cidrIpv4" in rule else [])]
    ranges6 = [*rule.get("ipv6CidrBlocks", []), *([rule["cidrIpv6"]] if "cidrIpv6" in rule else [])]
    lists = [*rule.get("prefixListIds", []), *([rule["prefixListId"]] if "prefixListId" in rule else [])]
    groups = [
        *rule.get("securityGroups", []),
        *([rule["referencedSecurityGroupId"]] if "referencedSecurityGroupId" in rule else []),
    ]
    if not (ranges or ranges6 or lists or groups or rule.get("self")):
        raise RequestError(
            "a security group rule needs a source or destination: a CIDR, a prefix list or a security group"
        )
    permission["IpRanges"] = [{"CidrIp": cidr, **description} for cidr in ranges]
    permission["Ipv6Ranges"] = [{"CidrIpv6": cidr, **description} for cidr in ranges6]
    permission["PrefixListIds"] = [{"PrefixListId": identifier, **description} for identifier in lists]
    permission["UserIdGroupPairs"] = [{"GroupId": identifier, **description} for identifier in groups]
    return {key: value for key, value in permission.items() if value not in ([], None)}


_RULE_INPUTS: Final = {
    "securityGroupId", "ipProtocol", "fromPort", "toPort", "cidrIpv4", "cidrIpv6", "prefixListId",
    "referencedSecurityGroupId", "description",
}  # fmt: skip


def _standalone_rule(direction: str) -> Spec:
    def reshape(inputs: dict[str, Any]) -> dict[str, Any]:
        others = {key: value for key, value in inputs.items() if key not in _RULE_INPUTS}
        return {**others, "groupId": inputs.get("securityGroupId"), "ipPermissions": [_permission(inputs)]}

    return Spec(
        service="ec2",
        create=Call(operation=f"AuthorizeSecurityGroup{direction}", reshape=reshape),
        id=lambda context: context.response["SecurityGroupRules"][0]["SecurityGroupRuleId"],
        outputs={"securityGroupRuleId": "{id}", "arn": _ARN + "security-group-rule/{id}"},
        tagging="security-group-rule",
    )


def _rule_of_either_direction(context: CreateContext) -> dict[str, Any]:
    """The provider's older type, whose input says which way the rule goes."""
    inputs = context.inputs
    given = {"ingress": "Ingress", "egress": "Egress"}.get(inputs.get("type", ""))
    if given is None:
        raise RequestError(f"type: {inputs.get('type')!r} is not allowed", "use ingress or egress")
    group = inputs["securityGroupId"]
    other = group if inputs.get("self") else inputs.get("sourceSecurityGroupId")
    rule = {**inputs, **({"referencedSecurityGroupId": other} if other else {})}
    return context.call(f"AuthorizeSecurityGroup{given}", {"GroupId": group, "IpPermissions": [_permission(rule)]})


def _inline_rules(context: CreateContext) -> None:
    """The rules written inside a security group; AWS's own rule for all egress goes, as the provider removes it."""
    group = context.call("DescribeSecurityGroups", {"GroupIds": [context.id]})["SecurityGroups"][0]
    for direction, present in (("Ingress", "IpPermissions"), ("Egress", "IpPermissionsEgress")):
        if group[present]:
            context.call(
                f"RevokeSecurityGroup{direction}",
                {"GroupId": context.id, "IpPermissions": [_trimmed(p) for p in group[present]]},
            )
        for rule in context.inputs.get(direction.lower(), []):
            rule = {**rule, "referencedSecurityGroupId": context.id} if rule.get("self") else rule
            context.call(
                f"AuthorizeSecurityGroup{direction}", {"GroupId": context.id, "IpPermissions": [_permission(rule)]}
            )


def _trimmed(permission: dict[str, Any]) -> dict[str, Any]:
    """An IpPermission as described, in the form in which it can be revoked."""
    pairs = [{"GroupId": pair["GroupId"]} for pair in permission.get("UserIdGroupPairs", [])]
    kept = {key: value for key, value in permission.items() if value != [] and key != "UserIdGroupPairs"}
    return {**kept, "UserIdGroupPairs": pairs} if pairs else kept


def _security_group(context: CreateContext) -> dict[str, Any]:
    request: dict[str, Any] = {
        "GroupName": context.inputs["name"],
        "Description": context.inputs.get("description", "Managed by Pulumi"),
        "TagSpecifications": _tag_specifications("security-group", context),
    }
    if "vpcId" in context.inputs:
        request["VpcId"] = context.inputs["vpcId"]
    response = context.call("CreateSecurityGroup", {key: value for key, value in request.items() if value})
    context.id = response["GroupId"]
    _inline_rules(context)
    return response


def _tag_specifications(resource_type: str, context: CreateContext) -> list[dict[str, Any]]:
    pairs = [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]
    return [{"ResourceType": resource_type, "Tags": pairs}] if pairs else []


def _adopt_default_security_group(context: CreateContext) -> dict[str, Any]:
    """The provider takes the VPC's default group over and makes its rules those of the program: by default none."""
    context.id = _default_security_group(context)
    _inline_rules(context)
    return {"GroupId": context.id}


def _route_id(context: CreateContext) -> str:
    keys = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
    destination = next((context.inputs[key] for key in keys if key in context.inputs), "")
    return f"r-{context.inputs['routeTableId']}{destination}"


def _entry(rule: dict[str, Any], *, egress: bool) -> dict[str, Any]:
    """A network ACL entry; the provider turns protocol names into numbers."""
    protocol = {"tcp": "6", "udp": "17", "icmp": "1", "all": "-1"}.get(str(rule["protocol"]), str(rule["protocol"]))
    entry = {
        "ruleNumber": rule.get("ruleNumber", rule.get("ruleNo")),
        "protocol": protocol,
        "ruleAction": rule.get("ruleAction", rule.get("action")),
        "egress": egress,
    }
    entry.update({key: rule[key] for key in ("cidrBlock", "ipv6CidrBlock", "networkAclId") if rule.get(key)})
    if protocol not in ("-1", "1"):
        entry["portRange"] = {"from": rule.get("fromPort"), "to": rule.get("toPort")}
    if protocol == "1":
        entry["icmpTypeCode"] = {"type": rule.get("icmpType", -1), "code": rule.get("icmpCode", -1)}
    return entry


def _network_acl(context: CreateContext) -> dict[str, Any]:
    request: dict[str, Any] = {
        "VpcId": context.inputs.get("vpcId"),
        "TagSpecifications": _tag_specifications("network-acl", context),
    }
    response = context.call("CreateNetworkAcl", {key: value for key, value in request.items() if value})
    context.id = response["NetworkAcl"]["NetworkAclId"]
    for direction in ("ingress", "egress"):
        for rule in context.inputs.get(direction, []):
            entry = _entry({**rule, "networkAclId": context.id}, egress=direction == "egress")
            context.call("CreateNetworkAclEntry", _pascal(entry))
    for subnet in context.inputs.get("subnetIds", []):
        _associate_acl(context, subnet, context.id)
    return response


def _pascal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[0].upper() + key[1:]: _pascal(item) for key, item in value.items()}
    return value


def _associate_acl(context: CreateContext, subnet: str, acl: str) -> dict[str, Any]:
    """A subnet always has a network ACL: a new one replaces the association of the old."""
    lists = context.call("DescribeNetworkAcls", {})["NetworkAcls"]
    associations = (association for each in lists for association in each["Associations"])
    association = next((a["NetworkAclAssociationId"] for a in associations if a["SubnetId"] == subnet), None)
    if association is None:
        raise AwsError(f"ReplaceNetworkAclAssociation: the subnet {subnet} does not exist")
    return context.call("ReplaceNetworkAclAssociation", {"AssociationId": association, "NetworkAclId": acl})


def _flow_log(inputs: dict[str, Any]) -> dict[str, Any]:
    for key, kind in (("vpcId", "VPC"), ("subnetId", "Subnet"), ("eniId", "NetworkInterface")):
        if key in inputs:
            inputs = {
                **{k: v for k, v in inputs.items() if k != key},
                "resourceIds": [inputs[key]],
                "resourceType": kind,
            }
    return inputs


def _flow_log_id(context: CreateContext) -> str:
    """CreateFlowLogs answers well even if it created nothing."""
    failures = context.response.get("Unsuccessful")
    if failures:
        raise AwsError(f"CreateFlowLogs: {failures[0]['Error']['Message']} ({failures[0]['Error']['Code']})")
    return context.response["FlowLogIds"][0].replace("FlowLogId-", "fl-")


def _into_a_folder(inputs: dict[str, Any]) -> str | None:
    folder = str(inputs.get("logDestination", "")).partition(":::")[2].partition("/")[2]
    return "the emulator knows flow logs at the top of a bucket only" if folder else None


def _gateway_prefix_list(context: CreateContext) -> str | None:
    if context.inputs.get("vpcEndpointType", "Gateway") != "Gateway":
        return None
    lists = context.call("DescribeManagedPrefixLists", {})["PrefixLists"]
    return next((p["PrefixListId"] for p in lists if p["PrefixListName"] == context.inputs["serviceName"]), None)


def _route_table_routes(context: CreateContext) -> dict[str, Any]:
    request: dict[str, Any] = {
        "VpcId": context.inputs.get("vpcId"),
        "TagSpecifications": _tag_specifications("route-table", context),
    }
    response = context.call("CreateRouteTable", {key: value for key, value in request.items() if value})
    table = response["RouteTable"]["RouteTableId"]
    renames = {
        "cidrBlock": "DestinationCidrBlock",
        "ipv6CidrBlock": "DestinationIpv6CidrBlock",
        "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    }
    for route in context.inputs.get("routes", []):
        context.call("CreateRoute", {"RouteTableId": table, **context.request("CreateRoute", route, renames)})
    return response


_REGIONAL_NAT: Final = "the emulator knows zonal NAT gateways only"

SPECS: Final[dict[str, Spec]] = {
    "aws:ec2/vpc:Vpc": Spec(
        service="ec2",
        create=Call(operation="CreateVpc", takes={"assignGeneratedIpv6CidrBlock": "AmazonProvidedIpv6CidrBlock"}),
        id="Vpc.VpcId",
        then=[
            # AWS takes one attribute a call.
            Call(
                operation="ModifyVpcAttribute",
                takes={"enableDnsSupport": "EnableDnsSupport.Value"},
                fixed={"VpcId": "{id}"},
            ),
            Call(
                operation="ModifyVpcAttribute",
                takes={"enableDnsHostnames": "EnableDnsHostnames.Value"},
                fixed={"VpcId": "{id}"},
            ),
        ],
        outputs={
            "arn": _ARN + "vpc/{id}",
            "defaultSecurityGroupId": _default_security_group,
            "defaultNetworkAclId": _default_network_acl,
            "defaultRouteTableId": _main_route_table,
            "mainRouteTableId": _main_route_table,
            "dhcpOptionsId": "Vpc.DhcpOptionsId",
            "enableDnsSupport": lambda context: context.inputs.get("enableDnsSupport", True),
            "enableDnsHostnames": lambda context: context.inputs.get("enableDnsHostnames", False),
            "instanceTenancy": "Vpc.InstanceTenancy",
        },
        tagging="vpc",
    ),
    "aws:ec2/internetGateway:InternetGateway": Spec(
        service="ec2",
        create=Call(operation="CreateInternetGateway"),
        id="InternetGateway.InternetGatewayId",
        then=[Call(operation="AttachInternetGateway", takes={"vpcId": "VpcId"}, fixed={"InternetGatewayId": "{id}"})],
        outputs={"arn": _ARN + "internet-gateway/{id}"},
        tagging="internet-gateway",
    ),
    "aws:ec2/subnet:Subnet": Spec(
        service="ec2",
        create=Call(operation="CreateSubnet"),
        id="Subnet.SubnetId",
        then=[
            Call(
                operation="ModifySubnetAttribute",
                takes={"mapPublicIpOnLaunch": "MapPublicIpOnLaunch.Value"},
                fixed={"SubnetId": "{id}"},
            ),
        ],
        outputs={
            "arn": "Subnet.SubnetArn",
            "availabilityZone": "Subnet.AvailabilityZone",
            "availabilityZoneId": "Subnet.AvailabilityZoneId",
        },
        tagging="subnet",
    ),
    "aws:ec2/routeTable:RouteTable": Spec(
        service="ec2",
        create=Code(_route_table_routes, reads=("vpcId", "routes")),
        id="RouteTable.RouteTableId",
        outputs={"arn": _ARN + "route-table/{id}"},
    ),
    "aws:ec2/route:Route": Spec(
        service="ec2",
        create=Call(operation="CreateRoute", takes={"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"}),
        id=_route_id,
        outputs={"state": lambda _making: "active", "origin": lambda _making: "CreateRoute"},
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Spec(
        service="ec2", create=Call(operation="AssociateRouteTable"), id="AssociationId"
    ),
    "aws:ec2/eip:Eip": Spec(
        service="ec2",
        create=Call(operation="AllocateAddress"),
        id="AllocationId",
        then=[
            Call(
                operation="AssociateAddress",
                takes={"networkInterface": "NetworkInterfaceId", "instance": "InstanceId"},
                fixed={"AllocationId": "{id}"},
            ),
        ],
        outputs={
            "allocationId": "{id}",
            "publicIp": "PublicIp",
            "publicDns": public_name,
            "arn": _ARN + "elastic-ip/{id}",
            "domain": lambda _making: "vpc",
        },
        tagging="elastic-ip",
    ),
    "aws:ec2/natGateway:NatGateway": Spec(
        service="ec2",
        create=Call(operation="CreateNatGateway", takes={"privateIp": "PrivateIpAddress"}),
        id=lambda context: context.response["NatGateway"]["NatGatewayId"].replace("NatGatewayId-", "nat-"),
        outputs={
            "publicIp": lambda context: (context.response["NatGateway"].get("NatGatewayAddresses") or [{}])[0].get(
                "PublicIp"
            )
        },
        tagging="natgateway",
        validated_only=lambda inputs: _REGIONAL_NAT if inputs.get("availabilityMode") == "regional" else None,
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Spec(
        service="ec2",
        create=Call(operation="CreateVpcEndpoint", takes={"policy": "PolicyDocument"}),
        id="VpcEndpoint.VpcEndpointId",
        defaults={"vpcEndpointType": "Gateway"},
        left_out={"autoAccept": "accepts the connection on the provider's side"},
        outputs={
            "arn": _ARN + "vpc-endpoint/{id}",
            "state": "VpcEndpoint.State",
            "prefixListId": _gateway_prefix_list,
            "networkInterfaceIds": "VpcEndpoint.NetworkInterfaceIds",
            "dnsEntries": lambda context: [
                {"dnsName": entry["DnsName"], "hostedZoneId": entry["HostedZoneId"]}
                for entry in context.response["VpcEndpoint"].get("DnsEntries", [])
            ],
        },
        tagging="vpc-endpoint",
    ),
    "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation": Spec(
        service="ec2",
        create=Call(operation="ModifyVpcEndpoint", takes={"routeTableId": "AddRouteTableIds"}),
        id="a-{vpcEndpointId}{routeTableId}",
    ),
    "aws:ec2/securityGroup:SecurityGroup": Spec(
        service="ec2",
        create=Code(_security_group, reads=("name", "description", "vpcId", "ingress", "egress")),
        id="GroupId",
        autoname="name",
        left_out={"revokeRulesOnDelete": "read by the provider on deletion"},
        outputs={"arn": _ARN + "security-group/{id}"},
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _standalone_rule("Ingress"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _standalone_rule("Egress"),
    "aws:ec2/securityGroupRule:SecurityGroupRule": Spec(
        service="ec2",
        create=Code(
            _rule_of_either_direction,
            reads=(
                "type",
                "securityGroupId",
                "protocol",
                "fromPort",
                "toPort",
                "cidrBlocks",
                "ipv6CidrBlocks",
                "prefixListIds",
                "sourceSecurityGroupId",
                "self",
                "description",
            ),
        ),
        id=lambda context: context.response["SecurityGroupRules"][0]["SecurityGroupRuleId"],
        outputs={"securityGroupRuleId": "{id}"},
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Spec(
        service="ec2",
        create=Code(_adopt_default_security_group, reads=("vpcId", "ingress", "egress")),
        id="GroupId",
        left_out={"revokeRulesOnDelete": "read by the provider on deletion"},
        outputs={"arn": _ARN + "security-group/{id}", "name": lambda _making: "default"},
        tagging=Call(
            operation="CreateTags",
            fixed={"Resources": lambda context: [context.id], "Tags": lambda context: _pairs(context)},
        ),
    ),
    "aws:ec2/networkAcl:NetworkAcl": Spec(
        service="ec2",
        create=Code(_network_acl, reads=("vpcId", "ingress", "egress", "subnetIds")),
        id="NetworkAcl.NetworkAclId",
        outputs={"arn": _ARN + "network-acl/{id}"},
    ),
    "aws:ec2/networkAclRule:NetworkAclRule": Spec(
        service="ec2",
        create=Call(
            operation="CreateNetworkAclEntry", reshape=lambda inputs: _entry(inputs, egress=bool(inputs.get("egress")))
        ),
        id="nacl-{networkAclId}-{ruleNumber}",
    ),
    "aws:ec2/networkAclAssociation:NetworkAclAssociation": Spec(
        service="ec2",
        create=Code(
            lambda context: _associate_acl(context, context.inputs["subnetId"], context.inputs["networkAclId"]),
            reads=("subnetId", "networkAclId"),
        ),
        id="NewAssociationId",
    ),
    "aws:ec2/flowLog:FlowLog": Spec(
        service="ec2",
        create=Call(operation="CreateFlowLogs", reshape=_flow_log, takes={"iamRoleArn": "DeliverLogsPermissionArn"}),
        id=_flow_log_id,
        validated_only=_into_a_folder,
        defaults={"trafficType": "ALL"},
        outputs={"arn": _ARN + "vpc-flow-log/{id}"},
        tagging="vpc-flow-log",
    ),
}


def _pairs(context: CreateContext) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]
