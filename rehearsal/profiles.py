"""Whose program is rehearsed: ours, held to our house rules in an account of its own, or anybody's.

A program of somebody else's has other names, regions and tags, and refers to what exists in its account already.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rehearsal import own_pack
from rehearsal.problems import SettingsError


@dataclass(frozen=True)
class Profile:
    """What is asked of a program."""

    name: str
    meaning: str
    levels: Path | None
    """Levels of the policies of our pack, in the form of `--policy-pack-config`; None for the pack's own."""
    assume_existing: bool
    """Whether ids that a program names and nothing makes are taken as existing; else they are mistakes."""


PROFILES: Final = {
    one.name: one
    for one in (
        Profile(
            name="house",
            meaning="our stacks: names, regions, tags and keys as the house has them; what nothing makes is a mistake",
            levels=None,
            assume_existing=False,
        ),
        Profile(
            name="general",
            meaning="any program: what AWS refuses or what cannot work is an error, taste is advice, no house rules",
            levels=own_pack.FOLDER / "general.json",
            assume_existing=True,
        ),
    )
}

_OURS: Final = "kumiki"


def default(project: str) -> Profile:
    """Our own project is held to the house rules, every other to the general ones."""
    return PROFILES["house" if project == _OURS else "general"]


def named(name: str | None) -> Profile | None:
    """The profile that the command line asks for."""
    if name is not None and name not in PROFILES:
        raise SettingsError(f"--profile {name}: there is no such profile", f"use {' or '.join(PROFILES)}")
    return PROFILES[name] if name is not None else None
