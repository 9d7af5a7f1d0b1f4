"""A folder that is a host: the files of its cloud-config, and real tools no newer than those of its systems.

The tools are those of Debian 11, each at most as new as in Amazon Linux 2023 and Ubuntu 22.04 (`test_host_tools.py` has
the versions). Only what no folder can have is stood in for: Docker's engine, AWS, a systemd that is at work, and the
instance's own volume, which is a file behind a loop device. Every call has mounts and a network of its own, so that
nothing of it stays.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import PATIENCE

SUITE = "bullseye"
PACKAGES = ("curl", "e2fsprogs", "procps", "python3", "systemd")
ROOT = Path(__file__).resolve().parents[2]
DOWNLOADS = ROOT / "build" / "older-tools" / hashlib.sha256(f"{SUITE} {PACKAGES}".encode()).hexdigest()[:8]
"""Packages as they came, so that they are fetched once; what is made of them is removed after each run."""

VOLUME = "vol-0123456789abcdef0"
PLUGIN = b"#!/bin/sh\n"
PLUGIN_SHA256 = hashlib.sha256(PLUGIN).hexdigest()

_PROGRAMS = ("debootstrap", "dpkg-deb", "ip", "losetup", "unshare")


class Missing(Exception):
    """Why this machine cannot have such a folder."""


# What Docker and AWS would do, as far as the script sees it. `docker compose up` is noted; /state/ps says what runs.
_DOCKER = """\
#!/usr/bin/env bash
echo "docker $*" >> /state/calls
case "$*" in
    "image inspect"*) exit 1 ;;
    "inspect "*) if [[ -e /state/health ]]; then cat /state/health; else exit 1; fi ;;
    "login "*) cat > /dev/null ;;
    "run "*pg_dump*) echo "$PGUSER $PGPASSWORD $PGHOST" ;;
    "compose "*" up "*) echo "${IMAGE##*:}" >> /state/started ;;
esac
"""
_AWS = """\
#!/usr/bin/env bash
echo "aws $*" >> /state/calls
case "$*" in
    "ssm get-parameter"*) echo origin-secret-value ;;
    "secretsmanager get-secret-value"*) echo '{"username": "u", "password": "p"}' ;;
    "ecr get-login-password"*) echo token ;;
    "s3 cp"*) cat > /state/copied ;;
esac
"""

# systemd is not at work here: what is to be enabled is, for real, and nothing is started.
_SYSTEMCTL = """\
#!/usr/bin/env bash
echo "systemctl $*" >> /state/calls
for one; do shift; [[ $one == --now || $one == --no-block ]] || set -- "$@" "$one"; done
SYSTEMD_OFFLINE=1 exec /bin/systemctl "$@"
"""

# Answers as the proxy does, unless the image that was started last is the broken one.
_PROXY = """\
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        right = self.headers.get("X-Origin-Secret") == "origin-secret-value" and self.path == "/ready"
        try:
            started = open("{tree}/state/started").read().split()[-1]
        except OSError:
            started = ""
        self.send_response((503 if started.startswith("broken") else 200) if right else 403)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", 80), Handler).serve_forever()
"""

# Thousands of files that no program reads here are left out.
_UNPACK = """\
set -o pipefail
dpkg-deb --fsys-tarfile "$1" | tar --extract --directory "$2" --exclude='./usr/share/*' --exclude='*/gconv/*' \
    --exclude='*/hwdb.d/*' --exclude='*/perl*'
"""

# The swap and the loop device are the machine's: both go again, whatever came of the call.
_ENTER = """\
set -euo pipefail
tree=$1; shift
mount --make-rprivate /
mount -t tmpfs tmpfs "$tree/dev"
for one in null zero urandom; do touch "$tree/dev/$one"; mount --bind "/dev/$one" "$tree/dev/$one"; done
mount -t proc proc "$tree/proc"
ln -s /proc/self/fd "$tree/dev/fd"
mount --rbind /sys "$tree/sys"
echo 60 > "$tree/state/swappiness"
mount --bind "$tree/state/swappiness" "$tree/proc/sys/vm/swappiness"
ip link set lo up
loop=$(losetup --find --show "$tree/state/volume")
leave() {
    swapoff "$tree/swapfile" 2>/dev/null || true
    kill "$proxy" 2>/dev/null || true
    umount "$tree/data" 2>/dev/null || true
    losetup --detach "$loop"
}
proxy=
trap leave EXIT
mkdir -p "$tree/dev/disk/by-id"
touch "$tree$loop"
mount --bind "$loop" "$tree$loop"
ln -s "$loop" "$tree/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${VOLUME/-/}"
"$PYTHON" "$tree/state/proxy.py" & proxy=$!
for _ in $(seq 100); do if (: < /dev/tcp/127.0.0.1/80) 2>/dev/null; then break; fi; sleep 0.05; done
chroot "$tree" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
"""


class OlderHost:
    """The folder, and calls in it."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.state = tree / "state"

    def fresh(self, config: Mapping[str, Any]) -> None:
        """As an instance is after cloud-init has written the files of this configuration."""
        for name in ("data", "state", "run/kumiki", "etc/kumiki", "opt/kumiki"):
            shutil.rmtree(self.tree / name, ignore_errors=True)
        (self.tree / "swapfile").unlink(missing_ok=True)
        for one in config["write_files"]:
            path = self.tree / one["path"].lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(one["content"])
            path.chmod(int(one["permissions"], 8))
        script = self.tree / "opt/kumiki/kumiki.sh"
        text = script.read_text()
        assert text.count("count=1024") == 1, "the swap's size"
        # Neither the options nor the order depend on how much of this machine's disk is written.
        script.write_text(text.replace("count=1024", "count=16"))
        self.state.mkdir()
        with (self.state / "volume").open("wb") as volume:
            volume.truncate(64 << 20)
        (self.state / "proxy.py").write_text(_PROXY.format(tree=self.tree))

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["unshare", "--mount", "--net", "--fork", "bash", "-c", _ENTER, "enter", str(self.tree), *command],
            env={**os.environ, "VOLUME": VOLUME, "PYTHON": shutil.which("python3") or "python3"},
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip

    def kumiki(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("/opt/kumiki/kumiki.sh", *arguments)

    @property
    def calls(self) -> list[str]:
        path = self.state / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def started(self) -> list[str]:
        path = self.state / "started"
        return path.read_text().split() if path.exists() else []


def _fetch() -> None:
    """The packages, once for all processes."""
    DOWNLOADS.parent.mkdir(parents=True, exist_ok=True)
    with (DOWNLOADS.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if DOWNLOADS.is_dir():
            return
        target = DOWNLOADS.with_suffix(".new")
        shutil.rmtree(target, ignore_errors=True)
        done = subprocess.run(
            ["debootstrap", "--download-only", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, target],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        try:
            if done.returncode != 0:
                last = (done.stdout + done.stderr).strip().splitlines() or ["nothing said"]
                raise Missing(f"the packages of {SUITE} cannot be fetched: {last[-1]}")
            (target / "var/cache/apt/archives").rename(DOWNLOADS)
        finally:
            shutil.rmtree(target, ignore_errors=True)


@contextmanager
def older_host(folder: Path) -> Iterator[OlderHost]:
    """A folder with the tools; it goes at the end. Raises `Missing` with the reason where it cannot be."""
    absent = [name for name in _PROGRAMS if shutil.which(name) is None]
    if absent:
        raise Missing(f"there is no {', '.join(absent)} on this machine")
    if os.geteuid() != 0:
        raise Missing("only root may mount, and use swap: run this file as root")
    _fetch()
    tree = folder / "host"
    tree.mkdir()
    try:
        packages = sorted(str(path) for path in DOWNLOADS.glob("*.deb"))
        subprocess.run(
            ["xargs", "--null", "--max-procs=2", "-I@", "bash", "-c", _UNPACK, "unpack", "@", str(tree)],
            input="\0".join(packages), text=True, check=True,
        )  # fmt: skip
        for name, text in (("docker", _DOCKER), ("aws", _AWS), ("systemctl", _SYSTEMCTL)):
            path = tree / "usr/local/bin" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        plugin = tree / "usr/local/lib/docker/cli-plugins/docker-compose"
        plugin.parent.mkdir(parents=True)
        plugin.write_bytes(PLUGIN)
        unit = tree / "lib/systemd/system/docker.service"
        unit.write_text("[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n")
        host = OlderHost(tree)
        host.fresh({"write_files": [{"path": "/opt/kumiki/kumiki.sh", "permissions": "0755", "content": "count=1024"}]})
        probe = host.run("true")
        if probe.returncode != 0:
            raise Missing(f"this machine lets nobody mount or use loop devices: {probe.stderr.strip()}")
        yield host
    finally:
        shutil.rmtree(tree, ignore_errors=True)
