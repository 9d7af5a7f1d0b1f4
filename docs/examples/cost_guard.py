"""A budget of 50 dollars a month for what carries the tag Project, and news of what costs unusually much."""

from components.operations.cost_guard import CostGuard, CostGuardArgs

args = CostGuardArgs(monthly_limit_usd=50, emails=["ops@example.com"], monitor="create")
CostGuard("wiki-dev-costs", args, counted_tags={"Project": "wiki"})
