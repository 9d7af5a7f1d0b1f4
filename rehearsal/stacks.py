"""A Pulumi project on disk and the stack files beside it, read as the CLI reads them."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from costs.files import stack_file, stack_names, unreadable
from rehearsal import declared, environment
from rehearsal.declared import Declared
from rehearsal.environment import Environment
from rehearsal.problems import SettingsError
from rehearsal.texts import texts

_ID: Final = re.compile(
    r"\b(?:vpc|subnet|sg|rtb)-[0-9a-f]{8}(?:[0-9a-f]{9})?\b"
    r"|\bZ(?=[A-Z]*[0-9])[0-9A-Z]{11,31}\b"
    r"|\barn:aws[\w-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]{36}\b"
)
_IMAGE: Final = re.compile(r"\b(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([a-z0-9._/-]+)")
"""An image in a registry: its repository exists."""

# https://www.pulumi.com/docs/iac/concepts/projects/stack-settings-file/
_SECTIONS: Final = ("config", "environment", "secretsprovider", "encryptedkey", "encryptionsalt")


@dataclass(frozen=True)
class Stack:
    """What the engine would hand to the program and to the policy pack."""

    project: str
    name: str
    folder: Path
    main: Path
    config: dict[str, str]
    """Keys with their namespace; objects and lists as JSON texts, as the engine passes them."""
    secret_keys: list[str] = field(default_factory=list)
    declared: Declared = field(default_factory=Declared)
    """What exists already, as the file beside the project says."""
    environment: Environment = field(default_factory=Environment)
    """The interpreter and the packages that run the program."""
    environments: tuple[str, ...] = ()
    """The environments of Pulumi ESC that its file imports: only Pulumi Cloud has them, so what they set is missing."""

    @property
    def file(self) -> Path:
        """Its settings."""
        return stack_file(self.folder, self.name)

    @property
    def disabled_defaults(self) -> list[str]:
        """Packages whose default provider the stack file disables."""
        names = json.loads(self.config.get("pulumi:disable-default-providers", "[]"))
        return names if isinstance(names, list) else [names]

    @property
    def region(self) -> str | None:
        """Where the stack's file says that the stack is; None where it says nothing."""
        return self.config.get(f"{self.project}:region") or self.config.get("aws:region")

    @property
    def existing_ids(self) -> list[str]:
        """The ids of things that the stack's file says exist already, VPCs first."""
        declared = texts([self.declared.stacks, [dict(one.answer) for one in self.declared.look_ups]])
        said = [*self.config.values(), *declared, *self.declared.ids]
        found = {identifier for value in said for identifier in _ID.findall(value)} | set(self.declared.ids)
        found |= {text for text in declared if text.startswith("arn:")}
        for account, region, name in (image for value in said for image in _IMAGE.findall(value)):
            found.add(f"arn:aws:ecr:{region}:{account}:repository/{name}")
        return sorted(found, key=lambda identifier: (not identifier.startswith("vpc-"), identifier))


def load(folder: Path, name: str) -> Stack:
    """The stack `name` of the project in `folder`; `RehearsalError` of kind "settings" says what to fix."""
    project = _read(folder / "Pulumi.yaml", "a Pulumi project has a Pulumi.yaml beside its __main__.py")
    names = stack_names(folder)
    if names and name not in names:
        raise SettingsError(
            f"there is no stack {name!r} in {folder}",
            f"{_did_you_mean(name, names)}The stacks are: {', '.join(names) or 'none'}.",
        )
    if not isinstance(project.get("name"), str):
        raise SettingsError(
            f"{folder / 'Pulumi.yaml'} has no `name`", "give the project a name, such as `name: kumiki`"
        )
    path = stack_file(folder, name)
    # As in the CLI, a stack without settings needs no file.
    content = _read(path, "") if path.exists() else {}
    for key in content:
        if key not in _SECTIONS:
            raise SettingsError(
                f"{path.name}: the key {key!r} at its top is read by nobody, and neither is what stands below it",
                f"{_did_you_mean(str(key), _SECTIONS)}Pulumi knows {', '.join(_SECTIONS)}."
                if ":" not in str(key)
                else f"A setting stands below config, indented:\n  config:\n    {key}: …",
            )
    values = content.get("config") or {}
    if not isinstance(values, dict):
        raise SettingsError(f"{path.name}: `config` must be a mapping of keys to values, got {type(values).__name__}")
    defaults = project.get("config") or {}
    config: dict[str, str] = {}
    secrets: list[str] = []
    for source in (_project_defaults(defaults, project["name"]), values):
        for key, value in source.items():
            full = key if ":" in str(key) else f"{project['name']}:{key}"
            if isinstance(value, dict) and set(value) == {"secure"}:
                # The cipher text is the backend's to open: the rehearsal works with a stand-in.
                value, secrets = f"secret-of-{full}", [*secrets, full]
            config[full] = _text(value)
    main = folder / str(project.get("main", ""))
    return Stack(
        project["name"],
        name,
        folder,
        main / "__main__.py" if main.is_dir() else main,
        config,
        secrets,
        declared.load(folder),
        environment.of(folder, project),
        _environments(content.get("environment")),
    )


def _environments(said: Any) -> tuple[str, ...]:
    """Names in a list, or in the `imports` of an environment that is written there."""
    imports = said.get("imports") if isinstance(said, dict) else said
    names = [next(iter(one), "") if isinstance(one, dict) else one for one in imports or []]
    return tuple(str(name) for name in names) or (("the one written there",) if said else ())


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {nearest[0]!r}? " if nearest else ""


def _project_defaults(declared: Any, project: str) -> dict[str, Any]:
    """Values that Pulumi.yaml gives to every stack, either plainly or as `{type, default}` or `{value}`."""
    defaults = {}
    for key, value in declared.items() if isinstance(declared, dict) else ():
        full = key if ":" in key else f"{project}:{key}"
        if isinstance(value, dict) and ("default" in value or "value" in value):
            defaults[full] = value.get("value", value.get("default"))
        elif not (isinstance(value, dict) and "type" in value):
            defaults[full] = value
    return defaults


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return "" if value is None else str(value)


class _Loader(yaml.CSafeLoader):
    """Refuses a key that is there twice, as the CLI does; PyYAML would take the last one and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, yaml.Node] = {}
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            name = self.construct_object(key, deep=True)
            first = seen.setdefault(name, key)
            if first is not key:
                line = first.start_mark.line + 1
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name!r} is in line {line} already", key.start_mark
                )
        return super().construct_mapping(node, deep)


def _read(path: Path, hint: str) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{path} does not exist", hint or None) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(unreadable(path, error), hint or None) from None
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 it makes no more than the safe loader it is made from
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SettingsError(
            f"{path.name}{where}: not YAML: {error.problem}",
            "fix that line; indent with spaces, quote texts that hold a colon, and write each key once",
        ) from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name}: not YAML: {error}") from None
    if content is None:
        # Nothing but comments: Pulumi takes it for a stack without configuration, and the program says what it lacks.
        return {}
    if not isinstance(content, dict):
        raise SettingsError(
            f"{path.name} must be a mapping of keys to values",
            "begin with `config:` and write the settings below it, indented",
        )
    return content
