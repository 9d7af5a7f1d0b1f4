"""The system on one page: what exists, and what talks to what."""

from __future__ import annotations

from architecture import outputs
from architecture.account_baseline import build_account_baseline
from architecture.analytics import build_analytics
from architecture.apis import build_apis
from architecture.application import build_application
from architecture.backups import build_backups
from architecture.commit_builds import build_commit_builds
from architecture.context import build_context
from architecture.cost import build_cost_guard
from architecture.data import build_data
from architecture.database_copies import build_database_copies
from architecture.delivery import build_delivery
from architecture.edge import build_edge
from architecture.functions import build_functions
from architecture.host import build_host
from architecture.lake import build_lake
from architecture.log_exports import build_log_exports
from architecture.messaging import build_messaging
from architecture.models import build_models
from architecture.network import build_network
from architecture.observability import build_tracing, build_watch
from architecture.office_hours import build_office_hours
from architecture.recovery import build_recovery
from architecture.search import build_search
from architecture.site import build_site
from architecture.storage import build_storage
from architecture.users import build_users
from settings import Settings

ctx = build_context(Settings.load())
storage = build_storage(ctx)
network = build_network(ctx)
data = build_data(ctx, network)
edge = build_edge(ctx, network, data)
users = build_users(ctx)
messaging = build_messaging(ctx)
models = build_models(ctx)
search = build_search(ctx, network, storage)
application = build_application(ctx, network, data, edge, messaging, models, search, storage, users)
functions = build_functions(ctx, network, data, messaging, models, search, users)
apis = build_apis(ctx, network, edge, users.pool, functions.functions)
host = build_host(ctx, network, storage, data)
site = build_site(ctx, edge, apis=apis, host=host.server if host else None, users=users.pool)
analytics, lake = build_analytics(ctx), build_lake(ctx, network, data)
exports = build_log_exports(ctx, network, data, edge, apis)
baseline, builds = build_account_baseline(ctx), build_commit_builds(ctx)
backups, recovery = build_backups(ctx), build_recovery(ctx)
delivery = build_delivery(ctx, application, functions.functions, host, site)
database_copies = build_database_copies(ctx, data, host.server if host else None)
build_cost_guard(ctx)
traces, hours = build_tracing(ctx), build_office_hours(ctx, application, data, host)
# In the way of a request, from the edge to the data; then what stands beside it.
layers = (site, edge, users, apis, application, host, functions, models, search, messaging, data, lake, analytics)
beside = (storage, network, delivery, builds, database_copies, recovery, traces, hours)
dashboard = build_watch(ctx, application, *layers, *beside, backups, baseline, exports)
outputs.export(ctx, *layers, *beside, dashboard)
