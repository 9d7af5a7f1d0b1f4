"""The report as a page: what it says, and that nothing in it can run or fetch anything else."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from pictures.page import page
from pictures.rights import principals
from tests.pictures.conftest import report, row, urn

TABLE, ROLE, POLICY = "aws:dynamodb/table:Table", "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"


def finding(**said: Any) -> dict[str, Any]:
    return {
        "kind": "policy",
        "level": "error",
        "rule": "table-backup",
        "urn": urn(TABLE, "orders"),
        "message": "has no backup",
        "remedy": "switch it on",
        "source": {"file": "data.py", "line": 7, "within": [{"file": "table.py", "line": 9}]},
        **said,
    }


def test_a_finding_stands_with_its_rule_line_and_remedy_and_marks_the_part() -> None:
    text = page(report(row(TABLE, "orders"), problems=[finding()], ok=False))

    assert "table-backup" in text
    assert "has no backup" in text
    assert "switch it on" in text
    assert "data.py:7" in text
    assert "table.py:9" in text
    assert 'href="#part-0" data-level="error"' in text
    assert re.search(r'<details class="part" id="part-0" data-level="error"', text)


def test_what_is_in_a_report_cannot_become_markup() -> None:
    bad = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'
    table = row(TABLE, "orders", {"note": bad})
    text = page(report(table, problems=[finding(message=bad)], outputs={"bad": bad}))

    assert "<script>alert" not in text
    assert "<img" not in text
    data = re.search(r'<script type="application/json" id="inputs">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    assert json.loads(data[1])[table["urn"]] == {"note": bad}


def test_only_its_own_style_and_script_count_and_nothing_is_fetched() -> None:
    text = page(report(row(TABLE, "orders")))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)

    assert policy is not None
    assert "default-src 'none'" in (allowed := policy[1].replace("&#39;", "'"))
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in allowed
    assert not re.findall(r'\s(?:style|on\w+)="', text)
    assert not re.findall(r'(?:src|href)="(?!#)', text)
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text


def test_what_a_change_does_is_marked_by_its_gravest() -> None:
    kept, new = row(TABLE, "orders"), row(TABLE, "users")
    text = page(report(kept, new), {kept["urn"]: "replace", new["urn"]: "create"})

    assert sorted(re.findall(r'data-cost="0" data-change="(\w*)"', text)) == ["create", "replace"]
    assert 'data-colour="changes"' in text
    assert 'data-colour="tiers"' in page(report(kept))


def test_colours_are_told_in_words_too_and_the_gravest_stands_first() -> None:
    kept, new = row(TABLE, "orders"), row(TABLE, "users")
    problems = [finding(level="warning", message="is slow"), finding(), finding(urn=new["urn"], message="is open")]
    text = page(report(kept, new, problems=problems, ok=False), {kept["urn"]: "replace", new["urn"]: "create"})

    assert re.findall(r'<g class="badge (\w+)"><rect[^>]*/><text[^>]*>([^<]+)', text) == [
        ("findings", "1 error"),
        ("changes", "replaced"),
        ("findings", "1 error"),
        ("changes", "new"),
    ]
    first = re.search(r'<ul class="gravest".*?</ul>', text, re.DOTALL)
    assert first is not None
    assert re.findall(r'<li class="(\w+)">', first[0]) == ["error", "error", "warning"]
    assert '<a href="#part-0">orders</a>: has no backup' in first[0]
    assert re.findall(r'<li class="\w+"><b>(\d+)</b>(replaced|new)', text) == [("1", "replaced"), ("1", "new")]


def test_what_is_wrong_is_shown_first_where_nothing_else_is_asked_for() -> None:
    assert 'data-colour="findings"' in page(report(row(TABLE, "orders"), problems=[finding()], ok=False))


def test_costs_are_told_by_part() -> None:
    month = {
        "region": "eu-west-1",
        "usd": 12.5,
        "fixed_usd": 12.5,
        "by_use_usd": 0.0,
        "use": "nobody",
        "unpriced": {},
        "lines": [{"resource": "orders", "type": TABLE, "usd": 12.5}],
    }
    text = page(report(row(TABLE, "orders"), row(TABLE, "users"), months=[month]))

    assert text.count("12.50 USD") == 2, "in its part, and as the sum"
    assert sorted(re.findall(r'data-cost="(\d)" data-change', text)) == ["0", "4"]


def test_roles_are_told_in_words() -> None:
    trust = {
        "Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    }
    policy = {
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:PutObject", "s3:GetObject", "kms:Decrypt"],
                "Resource": "arn:aws:s3:::shop-files/*",
                "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
            },
            {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"},
        ]
    }
    role = row(ROLE, "api", {"assumeRolePolicy": json.dumps(trust)}, id="shop-api", outputs={"name": "shop-api"})
    rows = [role, row(POLICY, "files", {"role": "shop-api", "policy": json.dumps(policy)})]
    attached = row(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "own",
        {"role": "shop-api", "policyArn": "arn:aws:iam::aws:policy/X"},
    )

    (who,) = principals(report(*rows, attached))

    assert (who.name, who.taken_by, who.besides) == ("api", ("lambda.amazonaws.com",), ("arn:aws:iam::aws:policy/X",))
    allowed, denied = who.rights
    assert (allowed.allows, allowed.actions, allowed.on, allowed.where) == (
        True,
        ("kms: Decrypt", "s3: GetObject, PutObject"),
        ("s3 shop-files/*",),
        ("aws:RequestedRegion StringEquals eu-west-1",),
    )
    assert (denied.allows, denied.actions, denied.on) == (False, ("all but iam: *",), ("everything",))
    assert "may never" in page(report(*rows))


def test_a_policy_that_nobody_can_read_yet_is_said_to_be_one() -> None:
    role = row(ROLE, "api", {"assumeRolePolicy": "[unknown]"})
    (who,) = principals(report(role, row(POLICY, "late", {"role": "api", "policy": "[unknown]"})))

    assert who.rights == ()
    assert who.besides == ("a policy that is not known before AWS has made it",)
