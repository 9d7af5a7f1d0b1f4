"""Rules of a policy pack, asked as the engine asks them: the pack is a process, and hears of whole programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from kumiki.testing.recorder import Recorder, Registered, run
from kumiki.where import offer_parts

offer_parts()

from rehearsal import own_pack  # noqa: E402 found by the line above
from rehearsal.analyzer import Analyzer, Judged  # noqa: E402
from rehearsal.isolation import isolate  # noqa: E402
from rehearsal.lifeline import Lifeline  # noqa: E402
from rehearsal.pack import ALL, Choice, PackProcess  # noqa: E402

Program = Callable[[], Any]
_PROJECT: Final = "project"


class AssertRule(Protocol):
    """What the fixture `assert_rule` gives."""

    def __call__(
        self,
        rule: str,
        *,
        bad: Program,
        good: Program | None = None,
        pack: Path | None = None,
        config: Mapping[str, str] | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> list[str]: ...


class Packs:
    """The policy packs of one run of tests: each is started once, as `pulumi up` starts it."""

    def __init__(self, folder: Path | None) -> None:
        self._default = folder or own_pack.FOLDER
        self._lifeline: Lifeline | None = None
        self._running: dict[Path, tuple[PackProcess, int]] = {}

    def assert_rule(
        self,
        rule: str,
        *,
        bad: Program,
        good: Program | None = None,
        pack: Path | None = None,
        config: Mapping[str, str] | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """Assert that a rule accuses the program `bad` and not `good`; returns what it says of `bad`.

        :param bad: Makes resources; it is run by the recorder.
        :param pack: The folder of the policy pack; by default the ini option `kumiki_policy_pack`, or Kumiki's own.
        :param config: The stack's configuration, with namespaces.
        :param properties: Settings of the rule, as in a file for `--policy-pack-config`.
        """
        folder = (pack or self._default).resolve()
        accused = self._findings(folder, rule, bad, config or {}, properties or {})
        assert accused, f"{rule} finds nothing wrong with the bad program"
        if good is not None:
            wrongly = self._findings(folder, rule, good, config or {}, properties or {})
            assert not wrongly, f"{rule} accuses the good program: {'; '.join(wrongly)}"
        return accused

    def _findings(
        self, folder: Path, rule: str, program: Program, config: Mapping[str, str], properties: Mapping[str, Any]
    ) -> list[str]:
        # At its own level a rule may be off.
        choices = {ALL: Choice("disabled", {}), rule: Choice("mandatory", dict(properties))}
        port = self._port(folder)
        asked = Analyzer(port, project=_PROJECT, stack="dev", config=dict(config), dry_run=False, choices=choices)
        with run(preview=False, project=_PROJECT) as recorder:
            recorder.run(lambda: program() and None)
        judged = list(_judged(recorder))
        found = [problem for one in judged for problem in asked.analyze(one)] + asked.analyze_stack(judged)
        return [f"{(one.urn or '').rpartition('::')[2]}: {one.message}" for one in found if one.rule == rule]

    def _port(self, folder: Path) -> int:
        if folder not in self._running:
            assert (folder / "PulumiPolicy.yaml").is_file(), f"{folder} is no policy pack: it has no PulumiPolicy.yaml"
            self._lifeline = self._lifeline or Lifeline.make()
            environment = dict(os.environ)
            isolate(environment)
            process = PackProcess.start(
                folder,
                project=_PROJECT,
                stack="dev",
                config={},
                dry_run=False,
                environment=environment,
                lifeline=self._lifeline.read,
            )
            try:
                self._running[folder] = process, process.started.port()
            except BaseException:
                process.stop()
                raise
        return self._running[folder][1]

    def stop(self) -> None:
        for process, _ in self._running.values():
            process.stop()
        if self._lifeline is not None:
            self._lifeline.close()


def _judged(recorder: Recorder) -> list[Judged]:
    return [_of(one) for one in recorder.resources]


def _of(one: Registered) -> Judged:
    assert one.judged is not None
    return one.judged
