"""The system on one page: what exists, and what talks to what."""

from __future__ import annotations

from architecture.analytics import build_analytics
from architecture.application import build_application
from architecture.baseline import build_baseline
from architecture.checks import check_parts
from architecture.cost import build_cost_guard
from architecture.data import build_data
from architecture.delivery import build_delivery
from architecture.edge import build_edge
from architecture.messaging import build_messaging
from architecture.network import build_network
from architecture.observability import build_topics, build_watch
from architecture.outputs import (
    export_analytics,
    export_application,
    export_dashboard,
    export_data,
    export_delivery,
    export_edge,
    export_messaging,
    export_network,
    export_storage,
    export_topics,
)
from architecture.platform import build_platform
from architecture.storage import build_storage
from settings import Settings

settings = Settings.load()
check_parts(settings)

platform = build_platform(settings)
storage = build_storage(settings, platform)
topics = build_topics(settings, platform)
network = build_network(settings, platform, storage)
data = build_data(settings, platform, network, storage, topics)
edge = build_edge(settings, platform, network, storage, topics, data)
messaging = build_messaging(settings, platform, storage, topics)
application = build_application(settings, platform, network, storage, data, edge, topics, messaging)
analytics = build_analytics(settings, platform, storage)
build_baseline(settings, platform, storage)
delivery = build_delivery(settings, platform, application)
build_cost_guard(settings, platform, topics)
dashboard = build_watch(platform, topics, edge=edge, data=data, application=application, messaging=messaging)

export_storage(storage)
export_topics(topics)
export_network(network)
export_data(data)
export_edge(edge)
export_application(application)
export_messaging(messaging)
export_analytics(analytics)
export_delivery(delivery)
export_dashboard(dashboard)
