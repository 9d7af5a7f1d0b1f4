"""The system on one page: what exists, and what talks to what."""

from __future__ import annotations

from architecture.analytics import build_analytics
from architecture.baseline import build_baseline
from architecture.checks import check_parts
from architecture.network import build_network
from architecture.observability import build_topics, build_watch
from architecture.outputs import export_analytics, export_dashboard, export_network, export_storage, export_topics
from architecture.platform import build_platform
from architecture.storage import build_storage
from settings import Settings

settings = Settings.load()
check_parts(settings)

platform = build_platform(settings)
storage = build_storage(settings, platform)
topics = build_topics(settings, platform)
network = build_network(settings, platform, storage)
analytics = build_analytics(settings, platform, storage)
build_baseline(settings, platform, storage)
dashboard = build_watch(platform, topics)

export_storage(storage)
export_topics(topics)
export_network(network)
export_analytics(analytics)
export_dashboard(dashboard)
