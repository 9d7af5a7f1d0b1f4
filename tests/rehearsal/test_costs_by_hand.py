"""The month of three stacks, worked out by hand as in a spreadsheet: a row for each thing that AWS bills.

Prices are those of ap-northeast-1 (WAF of CloudFront: us-east-1), quantities as people count them. Nothing here
asks the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.rehearsal.conftest import Rehearsed

HOURS = 730
WEEK = 7 * 24
# dev's office hours are 9:00 to 19:00 on five days; the database runs from 8:30 to 19:15, tasks from 8:50 to 19:01.
DATABASE_HOURS = HOURS * 5 * 10.75 / WEEK
TASK_HOURS = HOURS * 5 * (10 + 11 / 60) / WEEK
Row = tuple[str, float, float]
"""What, how many in a month, USD for each."""

NETWORK: list[Row] = [
    ("interface endpoints, each in two zones: data, 1 GB", 1, 0.01),
    ("load balancer", HOURS, 0.0243),
    ("its addresses in two zones", 2 * HOURS, 0.005),
    ("its 100,000 requests: 25 each second are a unit", 100_000 / 25 / 3600, 0.008),
    ("2 GB between zones: 1 GB, both ways", 2, 0.01),
    ("two hosted zones", 2, 0.50),
    ("100,000 questions to them", 0.1, 0.40),
    ("1 GB from readers to the site", 1, 0.06),
    ("1,000 bodies that the site's firewall reads beyond 16 KB", 0.001, 0.90),
]
"""Of a stack with containers behind a load balancer, at the small profile."""
DATA: list[Row] = [
    ("images, 1 GB", 1, 0.10),
    ("buckets, 10 GB", 10, 0.025),
    ("10,000 writes to them", 10, 0.0047),
    ("100,000 reads from them", 100, 0.00037),
    ("5,000 reads of secrets", 0.5, 0.05),
    ("50,000 requests to keys, 20,000 of them free", 3, 0.03),
    ("5,000 steps of workflows, 4,000 of them free", 1, 0.025),
    ("1,000 objects moved to Glacier", 1, 0.03426),
]

BY_HAND: dict[str, list[Row]] = {
    "dev": [
        ("Aurora db.t4g.medium, a writer and a reader", 2 * DATABASE_HOURS, 0.113),
        ("Aurora: 10 GB", 10, 0.12),
        ("Aurora: 10 million requests", 10, 0.24),
        ("Aurora: 5 GB of copies", 5, 0.023),
        ("cache.t4g.micro, Valkey", HOURS, 0.02),
        ("four secrets: of the database, the cache, the sessions and the webhook", 4, 0.40),
        ("six endpoints in two zones", 6 * 2 * HOURS, 0.014),
        ("two tasks of the api: 0.25 vCPU", 2 * 0.25 * TASK_HOURS, 0.05056),
        ("two tasks of the api: 0.5 GB", 2 * 0.5 * TASK_HOURS, 0.00553),
        ("a task of the worker on Spot: 0.25 vCPU", 0.25 * TASK_HOURS, 0.01609815),
        ("a task of the worker on Spot: 0.5 GB", 0.5 * TASK_HOURS, 0.00176073),
        ("seven keys", 7, 1),
        ("two firewalls, of the load balancer and the site, with six rules each", 2 * 11, 1),
        ("100,000 requests to each", 2 * 0.1, 0.60),
        ("100,000 requests to the HTTP API", 0.1, 1.29),
        ("100,000 minutes of connections", 0.1, 0.315),
        ("1 GB of logs to the archive", 1, 0.036),
        ("133 metrics of alarms, 10 free", 123, 0.10),
        # Container Insights: 10 of the cluster, 13 and 8 of each of two services, while tasks run.
        ("52 metrics of the cluster, two of filters, 10 free", 52 * TASK_HOURS / HOURS + 2 - 10, 0.30),
        ("a dashboard of more than 50 metrics", 1, 3),
        ("AWS Config: 500 changes, daily", 500, 0.012),
        ("AWS Config: 500 judgements", 500, 0.001),
        ("GuardDuty: 50,000 management events", 0.05, 4.72),
        ("GuardDuty: 1 GB of logs", 1, 1.18),
        ("GuardDuty: 110,000 events of S3", 0.11, 1.04),
        ("GuardDuty: two databases of two processors", 4, 1.33),
        ("tables: 100,000 writes", 0.1, 0.715),
        ("tables: 500,000 reads", 0.5, 0.1425),
        ("tables: way back to any second, 1 GB; the GB itself is free", 1, 0.228),
        ("Athena reads 10 GB", 10 / 1024, 5),
        *NETWORK,
        *DATA,
    ],
    "standard": [
        ("RDS db.t3.small", HOURS, 0.056),
        ("RDS: 20 GB", 20, 0.138),
        ("RDS: 5 GB of copies", 5, 0.095),
        ("two secrets: of the database, and of the origin", 2, 0.40),
        ("cache.t3.micro, Valkey", HOURS, 0.0208),
        ("four endpoints in two zones", 4 * 2 * HOURS, 0.014),
        ("two tasks of 0.5 vCPU", 2 * 0.5 * HOURS, 0.05056),
        ("two tasks of 1 GB", 2 * HOURS, 0.00553),
        ("five keys", 5, 1),
        ("firewall of the site and six rules", 11, 1),
        ("100,000 requests to it", 0.1, 0.60),
        ("24 metrics of alarms, 10 free", 14, 0.10),
        ("31 metrics of the cluster, one of a filter, 10 free", 22, 0.30),
        ("a copy of the database in S3 each week: 20 GB", 20 * HOURS / WEEK, 0.01),
        *NETWORK,
        *DATA,
    ],
    "study-prod": [
        ("one copy of 1 GB kept started, each second", HOURS * 3600, 0.0000043068),
        ("firewall and six rules", 11, 1),
        ("five keys", 5, 1),
        ("a secret", 1, 0.40),
        ("48 copies of the table: 35 daily, 13 weekly", 48, 0.114),
        ("way back to any second, 1 GB", 1, 0.228),
        ("37 metrics of alarms, 10 free", 27, 0.10),
        ("buckets, 20 GB", 20, 0.025),
        ("hosted zone", 1, 0.50),
        ("100,000 requests to the HTTP API", 0.1, 1.29),
    ],
}
"""What has no row is free: calls of functions, logs, events, metrics, CloudFront's first TB, SQS, SNS, schedules."""


@pytest.mark.covers("C8", "E9")
@pytest.mark.parametrize("name", BY_HAND)
def test_the_month_is_what_comes_out_by_hand(name: str, rehearsed: Callable[[str], Rehearsed]) -> None:
    wanted = sum((Decimal(str(many)) * Decimal(str(each)) for _, many, each in BY_HAND[name]), Decimal(0))
    month = rehearsed(name).report["months"][0]
    assert month["region"] == "ap-northeast-1"
    assert f"{month['usd']:.2f}" == f"{wanted:.2f}"
