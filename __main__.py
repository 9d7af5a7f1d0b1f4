"""The system on one page: what exists, and what talks to what."""

from __future__ import annotations

from architecture import outputs
from architecture.analytics import build_analytics
from architecture.apis import build_apis
from architecture.application import build_application
from architecture.baseline import build_baseline
from architecture.builds import build_builds
from architecture.checks import check_parts
from architecture.copies import build_copies
from architecture.cost import build_cost_guard
from architecture.data import build_data
from architecture.delivery import build_delivery
from architecture.edge import build_edge
from architecture.functions import build_functions
from architecture.host import build_host
from architecture.lake import build_lake
from architecture.messaging import build_messaging
from architecture.network import build_network
from architecture.observability import build_topics, build_us_east_topics, build_watch
from architecture.platform import build_platform
from architecture.recovery import build_recovery
from architecture.site import build_site
from architecture.storage import build_storage
from architecture.users import build_users
from settings import Settings

settings = Settings.load()
check_parts(settings)

platform = build_platform(settings)
storage = build_storage(settings, platform)
topics = build_topics(settings, platform)
us_east_topics = build_us_east_topics(settings, platform)
network = build_network(settings, platform, storage)
data = build_data(settings, platform, network, storage, topics)
edge = build_edge(settings, platform, network, storage, topics, data)
users = build_users(settings, platform)
messaging = build_messaging(settings, platform, storage, topics)
application = build_application(settings, platform, network, storage, data, edge, topics, messaging)
functions = build_functions(settings, platform, network, storage, data, topics, messaging, users)
apis = build_apis(settings, platform, storage, edge, users, functions.functions, topics)
host = build_host(settings, platform, network, storage, data, topics)
site = build_site(settings, platform, storage, edge, us_east_topics, apis=apis.apis, host=host.server if host else None)
analytics = build_analytics(settings, platform, storage)
lake = build_lake(settings, platform, network, storage, data, topics)
build_baseline(settings, platform, storage, topics)
build_recovery(settings, platform, storage, topics)
builds = build_builds(settings, platform, storage, topics)
delivery = build_delivery(settings, platform, application, functions.functions, host, site)
copies = build_copies(settings, platform, storage, data, host.server if host else None, topics)
build_cost_guard(settings, platform, topics, us_east_topics)
dashboard = build_watch(platform, topics, edge, data, application, messaging, functions, apis)

outputs.export(
    *(storage, topics, network, data, edge, users, application, functions, apis, host, messaging),
    *(site, analytics, lake, copies, builds, delivery, dashboard),
)
