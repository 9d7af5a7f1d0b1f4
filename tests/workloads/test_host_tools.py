"""Each option that the host's script uses, against the tools of the systems that it runs on.

An option that a later version brought ends the script on a host, and passes wherever the tests run. Versions:
Amazon Linux 2023 from its release notes ("Amazon Linux 2023 RPM packages", release 2023.3), Ubuntu 22.04 from its
archive (packages of jammy). What the options do is asked of real tools that are older still in `test_host_for_real.py`.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Final

SCRIPT: Final = Path(__file__).resolve().parents[2] / "workloads" / "host" / "kumiki.sh"

PACKAGES: Final = {
    # Package → version in Amazon Linux 2023, in Ubuntu 22.04. None: the system has another package for it.
    "apt": (None, "2.4"),
    "awscli": ("2.14", "1.22.34"),
    "bash": ("5.2.15", "5.1"),
    "coreutils": ("8.32", "8.32"),
    "curl": ("8.5", "7.81"),
    "dnf": ("4.14", None),
    "docker": ("24.0", "20.10.12"),
    "docker compose": ("5.1.3", "5.1.3"),  # the pinned plugin
    "e2fsprogs": ("1.46.5", "1.46.5"),
    "grep": ("3.8", "3.7"),
    "procps": ("3.3.17", "3.3.17"),
    "python": ("3.9", "3.10"),
    "systemd": ("252", "249"),
    "util-linux": ("2.37.4", "2.37.2"),
}

OPTIONS: Final[dict[str, tuple[str, str]]] = {
    # Tool → its package, and those of its options that the older of the two versions has.
    "apt-get": ("apt", "--assume-yes --no-install-recommends --quiet"),
    "aws": ("awscli", "--name --only-show-errors --output --query --secret-id --with-decryption"),
    "blkid": ("util-linux", "--probe"),
    "cat": ("coreutils", ""),
    "chmod": ("coreutils", ""),
    "curl": ("curl", "--config --fail --location --max-time --output --show-error --silent"),
    "dd": ("coreutils", ""),
    "dnf": ("dnf", "--assumeyes --quiet"),
    "docker": (
        "docker",
        """--all --cap-drop --env --filter --force --format --memory --password-stdin --quiet --read-only --rm
        --security-opt --user --username""",
    ),
    "docker compose": (
        "docker compose",
        "--all --detach --file --force-recreate --no-deps --project-name --quiet-pull --remove-orphans --rm --tail",
    ),
    "flock": ("util-linux", "--nonblock --timeout"),
    "grep": ("grep", "--line-regexp --quiet"),
    "install": ("coreutils", "-d -g -m -o"),
    "mkfs.ext4": ("e2fsprogs", "-L -q"),
    "mkswap": ("util-linux", ""),
    "mount": ("util-linux", "-o"),
    "mountpoint": ("util-linux", "--quiet"),
    "mv": ("coreutils", ""),
    "python3": ("python", "-c"),
    "seq": ("coreutils", ""),
    "sha256sum": ("coreutils", "--check --quiet --status"),
    "sleep": ("coreutils", ""),
    "swapon": ("util-linux", "--noheadings --show"),
    "sync": ("coreutils", "--file-system"),
    "sysctl": ("procps", "--quiet --write"),
    "systemctl": ("systemd", "--now --quiet"),
}

_OF_BASH: Final = """
break case continue do done echo else esac exec exit export fi for if in local kill return set shift source test then
trap true type umask wait while
"""


_QUOTED: Final = r'"((?:[^"\\]|\\.)*)"'


def commands(script: str) -> list[list[str]]:
    """The simple commands of a script in the style of ours, quoted text as `Q`."""
    text = re.sub(r"(?m)(?:^|(?<=\s))#.*$", "", script).replace("\\\n", " ")
    text = re.sub(r"'[^']*'", "Q", text)
    text, quoted = re.sub(_QUOTED, "Q", text), "".join(match[1] for match in re.finditer(_QUOTED, text))
    # Commands within quotes are commands; everything else there is text.
    text += "\n" + "\n".join(re.findall(r"\$\([^)]*\)", quoted))
    text = re.sub(r"\[\[.*?\]\]|\(\(.*?\)\)|<<<\s*\S+|\d?>&[\d-]|\$\{[^}]*\}", " Q ", text)
    text = re.sub(r"(?m)^\s*(?:case .* in$|[\w*:| ]+\)(?=\s|$))", "", text)
    functions = set(re.findall(r"(?m)^(\w+)\(\) \{", text))
    text = re.sub(r"(?m)^\w+\(\) \{", "", text)
    words = re.compile(r"(?<![\w-])(?:if|then|else|elif|while|do|retry|exec|!)(?=\s)|\$\(|[|&;(){}\n]+")
    found: list[list[str]] = []
    for part in words.split(text):
        command = part.split()
        while command and re.match(r"\w+\+?=", command[0]):
            command.pop(0)
        if command and command[0] not in {*_OF_BASH.split(), *functions, "Q"} and not re.match(r"[\d<>]", command[0]):
            found.append(command)
        if command and command[0] in ("compose", "start"):  # whose options are for the other
            found.append(["docker", "compose", *command[1:]])
    return found


def used(script: str | None = None) -> dict[str, set[str]]:
    """Tool → the options with which a script calls it."""
    tools: dict[str, set[str]] = {}
    for command in commands(SCRIPT.read_text() if script is None else script):
        tool = "docker compose" if command[:2] == ["docker", "compose"] else command[0]
        if command[0] == "docker":  # the rest is for a program in a container
            command = list(itertools.takewhile(lambda word: word not in ("python", "pg_dump"), command))
        given = {option for word in command for option in re.findall(r"^--?[A-Za-z][\w-]*", word)}
        tools.setdefault(tool, set()).update(given)
    return tools


def unknown(script: str | None = None) -> list[str]:
    """What the older of the two systems has not."""
    return [
        f"{tool} {option}".strip()
        for tool, options in sorted(used(script).items())
        for option in sorted(options) or [""]
        if tool not in OPTIONS or (option and option not in OPTIONS[tool][1].split())
    ]


def test_the_script_uses_no_tool_and_no_option_that_its_systems_lack() -> None:
    assert unknown() == []
    assert {"mkswap", "swapon", "blkid", "docker compose", "flock"} <= set(used()), "the script is read as it is"
    assert {package for package, _ in OPTIONS.values()} == set(PACKAGES) - {"bash"}


def test_an_option_that_came_later_is_seen_wherever_it_stands() -> None:
    text = SCRIPT.read_text()
    assert unknown(text.replace("mkswap ", "mkswap --quiet ")) == ["mkswap --quiet"]
    assert unknown(text.replace("retry test -e", "retry swapon --fancy")) == ["swapon --fancy"]
    assert unknown(text.replace("mv /data/tag.new /data/tag", "jq .")) == ["jq"]
    assert unknown(text.replace("grep --quiet", "grep --quiet --new")) == ["grep --new"]
    assert unknown(text.replace("exec aws s3 cp", "exec aws s3 cp --new")) == ["aws --new"]
