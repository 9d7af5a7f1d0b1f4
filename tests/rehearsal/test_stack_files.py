"""Where a stack's settings are, and where some of them are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.stacks import load, stack_names
from tests.rehearsal.conftest import Rehearse

PROGRAM = """
import pulumi

pulumi.export("size", pulumi.Config().require("size"))
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in {"Pulumi.yaml": "name: shop\nruntime: python\n", "__main__.py": PROGRAM, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "said", ["stackConfigDir: stacks", "stackConfigDir: 'stacks'  # here", 'stackConfigDir: "stacks"']
)
def test_the_files_of_stacks_may_be_in_a_folder_of_their_own(tmp_path: Path, said: str) -> None:
    write(
        tmp_path,
        **{
            "Pulumi.yaml": f"name: shop\nruntime: python\n{said}\n",
            "stacks/Pulumi.live.yaml": "config: {shop:size: 3}\n",
            "Pulumi.old.yaml": "config: {shop:size: 1}\n",
        },
    )

    assert stack_names(tmp_path) == ["live"]
    assert load(tmp_path, "live").config == {"shop:size": "3"}


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ("[shop/live, {other: {merge: false}}]", ("shop/live", "other")),
        ("{imports: [shop/live]}", ("shop/live",)),
        ("{values: {a: 1}}", ("the one written there",)),
        ("[]", ()),
    ],
)
def test_environments_of_esc_are_known_by_name(tmp_path: Path, environment: str, names: tuple[str, ...]) -> None:
    write(tmp_path, **{"Pulumi.dev.yaml": f"environment: {environment}\nconfig: {{}}\n"})

    assert load(tmp_path, "dev").environments == names


def test_what_an_environment_would_give_is_said_to_be_missing(tmp_path: Path, rehearse: Rehearse) -> None:
    write(tmp_path, **{"Pulumi.dev.yaml": "environment: [shop/live]\n"})
    missing = rehearse(tmp_path, "dev")
    (tmp_path / "Pulumi.dev.yaml").write_text("environment: [shop/live]\nconfig: {shop:size: 3}\n", encoding="utf-8")
    there = rehearse(tmp_path, "dev")

    assert missing.status == 2
    assert "imports shop/live of Pulumi ESC" in missing.report["problems"][0]["remedy"]
    assert there.status == 0
    assert [(one["cause"], one["subjects"]) for one in there.report["gaps"]] == [
        ("environment not read", ["shop/live"])
    ]
