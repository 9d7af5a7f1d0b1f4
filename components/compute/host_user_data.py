"""What an instance is told at its first start: a cloud-config that writes the files of `workloads/host` and runs them.

The files are the same on every host. What differs stands in one file of variables, and no secret is among it: user data
can be read by whoever may look at the instance, and by every program on it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..errors import ArgumentError

LARGEST = 16 * 1024
"""Bytes that AWS takes, before base64."""

COMPOSE_VERSION: Final = "5.1.3"
COMPOSE_SHA256: Final = "a0298760c9772d2c06888fc8703a487c94c3c3b0134adeef830742a2fc7647b4"
"""Of docker-compose-linux-x86_64, as Docker's own image pins it (github.com/docker-library/docker)."""

VARIABLES = "/etc/kumiki/host.env"
SCRIPT = "/opt/kumiki/kumiki.sh"

# File → where it goes, and who may do what with it.
_PLACES = {
    "kumiki.sh": (SCRIPT, "0755"),
    "compose.yaml": ("/opt/kumiki/compose.yaml", "0644"),
    # Read by the proxy, which is not root.
    "nginx.conf.template": ("/opt/kumiki/nginx.conf.template", "0644"),
    "kumiki.service": ("/etc/systemd/system/kumiki.service", "0644"),
    "kumiki-heal.service": ("/etc/systemd/system/kumiki-heal.service", "0644"),
    "kumiki-heal.timer": ("/etc/systemd/system/kumiki-heal.timer", "0644"),
}


def check_files(folder: Path) -> None:
    """Refuse a folder that is not the one of a host."""
    missing = [name for name in _PLACES if not (folder / name).is_file()]
    if missing:
        raise ArgumentError("files", str(folder), f"lacks {', '.join(missing)}; use the folder workloads/host")


# A comment that has its line to itself; not the first line of a script, and not what is said to its checker.
_COMMENT = re.compile(r"(?m)^[ \t]*#(?!!| shellcheck ).*\n")


def _without_comments(text: str) -> str:
    """What runs, without the reasons, which would take a quarter of the bytes that AWS gives."""
    return _COMMENT.sub("", text)


def user_data(folder: Path, variables: Mapping[str, str]) -> str:
    """The cloud-config of a host with these variables. JSON: every JSON text is YAML, and quoted without traps."""
    files = [
        {"path": path, "permissions": mode, "content": _without_comments((folder / name).read_text(encoding="utf-8"))}
        for name, (path, mode) in _PLACES.items()
    ]
    told = {"COMPOSE_SHA256": COMPOSE_SHA256, "COMPOSE_VERSION": COMPOSE_VERSION, **variables}
    lines = "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(told.items()))
    config = {
        "package_update": True,
        "package_upgrade": True,
        "write_files": [{"path": VARIABLES, "permissions": "0600", "content": lines}, *files],
        "runcmd": [
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "kumiki-heal.timer"],
            # A service, so that it is tried again, and at every later start; this one does not wait for it.
            ["systemctl", "enable", "--now", "--no-block", "kumiki.service"],
        ],
    }
    text = "#cloud-config\n" + json.dumps(config, sort_keys=True)
    size = len(text.encode())
    if size > LARGEST:
        raise ArgumentError("files", str(folder), f"makes user data of {size} bytes; AWS takes {LARGEST}")
    return text
