"""Where the two sides come from: this tree, a revision of it, another stack, a report, an exported state."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from changes.model import ChangeError, Resource, Side
from costs.files import failures, stack_file, unreadable
from rehearsal.marks import REPORT_VERSION

ROOT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = "build/changes"
_GIT: Final = shutil.which("git") or "git"
_REHEARSE: Final = ("-m", "rehearsal", "--only-deploy")
_PINS: Final = "requirements/dev.txt"
_SYNC: Final = "requirements/sync.py"
_MADE: Final = "make one by `python -m rehearsal STACK --json FILE` or `pulumi stack export --file FILE`"
_KEPT: Final = 20
"""Reports that stay in the cache."""
_OWN_PARTS: Final = ("rehearsal", "policies", "costs", "requirements")
"""What a report depends on beside the program: the rehearsal that makes it is always this tree's."""


# A report, and a state.


def read(path: Path, stack: str) -> Side:
    """The side that a file holds: a rehearsal's report, or what `pulumi stack export` wrote."""
    content = _json(path)
    if isinstance(content, dict) and "deployment" in content:
        with _whole(str(path), "`pulumi stack export --file FILE`"):
            return _state(content, path, stack)
    if isinstance(content, dict) and "resources" in content:
        return report(content, str(path), stack)
    raise ChangeError(
        f"{path} is neither a report nor an exported state",
        _MADE,
    )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ChangeError(f"there is no file {path}", "name a revision, a report or an exported state") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ChangeError(unreadable(path, error), _MADE) from None
    except ValueError as error:
        raise ChangeError(f"{path} cannot be read as JSON: {error}", _MADE) from None


_FOR_THE_BILL: Final = {"region"}
"""What is read of a report when the change is priced."""


@contextmanager
def _whole(label: str, made_by: str) -> Iterator[None]:
    """Says of a file that lacks what each of its kind has that it is damaged."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ChangeError(
            f"{label} is damaged: {type(error).__name__} {error}", f"make it again by {made_by}"
        ) from None


def report(content: Mapping[str, Any], label: str, stack: str) -> Side:
    """The side of a rehearsal's report; one whose program failed is told as that side's errors."""
    with _whole(label, "`python -m rehearsal STACK --json FILE`"):
        return _report(content, label, stack)


def _report(content: Mapping[str, Any], label: str, stack: str) -> Side:
    if content.get("version") != REPORT_VERSION:
        raise ChangeError(
            f"{label} is a report of version {content.get('version', 1)}, and this reads version {REPORT_VERSION}",
            "rehearse again with this version: python -m rehearsal STACK --json FILE",
        )
    if content["stack"] != stack:
        raise ChangeError(
            f"{label} is a report of stack {content['stack']!r}, not of {stack!r}",
            f"name a report of {stack!r}; `kumiki diff --against-stack` compares two stacks",
        )
    if told := failures(content):
        raise ChangeError(f"{label} does not deploy, so nothing can be compared:\n{told}", "mend that side first")
    if missing := _FOR_THE_BILL - content.keys():
        raise KeyError(*sorted(missing))
    resources = [_of_report(one) for one in content["resources"]]
    return Side(label, content["project"], content["stack"], {one.urn: one for one in resources}, content)


def _of_report(one: Mapping[str, Any]) -> Resource:
    return Resource(
        urn=one["urn"],
        type=one["type"],
        name=one["name"],
        custom=one["custom"] and one["status"] != "read",
        id=one["id"],
        inputs=one["inputs"],
        outputs=one["outputs"],
        region=one["region"],
        protect=one["protect"],
        retain_on_delete=one["retain_on_delete"],
        delete_before_replace=one["delete_before_replace"],
        depends_on=tuple(one["depends_on"]),
        property_dependencies={key: tuple(urns) for key, urns in one["property_dependencies"].items()},
        aliases=tuple(one["aliases"]),
        ignore_changes=tuple(one["ignore_changes"]),
        replace_on_changes=tuple(one["replace_on_changes"]),
    )


def _state(content: Mapping[str, Any], path: Path, stack: str) -> Side:
    deployment = content["deployment"]
    if not isinstance(deployment, dict):
        raise ChangeError(f"{path} is no state of this kind of backend", "export it by `pulumi stack export`")
    pending = deployment.get("pending_operations") or []
    if pending:
        names = ", ".join(str(one.get("resource", {}).get("urn", "")).split("::", 3)[-1] for one in pending[:3])
        raise ChangeError(
            f"{path} has {len(pending)} operations that were interrupted ({names}): nobody knows how they ended",
            "run `pulumi refresh`, and export the state again",
        )
    found = [one for one in deployment.get("resources") or [] if not one.get("delete")]
    if not found:
        # Before the first deployment.
        return Side(str(path), "", stack, {})
    its_stack, project = found[0]["urn"].removeprefix("urn:pulumi:").split("::")[:2]
    if its_stack != stack:
        raise ChangeError(f"{path} is the state of stack {its_stack!r}, not of {stack!r}", "export that stack's state")
    resources = [_of_state(one) for one in found]
    return Side(str(path), project, its_stack, {one.urn: one for one in resources})


def _of_state(one: Mapping[str, Any]) -> Resource:
    inputs, outputs = dict(one.get("inputs") or {}), dict(one.get("outputs") or {})
    arn = str(outputs.get("arn", ""))
    return Resource(
        urn=one["urn"],
        type=one["type"],
        name=one["urn"].split("::", 3)[-1],
        custom=bool(one.get("custom")) and not one.get("external"),
        id=str(one.get("id", "")),
        inputs=_without_marks(inputs),
        outputs=_without_marks(outputs),
        region=str(outputs.get("region") or (arn.split(":")[3] if arn.count(":") > 4 else "")),
        protect=bool(one.get("protect")),
        retain_on_delete=bool(one.get("retainOnDelete")),
        delete_before_replace=bool(one.get("deleteBeforeReplace")),
        depends_on=tuple(one.get("dependencies") or ()),
        property_dependencies={key: tuple(urns or ()) for key, urns in (one.get("propertyDependencies") or {}).items()},
        aliases=tuple(one.get("aliases") or ()),
        defaulted=frozenset(inputs.get("__defaults") or ()),
    )


def _without_marks(value: Any) -> Any:
    """Without the bridge's notes about defaults; its secrets are folded where values are compared."""
    if isinstance(value, dict):
        defaults = set(value.get("__defaults") or ())
        return {
            key: _without_marks(one)
            for key, one in value.items()
            if key not in ("__defaults", "__meta") and key not in defaults
        }
    if isinstance(value, list):
        return [_without_marks(one) for one in value]
    return value


# Rehearsals.


def git(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    # In a hook, git says by its environment which repository it is called for.
    own = {key: value for key, value in os.environ.items() if key not in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE")}
    try:
        done = subprocess.run(  # noqa: S603 of git, and names that it checks
            [_GIT, "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**own, **(environment or {})},
        )
    except OSError as error:
        raise ChangeError(f"git cannot be started: {error.strerror}", "install it") from None
    if done.returncode:
        raise ChangeError(f"git {' '.join(arguments[:2])}: {done.stderr.strip() or 'failed'}")
    return done.stdout.strip()


def revision(folder: Path, name: str | None) -> str:
    """The commit that `name` stands for; without one, where this branch left the main one."""
    if name is None:
        for main in ("origin/main", "main", "origin/master", "master"):
            try:
                return git(folder, "merge-base", "HEAD", main)
            except ChangeError:
                continue
        raise ChangeError("there is no main branch to compare with", "name what to compare with: --against REVISION")
    try:
        return git(folder, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    except ChangeError:
        why = "it is a folder" if Path(name).is_dir() else "no such file"
        raise ChangeError(
            f"--against {name}: there is no such revision, and {why}",
            "name a branch, a tag, a commit, a report or an exported state; in CI, check out with the whole history",
        ) from None


def tree_of(folder: Path) -> str:
    """The id of the tree as it lies there, with what is not committed, but for what git ignores."""
    with tempfile.TemporaryDirectory() as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        git(folder, "read-tree", "HEAD", environment=index)
        git(folder, "add", "-A", ":/", environment=index)
        return git(folder, "write-tree", environment=index)


@contextmanager
def worktree(folder: Path, commit: str) -> Iterator[Path]:
    """The program as it was, in a folder of its own that goes again; it may lie deeper in its repository."""
    inside = git(folder, "rev-parse", "--show-prefix")
    place = Path(tempfile.mkdtemp(prefix="kumiki-side-"))
    try:
        git(folder, "worktree", "add", "--detach", "--force", str(place / "tree"), commit)
        yield place / "tree" / inside
    finally:
        subprocess.run(  # noqa: S603 as above
            [_GIT, "-C", str(folder), "worktree", "remove", "--force", str(place / "tree")],
            capture_output=True,
            check=False,
        )
        shutil.rmtree(place, ignore_errors=True)


class Rehearsal:
    """A rehearsal of one side in a process of its own, or the report of the same content from before."""

    def __init__(
        self,
        folder: Path,
        stack: str,
        tree: str | None,
        label: str,
        place: Path,
        prepare: Callable[[], str] | None = None,
        *,
        built: Path | None = None,
    ) -> None:
        """`prepare` makes ready what a rehearsal there needs, unless there was one, and names the interpreter. `built`
        is where the packages of functions are, if not in `folder`."""
        self._label, self._stack = label, stack
        key = _key(stack, tree, folder, built or folder)
        self._cached = place / f"{stack}-{key}.json"
        self._process: subprocess.Popen[str] | None = None
        if self._cached.is_file():
            # The latest used stay.
            self._cached.touch()
        else:
            place.mkdir(parents=True, exist_ok=True)
            self._partial = place / f".{stack}-{key}-{os.getpid()}.json"
            python = sys.executable if prepare is None else prepare()
            self._process = subprocess.Popen(  # noqa: S603 this project's own command
                [python, *_REHEARSE, stack, "--program", str(folder), "--json", str(self._partial)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def result(self) -> dict[str, Any]:
        if self._process is not None and not self._cached.is_file():
            said, _ = self._process.communicate()
            if not self._partial.is_file():
                raise ChangeError(f"the rehearsal of {self._label} ended without a report:\n{_indented(said)}")
            content = json.loads(self._partial.read_text(encoding="utf-8"))
            if failures(content):
                # Mended, perhaps, by something that git does not see: tried again the next time.
                return content
            self._partial.replace(self._cached)
            self._forget()
            return content
        return json.loads(self._cached.read_text(encoding="utf-8"))

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.communicate()
        if self._process is not None:
            self._partial.unlink(missing_ok=True)

    def _forget(self) -> None:
        reports = sorted(self._cached.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in reports[:-_KEPT]:
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Known:
    """A report that somebody has made already, in a rehearsal's place."""

    path: Path

    def result(self) -> dict[str, Any]:
        content = _json(self.path)
        if not isinstance(content, dict) or "resources" not in content or "deployment" in content:
            raise ChangeError(f"{self.path} is no report", "make one by `python -m rehearsal STACK --json FILE`")
        return content

    def stop(self) -> None:
        """There is nothing to stop."""


def _key(stack: str, tree: str | None, folder: Path, built: Path) -> str:
    """What a report depends on; outside a repository nothing tells whether that is the same as before.

    The day is part of it, since waivers end; so is what functions were built to, which git does not see.
    """
    own = _own_tree()
    if tree is None or own is None:
        return secrets.token_hex(10)
    try:
        parts = [git(ROOT, "rev-parse", f"{own}:./{part}") for part in _OWN_PARTS]
    except ChangeError:
        # Installed where the repository around it does not look.
        return secrets.token_hex(10)
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    known = [tree, stack, sys.version, today, git(folder, "rev-parse", "--show-prefix"), *_built(built), *parts]
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:20]


def _built(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "build" / "packages").rglob("*")):
        if path.is_file():
            yield f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}"


@cache
def _own_tree() -> str | None:
    return tree_or_none(ROOT)


def tree_or_none(folder: Path) -> str | None:
    try:
        return tree_of(folder)
    except ChangeError:
        return None


def _indented(said: str) -> str:
    return "\n".join(f"  {line}" for line in said.strip().splitlines()[-12:])


def rehearsed(
    folder: Path, stack: str, against: str | None, other_stack: str | None, known: Path | None = None
) -> tuple[Side, Side]:
    """Both sides, rehearsed side by side: the revision (or the other stack), and this tree.

    `known` is a report of this tree, where there is one already.
    """
    place = folder / CACHE
    here = tree_or_none(folder)
    if here is None and other_stack is None:
        raise ChangeError(
            f"{folder} lies in no git repository with a commit: it has no revisions",
            "name a report or an exported state: --against FILE",
        )
    running: list[Rehearsal | Known] = []

    def this(name: str) -> Rehearsal | Known:
        return Known(known) if known is not None else Rehearsal(folder, name, here, "this tree", place)

    try:
        if other_stack is not None:
            running.append(Rehearsal(folder, other_stack, here, f"stack {other_stack}", place))
            running.append(this(stack))
            return _sides(running, [f"stack {other_stack}", f"stack {stack}"], [other_stack, stack])
        commit = revision(folder, against)
        tree = git(folder, "rev-parse", f"{commit}^{{tree}}")
        label = f"{against or 'the merge base'} ({commit[:9]})"
        with worktree(folder, commit) as old:
            if not stack_file(old, stack).is_file():
                # All of it is new.
                return Side(label, "", stack, {}), this_tree(folder, stack, known)
            running.append(Rehearsal(old, stack, tree, label, place, lambda: _prepared(folder, old, label)))
            # The same content is rehearsed once.
            running.append(running[0] if tree == here and known is None else this(stack))
            return _sides(running, [label, "this tree"], [stack, stack])
    finally:
        for one in running:
            one.stop()


def _sides(running: list[Rehearsal | Known], labels: list[str], stacks: list[str]) -> tuple[Side, Side]:
    made: list[Callable[[], Side]] = [
        lambda one=one, label=label, stack=stack: report(one.result(), label, stack)
        for one, label, stack in zip(running, labels, stacks, strict=True)
    ]
    before, after = (make() for make in made)
    return before, after


def this_tree(folder: Path, stack: str, known: Path | None = None) -> Side:
    """This tree, rehearsed; or by the report that `known` is."""
    if known is not None:
        return report(Known(known).result(), str(known), stack)
    running = Rehearsal(folder, stack, tree_or_none(folder), "this tree", folder / CACHE)
    try:
        return report(running.result(), "this tree", stack)
    finally:
        running.stop()


def _prepared(folder: Path, old: Path, label: str) -> str:
    """Build what functions run on the other side; its interpreter, with the packages that it pins."""
    _share_packages(folder, old)
    pins, its_pins = folder / _PINS, old / _PINS
    if not (pins.is_file() and its_pins.is_file() and (old / _SYNC).is_file()):
        return sys.executable
    if pins.read_bytes() == its_pins.read_bytes():
        return sys.executable
    done = subprocess.run(  # noqa: S603 the project's own script
        [sys.executable, _SYNC, ".venv/.synced-for-comparison"], cwd=old, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ChangeError(
            f"{label} pins other packages, and they cannot be installed:\n{_indented(done.stdout + done.stderr)}",
            "with a network to the package index, again; or compare reports: rehearse each side where it can be",
        )
    return str(old / ".venv" / "bin" / "python")


def _share_packages(folder: Path, old: Path) -> None:
    """What functions run was built for this tree; what is older than its sources there is built again."""
    if not (folder / "build" / "packages").is_dir() or not (old / "packages").is_dir():
        return
    shutil.copytree(folder / "build" / "packages", old / "build" / "packages")
    done = subprocess.run([sys.executable, "-m", "packages"], cwd=old, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ChangeError(
            f"the functions' packages of the other side cannot be built:\n{_indented(done.stdout + done.stderr)}"
        )
