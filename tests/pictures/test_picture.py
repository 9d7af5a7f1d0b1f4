"""What is drawn of a stack, and where."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from pictures.layout import Box, layout
from pictures.mermaid import mermaid
from pictures.model import Picture, picture
from pictures.svg import svg
from rehearsal.stacks import stack_names
from tests.conftest import ROOT
from tests.pictures.conftest import STACK, report, row, urn
from tests.rehearsal.conftest import Rehearsed

BUCKET, VERSIONING = "aws:s3/bucket:Bucket", "aws:s3/bucketVersioning:BucketVersioning"
SERVICE, ROLE, TABLE = "aws:ecs/service:Service", "aws:iam/role:Role", "aws:dynamodb/table:Table"


def names(drawn: Picture) -> dict[str, str]:
    return {one.key: f"{one.kind} {one.name}".strip() for one in drawn.nodes}


def arrows(drawn: Picture) -> set[tuple[str, str, str]]:
    known = names(drawn)
    return {(known[one.source], one.kind, known[one.target]) for one in drawn.arrows}


def test_a_setting_of_a_bucket_is_part_of_it_and_a_component_is_one_part() -> None:
    bucket = row(BUCKET, "shop-dev-files")
    component = row("shop:index:Api", "shop-dev-api", custom=False)
    service = row(SERVICE, "shop-dev-api-service", parent=component["urn"])
    drawn = picture(report(bucket, row(VERSIONING, "files-versioning", needs=[bucket]), component, service))

    assert {one.name: len(one.members) for one in drawn.nodes} == {"files": 2, "api": 2}
    assert {one.name: one.tier for one in drawn.nodes} == {"files": "data", "api": "programs"}


def test_names_are_shortened_by_what_all_have_in_common() -> None:
    assert set(names(picture(report(row(BUCKET, "shop-dev-files"), row(TABLE, "shop-dev-orders")))).values()) == {
        "s3 Bucket files",
        "dynamodb Table orders",
    }
    assert names(picture(report(row(BUCKET, "alone")))) == {urn(BUCKET, "alone"): "s3 Bucket alone"}


def test_who_reaches_what_is_a_solid_arrow_and_who_is_given_what_a_dotted_one() -> None:
    table, bucket = row(TABLE, "orders"), row(BUCKET, "files")
    service = row(SERVICE, "api", needs=[table, bucket])
    drawn = picture(report(table, bucket, service, edges=[("internet", "api", "443"), ("api", "orders", "443")]))

    assert arrows(drawn) == {
        ("Internet", "reaches", "ecs Service api"),
        ("ecs Service api", "reaches", "dynamodb Table orders"),
        ("ecs Service api", "uses", "s3 Bucket files"),
    }


def test_what_many_are_given_gets_no_arrows() -> None:
    archive = row(BUCKET, "archive")
    several = [row(SERVICE, f"t{number}", needs=[archive]) for number in range(4)]
    collector = row(SERVICE, "collector", needs=[row(BUCKET, f"b{number}") for number in range(4)])

    assert not picture(report(archive, *several)).arrows
    assert len(picture(report(archive, *several[:3])).arrows) == 3
    assert not picture(report(collector, *(row(BUCKET, f"b{number}") for number in range(4)))).arrows


def test_what_only_supports_others_gets_no_arrows() -> None:
    certificate, secret = row("aws:acm/certificate:Certificate", "tls"), row("aws:secretsmanager/secret:Secret", "key")
    service = row(SERVICE, "api", needs=[certificate, secret])

    assert not picture(report(certificate, secret, service)).arrows


def test_an_arrow_leads_from_who_has_a_right_to_what_it_is_a_right_to() -> None:
    service, queue = (row(f"shop:index:{name}", name.lower(), custom=False) for name in ("Api", "Jobs"))
    role = row(ROLE, "api-role", parent=service["urn"])
    rows = [row(SERVICE, "api-service", parent=service["urn"]), role]
    rows += [row("aws:sqs/queue:Queue", "jobs-queue", parent=queue["urn"])]
    right = row(
        "aws:iam/rolePolicy:RolePolicy", "send", parent=queue["urn"], property_dependencies={"role": [role["urn"]]}
    )
    policy = row("aws:sqs/queuePolicy:QueuePolicy", "who", parent=queue["urn"], needs=[role])

    assert arrows(picture(report(service, queue, *rows, right, policy))) == {("Api api", "uses", "Jobs jobs")}
    assert not picture(report(service, queue, *rows, policy)).arrows, "a policy names users, and uses nobody"


def test_very_many_of_a_kind_are_drawn_as_one() -> None:
    drawn = picture(report(*(row(TABLE, f"t{number:02}") for number in range(40)), row(BUCKET, "files")))

    assert sorted((one.name, one.stands_for) for one in drawn.nodes) == [("40 × dynamodb Table", 40), ("files", 1)]
    assert sum(len(one.members) for one in drawn.nodes) == 41


def test_what_stands_in_two_networks_is_never_drawn_as_one() -> None:
    rows = []
    for number in (1, 2):
        vpc = row("aws:ec2/vpc:Vpc", f"net{number}", id=f"vpc-{number}")
        subnet = row("aws:ec2/subnet:Subnet", f"inner{number}", {"vpcId": vpc["id"]}, needs=[vpc])
        servers = [row("aws:ec2/instance:Instance", f"server{number}-{one}", needs=[subnet]) for one in range(8)]
        rows += [vpc, subnet, *servers]
    servers = [one for one in picture(report(*rows)).nodes if one.kind == "ec2 Instance"]

    assert len(servers) == 16
    assert {one.vpc for one in servers if one.name.startswith("server1")} == {"net1"}
    assert {one.vpc for one in servers if one.name.startswith("server2")} == {"net2"}


def test_a_component_whose_type_has_no_module_is_drawn_by_its_type() -> None:
    (node,) = picture(report(row("acme:Site", "www", custom=False))).nodes

    assert node.kind == "acme:Site"


def test_a_very_large_picture_is_as_long_as_mermaid_takes() -> None:
    rows = [
        row("acme:index:Site", f"{number}-{'a-name-of-seventy-letters-' * 3}", custom=False) for number in range(12)
    ]
    rows = [{**one, "type": f"acme:index:Kind{number}"} for number, one in enumerate(rows * 40)]
    rows = [
        {**one, "urn": f"{one['urn']}{number}", "name": f"{number}{one['name']}"} for number, one in enumerate(rows)
    ]
    tables = [row(TABLE, f"t{number}", parent=one["urn"]) for number, one in enumerate(rows)]
    edges = [(one["name"], other["name"], "443") for one, other in pairwise(tables)]
    told = mermaid(picture(report(*rows, *tables, edges=edges)))

    assert 10_000 < len(told) <= 50_000
    assert " --> " in told or " -->|" in told


def test_what_nothing_joins_is_drawn_all_the_same() -> None:
    assert "orders" in mermaid(picture(report(row(TABLE, "orders"))))

    many = [row(TABLE, f"table-{number}-{'<' * 60}") for number in range(300)]
    many = [{**one, "type": f"acme:index:Kind{number}"} for number, one in enumerate(many)]
    assert 10_000 < len(mermaid(picture(report(*many)))) <= 50_000


def test_a_name_in_wide_signs_stays_on_its_card() -> None:
    drawn = picture(report(row(BUCKET, "日本語" * 10), row(BUCKET, "a-name-of-20-letters")))
    told = svg(drawn, layout(drawn))

    assert ">日本語日本語日本語…</text>" in told
    assert ">a-name-of-20-letters</text>" in told


def network() -> list[dict[str, object]]:
    vpc = row("aws:ec2/vpc:Vpc", "net", id="vpc-1")
    subnets = [
        row(
            "aws:ec2/subnet:Subnet",
            name,
            {"vpcId": "vpc-1", "availabilityZone": zone},
            id=f"subnet-{name}",
            needs=[vpc],
        )
        for name, zone in (("open-a", "eu-west-1a"), ("open-b", "eu-west-1b"), ("inner-a", "eu-west-1a"))
    ]
    route = row("aws:ec2/route:Route", "out", {"routeTableId": "rtb-1", "gatewayId": "igw-1"}, needs=[vpc])
    ways = [
        row(
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            f"way-{one['name']}",
            {"routeTableId": "rtb-1", "subnetId": one["id"]},
            needs=[one],
        )
        for one in subnets[:2]
    ]
    return [vpc, *subnets, route, *ways]


def test_what_stands_in_subnets_is_drawn_in_them_with_its_zones() -> None:
    rows = network()
    opened, inner = rows[1:3], rows[3]
    group = row("aws:rds/subnetGroup:SubnetGroup", "group", needs=[inner])
    balancer = row("aws:lb/loadBalancer:LoadBalancer", "web", needs=opened)
    database = row("aws:rds/instance:Instance", "database", needs=[group])
    drawn = picture(report(*rows, group, balancer, database, edges=[("web", "database", "5432")]))
    placed = {one.name: (one.place, one.vpc, one.zones) for one in drawn.nodes}
    arranged = layout(drawn)

    assert placed["web"] == ("public", "net", ("eu-west-1a", "eu-west-1b"))
    assert placed["database"] == ("private", "net", ("eu-west-1a",))
    frames = {one.heading: one.box for one in arranged.frames}
    boxes = {drawn.node(key).name: box for key, box in arranged.nodes.items()}
    assert inside(boxes["web"], frames["Public subnets"])
    assert inside(boxes["database"], frames["Private subnets"])
    assert inside(frames["Public subnets"], frames["VPC net"])
    assert not inside(boxes["web"], frames["Private subnets"])


def inside(inner: Box, outer: Box) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def test_an_empty_stack_is_a_picture_too() -> None:
    stack = row("pulumi:pulumi:Stack", "shop-dev", parent="", custom=False)
    drawn = picture(report({**stack, "urn": STACK}))

    assert (drawn.nodes, mermaid(drawn)) == ((), "flowchart LR\n")
    ElementTree.fromstring(svg(drawn, layout(drawn)))  # noqa: S314 it is ours


def test_names_cannot_write_into_a_picture() -> None:
    drawn = picture(report(row(BUCKET, '"]<script>&end\n\x1b\ufffe'), row(TABLE, "x"), edges=[]))
    text = svg(drawn, layout(drawn))

    ElementTree.fromstring(text)  # noqa: S314 it is ours
    assert "<script" not in text
    assert "<script" not in mermaid(drawn)


@pytest.mark.parametrize("stack", ["dev", "serverless"])
def test_our_stacks_are_drawn_whole_without_overlaps_and_twice_the_same(
    rehearsed: Callable[[str], Rehearsed], stack: str
) -> None:
    told = rehearsed(stack).report
    assert told["ok"]
    drawn = picture(told)
    arranged = layout(drawn)

    held = [urn for one in drawn.nodes for urn in one.members]
    expected = {
        one["urn"]
        for one in told["resources"]
        if one["type"] != "pulumi:pulumi:Stack" and not one["type"].startswith("pulumi:providers:")
    }
    assert len(held) == len(set(held))
    assert set(held) == expected
    assert arranged.nodes.keys() == {one.key for one in drawn.nodes}
    boxes = list(arranged.nodes.values())
    for index, one in enumerate(boxes):
        assert inside(one, Box(0, 0, arranged.width, arranged.height))
        assert not any(overlap(one, other) for other in boxes[index + 1 :])
    again = {**told, "resources": list(reversed(told["resources"]))}
    assert svg(picture(again), layout(picture(again))) == svg(drawn, arranged)


@pytest.mark.parametrize("stack", stack_names(ROOT))
def test_the_pictures_in_the_documents_are_those_of_the_stacks(
    rehearsed: Callable[[str], Rehearsed], stack: str
) -> None:
    drawn = picture(rehearsed(stack).report)
    kept = ROOT / "docs" / "pictures" / f"{stack}.svg"

    assert kept.read_text(encoding="utf-8") == svg(drawn, layout(drawn)), "run `make docs-pictures`"


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def test_the_way_of_a_request_is_in_the_picture_of_dev(rehearsed: Callable[[str], Rehearsed]) -> None:
    drawn = picture(rehearsed("dev").report)

    assert {
        ("Internet", "reaches", "LoadBalancer web"),
        ("LoadBalancer web", "reaches", "Service api"),
        ("Service api", "reaches", "AuroraPostgres database"),
    } <= arrows(drawn)
    text = mermaid(drawn)
    known = dict(re.findall(r'(n\d+)\["([\w-]+)<br/>\w+"\]', text))
    assert ("web", "api") in {
        (known.get(a), known.get(b)) for a, b in re.findall(r'^  (n\d+) -->\|"8000"\| (n\d+)$', text, re.MULTILINE)
    }
