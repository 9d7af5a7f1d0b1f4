"""The system on one page: what exists, and what talks to what."""

from __future__ import annotations

from architecture.application import build_application
from architecture.checks import check_parts
from architecture.network import build_network
from architecture.outputs import export_application, export_network, export_storage
from architecture.platform import build_platform
from architecture.storage import build_storage
from settings import Settings

settings = Settings.load()
check_parts(settings)

platform = build_platform(settings)
storage = build_storage(settings, platform)
network = build_network(settings, platform, storage)
application = build_application(settings, platform, network, storage)

export_storage(storage)
export_network(network)
export_application(application)
