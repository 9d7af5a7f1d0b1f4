"""The host's script and units with real tools of the age of its systems, not with stand-ins that take any option."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator

import pytest

from tests.workloads.older_tools import PLUGIN_SHA256, VOLUME, Missing, OlderHost, older_host
from tests.workloads.test_host import rendered
from tests.workloads.test_host_tools import used


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OlderHost]:
    try:
        with older_host(tmp_path_factory.mktemp("older")) as host:
            yield host
    except Missing as reason:
        # Where the machine is made for it, a test that does not run is a fault.
        if os.environ.get("OLDER_TOOLS") == "required":
            raise
        pytest.skip(str(reason))


@pytest.fixture
def host(folder: OlderHost) -> OlderHost:
    folder.fresh(rendered("ubuntu", COMPOSE_SHA256=PLUGIN_SHA256, VOLUME_ID=VOLUME))
    return folder


def test_a_fresh_host_starts_and_starts_again_without_losing_what_is_on_its_volume(host: OlderHost) -> None:
    look = (
        "/opt/kumiki/kumiki.sh up && swapon --show=NAME --noheadings && cat /proc/sys/vm/swappiness"
        " && mountpoint /data && blkid --match-tag LABEL --output value /dev/loop* && cat /data/redis/kept"
    )
    first = host.run("bash", "-c", look.replace("cat /data/redis/kept", "echo once | tee /data/redis/kept"))
    assert first.returncode == 0, first.stderr
    assert "/swapfile" in first.stdout
    assert "\n10\n" in first.stdout
    assert "kumiki-data" in first.stdout
    assert host.started == ["1.0.0"]
    again = host.run("bash", "-c", look)
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith("once\n")
    assert stat.S_IMODE((host.tree / "swapfile").stat().st_mode) == 0o600


def test_a_deployment_answers_or_goes_back_and_the_next_start_has_the_last_that_answered(host: OlderHost) -> None:
    done = host.run(
        "bash", "-c",
        "sleep() { :; }; export -f sleep; cd /opt/kumiki; ./kumiki.sh deploy 2.0.0 && "
        "{ ./kumiki.sh deploy broken-3 && exit 9; ./kumiki.sh up; }",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "going back to 2.0.0" in done.stderr
    assert host.started == ["2.0.0", "broken-3", "2.0.0", "2.0.0"]


def test_a_dump_reads_its_login_with_the_python_of_the_system(host: OlderHost) -> None:
    done = host.kumiki("dump", "s3://copies/database/one.dump")
    assert done.returncode == 0, done.stderr
    assert (host.state / "copied").read_text() == "u p db.local\n"


def test_systemd_takes_the_units_as_they_are(host: OlderHost) -> None:
    config = rendered("ubuntu")
    units = [one["path"] for one in config["write_files"] if one["path"].startswith("/etc/systemd/")]
    assert len(units) == 3
    checked = host.run("systemd-analyze", "verify", *units)
    assert (checked.returncode, checked.stderr) == (0, "")
    for command in config["runcmd"]:
        done = host.run(*command)
        assert done.returncode == 0, done.stderr
    wanted = host.tree / "etc/systemd/system"
    assert (wanted / "timers.target.wants/kumiki-heal.timer").is_symlink()
    assert (wanted / "multi-user.target.wants/kumiki.service").is_symlink()
    # Docker that is stopped stops it (PartOf=); what is stopped, `heal` leaves alone.
    assert (wanted / "docker.service.wants/kumiki.service").is_symlink()


def test_these_tools_would_have_seen_an_option_that_came_later(host: OlderHost) -> None:
    script = host.tree / "opt/kumiki/kumiki.sh"
    script.write_text(script.read_text().replace("mkswap ", "mkswap --quiet "))
    done = host.kumiki("prepare")
    assert done.returncode != 0
    assert "unrecognized option '--quiet'" in done.stderr


def test_the_tools_know_every_option_that_the_script_gives_them(host: OlderHost) -> None:
    # Not there: what brings packages, and what is stood in for. mkfs.ext4 has no help; the start above runs it.
    there = {tool: used_ for tool, used_ in used().items() if not re.match(r"apt|aws|dnf|docker|mkfs", tool) and used_}
    assert len(there) > 8
    helps = "; ".join(f"echo '=== {tool}'; {tool} --help{' all' if tool == 'curl' else ''}" for tool in there)
    said = host.run("bash", "-c", f"exec 2>&1; {helps}").stdout
    for tool, options in there.items():
        shown = said.partition(f"=== {tool}\n")[2].partition("\n=== ")[0]
        assert [option for option in options if option not in shown] == [], f"{tool}: {shown}"
