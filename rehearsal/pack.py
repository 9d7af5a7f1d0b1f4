"""The policy pack's process, started as the Pulumi engine starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rehearsal.problems import Refused


@dataclass(frozen=True)
class PackProcess:
    """A starting policy pack. It prints its port as soon as it has imported its rules."""

    process: subprocess.Popen[str]
    errors: IO[str]
    folder: Path

    @classmethod
    def start(cls, folder: Path, *, project: str, stack: str, config: dict[str, str], dry_run: bool) -> PackProcess:
        environment = {
            **os.environ,
            "PULUMI_PROJECT": project,
            "PULUMI_STACK": stack,
            "PULUMI_ORGANIZATION": "organization",
            "PULUMI_DRY_RUN": "true" if dry_run else "false",
            "PULUMI_CONFIG": json.dumps(config),
        }
        errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 read by another process, closed by stop()
        # No engine listens at this address: the SDK wants one to log to, and policies report by answering.
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", "."],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            text=True,
            # Ctrl-C is for the rehearsal, which then ends the pack itself.
            start_new_session=True,
        )
        return cls(process, errors, folder)

    def port(self) -> int:
        """Wait until the pack serves; `Refused` with its last words if it does not."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if line.isdigit():
            return int(line)
        self.process.wait(timeout=10)
        self.errors.seek(0)
        words = [text for text in self.errors.read().splitlines() if text.strip()] or [
            f"it printed {line!r} instead of its port"
        ]
        raise Refused(
            "policy",
            f"the policy pack in {self.folder} does not start: {words[-1].strip()}",
            "run `python __main__.py` in that folder to see the whole error",
        )

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.errors.close()
