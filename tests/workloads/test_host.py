"""What the host is told at its start, and what its script does there, with commands that answer as a test says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator

from components.compute.host_user_data import COMPOSE_SHA256, LARGEST, user_data
from components.errors import ArgumentError

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "workloads" / "host"
SCHEMA = Path(__file__).resolve().parent / "cloud_init" / "schema-cloud-config-v1.json"

SYSTEMS = ("amazonLinux", "ubuntu")
VARIABLES = {
    "AWS_REGION": "ap-northeast-1", "COMPOSE_SHA256": COMPOSE_SHA256, "COMPOSE_VERSION": "5.1.3",
    "DATABASE_HOST": "db.local", "DATABASE_NAME": "app", "DATABASE_PORT": "5432",
    "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:rds!db-1", "ENVIRONMENT": "dev",
    "FIRST_TAG": "1.0.0", "IMAGE_REPOSITORY": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/wiki-dev-host-api",
    "LOG_GROUP": "/ec2/wiki-dev-host", "ORIGIN_SECRET_PARAMETER": "/wiki/dev/wiki-dev-host/origin-secret",
    "VOLUME_ID": "vol-0123456789abcdef0",
}  # fmt: skip


def rendered(system: str, **changes: str) -> dict[str, Any]:
    text = user_data(FILES, {**VARIABLES, "SYSTEM": system, **changes})
    assert text.startswith("#cloud-config\n")
    assert len(text.encode()) <= LARGEST
    return yaml.safe_load(text)


def file(config: dict[str, Any], path: str) -> str:
    return next(one["content"] for one in config["write_files"] if one["path"] == path)


@pytest.mark.parametrize("system", SYSTEMS)
def test_user_data_keeps_the_schema_of_cloud_init(system: str) -> None:
    schema = json.loads(SCHEMA.read_text())
    # Drafts of cloud-init's own keep unknown keys out at the top only.
    config = rendered(system)
    assert [error.message for error in Draft4Validator(schema).iter_errors(config)] == []
    assert list(Draft4Validator(schema).iter_errors({**config, "runcmd": {"not": "a list"}}))
    assert list(Draft4Validator(schema).iter_errors({**config, "write_files": [{"content": "without a path"}]}))


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_script_passes_shellcheck_as_the_host_gets_it(system: str, tmp_path: Path) -> None:
    scripts = [one for one in rendered(system)["write_files"] if one["content"].startswith("#!")]
    assert scripts
    for number, one in enumerate([*scripts, {"content": file(rendered(system), "/etc/kumiki/host.env")}]):
        script = tmp_path / f"{number}.sh"
        script.write_text(one["content"])
        done = subprocess.run(
            # The variables' file is assignments that another file reads.
            ["shellcheck", "--shell=bash", "--severity=style", "--exclude=SC2034", str(script)],
            env={**os.environ, "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_a_value_cannot_become_a_command(tmp_path: Path) -> None:
    config = rendered("ubuntu", FIRST_TAG="$(touch here); 'x")
    (tmp_path / "host.env").write_text(file(config, "/etc/kumiki/host.env"))
    done = subprocess.run(
        ["bash", "-c", "source ./host.env; printf %s \"$FIRST_TAG\""],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "$(touch here); 'x"
    assert not (tmp_path / "here").exists()


def test_user_data_that_aws_would_cut_off_is_refused() -> None:
    with pytest.raises(ArgumentError, match="AWS takes 16384"):
        user_data(FILES, {**VARIABLES, "SYSTEM": "x" * LARGEST})


def test_everything_that_others_publish_is_pinned_and_nothing_runs_with_more_than_it_needs() -> None:
    compose = yaml.safe_load((FILES / "compose.yaml").read_text())
    for name, service in compose["services"].items():
        if name != "api":
            assert re.fullmatch(r"docker\.io/library/\w+:[\w.-]+@sha256:[0-9a-f]{64}", service["image"])
            assert service["user"] not in ("root", "0", "0:0")
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["logging"]["driver"] == "awslogs"
        # Not `always`: Docker would start it before the data volume is there.
        assert service["restart"] == "on-failure"
    limits = [int(service["mem_limit"].removesuffix("m")) for service in compose["services"].values()]
    assert sum(limits) <= 640, "of 1 GiB; the system and Docker need the rest"
    assert {port for service in compose["services"].values() for port in service.get("ports", [])} == {"80:8080"}


def test_the_compose_file_keeps_the_specification_of_compose(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / ".venv/bin/check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILES / "compose.yaml"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_proxy_answers_nobody_without_the_secret_and_passes_the_secret_on_to_nobody() -> None:
    proxy = (FILES / "nginx.conf.template").read_text()
    guard, passing = proxy.index('if ($http_x_origin_secret != "${ORIGIN_SECRET}")'), proxy.index("proxy_pass")
    assert proxy[guard:passing].count("return 403;") == 1
    assert proxy.count("location ") == 1
    assert 'proxy_set_header X-Origin-Secret "";' in proxy


# --- The script ------------------------------------------------------------------------------------------------------

FAKE = """\
#!/bin/bash
name=${0##*/}
echo "$name $* IMAGE=${IMAGE-} ORIGIN=${ORIGIN_SECRET-} DATABASE=${DATABASE_SECRET-}" >> "$CALLS"
case "$name $*" in
    "aws ssm get-parameter"*) echo "origin-secret-value" ;;
    "aws secretsmanager get-secret-value"*) echo '{"username": "u", "password": "p"}' ;;
    "aws ecr get-login-password"*) echo token ;;
    "docker image inspect"*) exit 1 ;;
    "docker inspect"*)
        state=STATE_${!#}
        state=${!state-running healthy}
        if [[ $state == none ]]; then exit 1; fi
        echo "$state"
        ;;
    "systemctl is-active"*) exit "${INACTIVE:-0}" ;;
    "flock "*" 7") exit "${TABLES_TAKEN:-0}" ;;
    "mv "*"/data/tag") exec /bin/mv "$@" ;;
    "docker login"*) cat > /dev/null ;;
    *"python -m api.migrate"*) exit "${MIGRATION:-0}" ;;
    "curl "*127.0.0.1*)
        cat > "$CALLS.header"
        if [[ $(tail -n 1 "$CALLS.up") == *":${BROKEN-none}" ]]; then exit 22; fi
        ;;
    "curl "*) while [[ $# -gt 0 ]]; do if [[ $1 == --output ]]; then echo x > "$2"; fi; shift; done ;;
    "sha256sum --check --status"*) exit "${PLUGIN_IS_THERE:-0}" ;;
    "sha256sum --check --quiet"*) exit "${CHECKSUM:-0}" ;;
    "mountpoint "*) exit "${MOUNTED:-0}" ;;
    "blkid "*) exit "${CONTENT:-0}" ;;
    "swapon --show"*) echo "${SWAPS-}" ;;
esac
case "$name $*" in "docker compose "*" up "*) echo "$IMAGE" >> "$CALLS.up" ;; esac
exit 0
"""
COMMANDS = (
    "aws", "apt-get", "blkid", "curl", "dd", "dnf", "docker", "mkfs.ext4", "mkswap", "mount", "mountpoint", "mv",
    "sha256sum", "sleep", "swapon", "sync", "sysctl", "systemctl", "flock", "chmod",
)  # fmt: skip


class Host:
    """One call of the script on a host in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for place in ("etc/kumiki", "run/kumiki", "data", "opt/kumiki", "bin", "dev", "usr/local/lib"):
            (folder / place).mkdir(parents=True, exist_ok=True)
        text = (FILES / "kumiki.sh").read_text()
        # The paths of the host, in the folder of this test.
        text = re.sub(r"(?<![\w./}])/(dev/disk|etc|run|data|opt|usr/local|swapfile)\b", rf"{folder}/\1", text)
        text = text.replace("-o 999 -g 1000", "")
        (folder / "kumiki.sh").write_text(text)
        for command in COMMANDS:
            (folder / "bin" / command).write_text(FAKE)
            (folder / "bin" / command).chmod(0o755)
        # Nothing else of this machine: it may have a docker of its own.
        for command in ("bash", "cat", "dirname", "env", "grep", "install", "rm", "seq", "tail"):
            found = shutil.which(command)
            assert found, command
            (folder / "bin" / command).symlink_to(found)
        (folder / "swapfile").touch()
        (folder / "calls").touch()

    def run(self, *arguments: str, system: str = "amazonLinux", **answers: str) -> subprocess.CompletedProcess[str]:
        variables = {
            **VARIABLES,
            "SYSTEM": system,
            **{key: answers.pop(key) for key in list(answers) if key in VARIABLES},
        }
        lines = "".join(f"{key}='{value}'\n" for key, value in variables.items())
        (self.folder / "etc/kumiki/host.env").write_text(lines)
        (self.folder / "calls").write_text("")
        return subprocess.run(
            [str(self.folder / "bin/bash"), str(self.folder / "kumiki.sh"), *arguments],
            env={"PATH": f"{self.folder}/bin", "CALLS": str(self.folder / "calls"), **answers},
            capture_output=True, text=True, check=False, cwd=self.folder,
        )  # fmt: skip

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def called(self, beginning: str) -> list[str]:
        return [call for call in self.calls if call.startswith(beginning)]

    @property
    def tag(self) -> str | None:
        path = self.folder / "data/tag"
        return path.read_text().strip() if path.exists() else None

    @property
    def started(self) -> list[str]:
        path = self.folder / "calls.up"
        return [line.rpartition(":")[2] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_start_migrates_then_runs_the_first_image_with_the_secrets_of_now(host: Host) -> None:
    done = host.run("up")
    assert done.returncode == 0, done.stderr
    migration, start = host.called("docker compose")[:2]
    assert "run --rm" in migration
    assert "python -m api.migrate" in migration
    assert " up --detach" in start
    assert 'ORIGIN=origin-secret-value DATABASE={"username": "u", "password": "p"}' in start
    assert host.started == ["1.0.0"]


def test_no_secret_is_written_to_the_disk_or_shown_to_others(host: Host) -> None:
    host.run("up")
    kept = [path for path in host.folder.rglob("*") if path.is_file() and path.parent.name not in ("bin",)]
    for path in kept:
        if path.name not in ("calls", "calls.header", "kumiki.sh"):
            assert "origin-secret-value" not in path.read_text(), path
    # Arguments are seen by every program of the host; the header goes by a pipe.
    for call in host.calls:
        assert "origin-secret-value" not in call.partition(" IMAGE=")[0]
    assert (host.folder / "calls.header").read_text() == 'header = "X-Origin-Secret: origin-secret-value"\n'


def test_a_password_in_a_parameter_is_read_by_its_name(host: Host) -> None:
    host.run("up", DATABASE_SECRET_ARN="arn:aws:ssm:ap-northeast-1:123456789012:parameter/wiki/dev/database/master")
    assert host.called("aws secretsmanager") == []
    assert any("--name /wiki/dev/database/master --with-decryption" in call for call in host.called("aws ssm"))


def test_without_a_database_there_is_nothing_to_migrate(host: Host) -> None:
    assert host.run("up", DATABASE_SECRET_ARN="", DATABASE_HOST="").returncode == 0
    assert not [call for call in host.calls if "api.migrate" in call]


def test_a_deployment_that_answers_is_kept_for_the_next_start(host: Host) -> None:
    done = host.run("deploy", "2.0.0")
    assert done.returncode == 0, done.stderr
    assert (host.tag, host.started) == ("2.0.0", ["2.0.0"])
    assert host.run("up").returncode == 0
    assert host.started[-1] == "2.0.0"


def test_a_deployment_that_does_not_answer_goes_back_to_what_ran(host: Host) -> None:
    host.run("deploy", "2.0.0")
    done = host.run("deploy", "3.0.0", BROKEN="3.0.0")
    assert done.returncode == 1
    assert "going back to 2.0.0" in done.stderr
    assert "2.0.0 runs again" in done.stderr
    assert (host.tag, host.started) == ("2.0.0", ["2.0.0", "3.0.0", "2.0.0"])


def test_a_migration_that_fails_leaves_what_runs_alone(host: Host) -> None:
    done = host.run("deploy", "2.0.0", MIGRATION="1")
    assert done.returncode != 0
    assert (host.tag, host.started) == (None, [])


@pytest.mark.parametrize("tag", ["a b", "a;reboot", "$(reboot)", "", "-x", "../x"])
def test_what_is_no_tag_is_refused_before_anything_is_done(host: Host, tag: str) -> None:
    done = host.run("deploy", tag)
    assert done.returncode == 2
    assert "is not the tag of an image" in done.stderr
    assert [call for call in host.calls if not call.startswith("flock")] == []


def test_what_runs_is_left_alone(host: Host) -> None:
    assert host.run("heal", STATE_redis="running ", STATE_api="running starting").returncode == 0
    assert host.started == []


@pytest.mark.parametrize("name", ["api", "proxy", "redis"])
@pytest.mark.parametrize("state", ["running unhealthy", "exited ", "restarting unhealthy", "dead ", "created ", "none"])
def test_whatever_of_it_is_ill_stopped_or_gone_is_started_anew_with_new_secrets(
    host: Host, name: str, state: str
) -> None:
    done = host.run("heal", **{f"STATE_{name}": state})
    assert done.returncode == 0, done.stderr
    (start,) = [call for call in host.called("docker compose") if " up " in call]
    assert f"--force-recreate --no-deps {name} " in start
    assert "origin-secret-value" in start
    assert f"{name} is {'missing' if state == 'none' else state.strip()}" in done.stderr


def test_nothing_is_cured_that_was_not_started_yet(host: Host) -> None:
    assert host.run("heal", INACTIVE="3", STATE_api="none").returncode == 0
    assert host.started == []


def test_a_dump_keeps_nobody_from_a_cure_and_a_deployment_that_waits_in_vain_says_so(host: Host) -> None:
    done = host.run("heal", TABLES_TAKEN="1", STATE_api="exited ")
    assert (done.returncode, host.started) == (0, ["1.0.0"]), done.stderr
    done = host.run("deploy", "2.0.0", TABLES_TAKEN="1")
    assert done.returncode == 1
    assert "waiting for a dump" in done.stderr
    assert "has not ended for 10 minutes; nothing is done" in done.stderr
    assert host.started == ["1.0.0"]
    # The cure asks for the one, the dump for the other.
    host.run("heal")
    assert host.called("flock") == [call for call in host.called("flock") if " 9 " in call]
    host.run("dump", "s3://copies/one.dump")
    assert host.called("flock") == [call for call in host.called("flock") if " 7 " in call]


def test_the_tag_of_what_runs_is_replaced_whole(host: Host) -> None:
    host.run("deploy", "2.0.0")
    tag = host.folder / "data/tag"
    (kept, there) = host.called("sync")
    (moved,) = [call for call in host.called("mv") if "data/tag" in call]
    order = [host.calls.index(call) for call in (kept, moved, there)]
    assert order == sorted(order)
    assert f"{tag}.new IMAGE" in kept
    assert f"mv {tag}.new {tag} " in moved


@pytest.mark.parametrize("content", ["", "\n", "2.0.0\n3.0.0\n", "\0\0\0"])
def test_a_tag_that_cannot_be_read_is_not_taken_for_the_first_image(host: Host, content: str) -> None:
    (host.folder / "data/tag").write_text(content)
    done = host.run("up")
    assert done.returncode != 0
    assert "holds no tag of an image; deploy one" in done.stderr
    assert host.started == []
    assert host.run("deploy", "2.0.0").returncode == 0
    assert (host.tag, host.started) == ("2.0.0", ["2.0.0"])


def test_redis_is_not_started_on_the_disk_of_the_system() -> None:
    """After a restart Docker starts what ended with an error, before the service has mounted the data volume."""
    (volume,) = yaml.safe_load((FILES / "compose.yaml").read_text())["services"]["redis"]["volumes"]
    assert (volume["type"], volume["source"], volume["bind"]) == ("bind", "/data/redis", {"create_host_path": False})


def test_docker_that_starts_anew_takes_the_application_with_it() -> None:
    unit = (FILES / "kumiki.service").read_text().splitlines()
    assert "PartOf=docker.service" in unit
    assert "RemainAfterExit=yes" in unit


@pytest.mark.parametrize(
    ("content", "made", "status"),
    [("0", 0, 0), ("2", 1, 0), ("8", 0, 1)],
    ids=["a file system", "nothing", "something that is not clear"],
)
def test_only_an_empty_volume_gets_a_file_system(host: Host, content: str, made: int, status: int) -> None:
    device = host.folder / "dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0"
    device.parent.mkdir(parents=True)
    device.touch()
    done = host.run("prepare", MOUNTED="1", CONTENT=content)
    assert (len(host.called("mkfs.ext4")), done.returncode) == (made, status), done.stderr
    assert len(host.called("mount -o")) == 1 - status


def test_a_volume_that_does_not_come_starts_nothing(host: Host) -> None:
    assert host.run("up", MOUNTED="1").returncode != 0
    assert host.started == []


def test_a_plugin_with_another_checksum_is_not_installed(host: Host) -> None:
    done = host.run("prepare", PLUGIN_IS_THERE="1", CHECKSUM="1")
    assert done.returncode != 0
    (fetched,) = host.called("curl")
    assert "/compose/releases/download/v5.1.3/docker-compose-linux-x86_64" in fetched
    assert not [call for call in host.called("mv") if "docker-compose" in call]


@pytest.mark.parametrize(("system", "installer"), [("amazonLinux", "dnf install"), ("ubuntu", "apt-get install")])
def test_docker_comes_from_the_packages_of_the_system(host: Host, system: str, installer: str) -> None:
    (host.folder / "bin/docker").unlink()
    host.run("prepare", system=system)
    assert len(host.called(installer)) == 1
    assert "docker" in host.called(installer)[0]


def test_a_word_that_it_does_not_know_does_nothing(host: Host) -> None:
    assert host.run("destroy").returncode == 2
    assert host.calls == []
