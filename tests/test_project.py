"""The project itself: set-up, requirements files, stack files, documents and what the README promises."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    SetUp = Callable[..., tuple[int, str, list[str]]]

ROOT = Path(__file__).parent.parent
REQUIREMENTS_FILES = (
    "requirements.txt",
    "requirements/dev.txt",
    "requirements/images.txt",
    "requirements/jobs.txt",
    "requirements/uv.txt",
    "workloads/api/requirements.txt",
    "workloads/wiki/requirements.txt",
    "workloads/api/layer.txt",
    "workloads/authorizer/layer.txt",
    "workloads/extensions/layer.txt",
)


def load_script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # The tests are themselves run by make: what it tells its own children (STACK=, -j) is not meant for these.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=inherited | environment,
        check=False,
        capture_output=True,
        text=True,
    )


# --- requirements files


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The part of the project that set-up reads, free to be changed; in a path with a space."""
    root = tmp_path / "a checkout"
    shutil.copytree(ROOT / "requirements", root / "requirements")
    for name in REQUIREMENTS_FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
    for name in ("pyproject.toml", *REQUIREMENTS_FILES, "Makefile"):
        shutil.copy(ROOT / name, root / name)
    return root


def stale(root: Path) -> tuple[int, str]:
    result = run(sys.executable, "requirements/compile.py", "--check", cwd=root)
    return result.returncode, result.stderr


def test_the_requirements_files_belong_to_pyproject_as_it_is() -> None:
    assert stale(ROOT) == (0, "")


def test_a_changed_runtime_dependency_makes_both_files_stale_and_not_the_installers(checkout: Path) -> None:
    pyproject = checkout / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"pulumi-aws>=', '"another-package>=1", "pulumi-aws>='))
    status, message = stale(checkout)
    assert status == 1
    assert re.findall(r"^(\S+) does not belong", message, re.MULTILINE) == ["requirements.txt", "requirements/dev.txt"]
    assert "make requirements" in message


@pytest.mark.parametrize("file", ["requirements.txt", "requirements/dev.txt"])
def test_every_package_of_pulumis_that_is_installed_for_all_is_used(file: str) -> None:
    pinned = re.findall(r"^(pulumi-[\w-]+)==", (ROOT / file).read_text(), re.MULTILINE)
    sources = [path for folder in ("architecture", "components", "tests") for path in (ROOT / folder).rglob("*.py")]
    # Of a provider the CLI fetches the plugin, whether the program uses it or not.
    text = "\n".join(path.read_text() for path in sources)
    unused = [
        name for name in pinned if not re.search(rf"^\s*(?:import|from) {name.replace('-', '_')}\b", text, re.MULTILINE)
    ]
    assert "pulumi-aws" in pinned
    assert unused == []


def test_a_requirements_file_edited_by_hand_is_stale(checkout: Path) -> None:
    path = checkout / "requirements/dev.txt"
    path.write_text(path.read_text().replace("moto==", "moto==0."))
    status, message = stale(checkout)
    assert status == 1
    assert message.startswith("requirements/dev.txt does not belong")


def test_changes_that_install_nothing_keep_the_files_fresh(checkout: Path) -> None:
    pyproject = checkout / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("line-length = 120", "line-length = 100") + "\n# a comment\n")
    assert stale(checkout) == (0, "")


def pins(name: str) -> dict[str, list[str]]:
    """Package and version of each requirement, with the hashes it may have."""
    logical = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
    lines = [line for line in logical if line.strip() and not line.lstrip().startswith("#")]
    return {line.split(" ")[0]: re.findall(r"--hash=(\w+):[0-9a-f]{64}", line) for line in lines}


@pytest.mark.parametrize("name", REQUIREMENTS_FILES)
def test_every_requirement_is_an_exact_version_with_hashes_and_no_address(name: str) -> None:
    found = pins(name)
    assert found
    assert not [pin for pin, hashes in found.items() if not re.fullmatch(r"[\w.-]+==[\w.]+", pin) or not hashes]
    assert not re.findall(r"://|--(?:extra-)?index-url|--find-links|\s@\s", (ROOT / name).read_text())


def test_deploying_and_developing_use_the_same_versions() -> None:
    assert pins("requirements.txt").items() <= pins("requirements/dev.txt").items()


# --- the log router's image


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    """A repository whose tags are releases, as the image's own."""
    path = tmp_path / "releases"
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.com")
    run("git", "init", "--quiet", path, cwd=tmp_path)
    run("git", *identity, "commit", "--quiet", "--allow-empty", "--message", "x", cwd=path)
    for tag in ("v2.34.9.20270101", "v3.4.9", "v3.4.21", "v3.5.0-rc1", "v4.0.0", "latest"):
        run("git", *identity, "tag", tag, cwd=path)
    return path


def test_the_log_routers_image_is_raised_within_its_line(tmp_path: Path, releases: Path) -> None:
    images = load_script(ROOT / "requirements" / "images.py")
    file = tmp_path / "log_router.py"
    shutil.copy(images.FILE, file)
    old, new = images.raise_image(file, str(releases))
    assert (images.version(old) < images.version(new), new) == (True, "3.4.21")
    assert images.raise_image(file, str(releases)) == ("3.4.21", "3.4.21")
    # Nothing else of the file is touched.
    assert file.read_text().replace("3.4.21", old) == images.FILE.read_text()


def test_an_image_whose_releases_cannot_be_read_stays_and_says_so(tmp_path: Path) -> None:
    images = load_script(ROOT / "requirements" / "images.py")
    before = images.FILE.read_text()
    with pytest.raises(images.UpgradeError, match="stays at 3"):
        images.raise_image(images.FILE, str(tmp_path / "nowhere"))
    assert images.FILE.read_text() == before


def test_upgrading_raises_the_image_too() -> None:
    result = run("make", "--dry-run", "upgrade", cwd=ROOT)
    assert "requirements/images.py" in result.stdout


# --- set-up

FAKE_UV = """\
#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
    *" venv "*) mkdir -p .venv/bin && ln -s "$REAL_PYTHON" .venv/bin/python && : > .venv/from-uv ;;
    *" sync "*) exit "${SYNC_STATUS:-0}" ;;
esac
"""


@pytest.fixture
def set_up(checkout: Path, tmp_path: Path) -> SetUp:
    """`make setup` with a uv that only records what it is asked; returns the status, the output and the calls."""
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(FAKE_UV)
    uv.chmod(0o755)
    calls = tmp_path / "calls"

    def call(*arguments: str, **environment: str) -> tuple[int, str, list[str]]:
        calls.write_text("")
        environment |= {"CALLS": str(calls), "REAL_PYTHON": sys.executable, "PYTHON": sys.executable}
        command = arguments or ("setup",)
        result = run("make", *command, cwd=checkout, PATH=f"{uv.parent}:{os.environ['PATH']}", **environment)
        return result.returncode, result.stdout + result.stderr, calls.read_text().splitlines()

    return call


def test_the_first_set_up_creates_and_syncs_with_hashes_and_compiled_files(set_up: SetUp) -> None:
    status, output, calls = set_up()
    assert status == 0, output
    create, sync = calls
    assert " venv --python " in create
    assert "--require-hashes --compile-bytecode" in sync


def test_a_second_set_up_does_nothing(set_up: SetUp) -> None:
    set_up()
    assert set_up() == (0, ".venv is up to date.\n", [])


def test_a_set_up_that_failed_is_started_afresh(set_up: SetUp, checkout: Path) -> None:
    status, output, _ = set_up(SYNC_STATUS="1")
    assert status == 2
    assert "Set-up failed" in output
    (checkout / ".venv" / "half-a-package").touch()
    status, output, calls = set_up()
    assert status == 0, output
    assert len(calls) == 2
    assert not (checkout / ".venv" / "half-a-package").exists()


def test_changed_requirements_are_synced_into_the_venv_that_is_there(set_up: SetUp, checkout: Path) -> None:
    set_up()
    with (checkout / "requirements/dev.txt").open("a") as file:
        file.write("# changed\n")
    status, output, calls = set_up()
    assert status == 0, output
    assert [" sync " in call for call in calls] == [True]
    assert set_up()[2] == []


def test_an_update_that_failed_is_not_taken_for_the_state_before_it(set_up: SetUp, checkout: Path) -> None:
    set_up()
    requirements = checkout / "requirements/dev.txt"
    before = requirements.read_text()
    requirements.write_text(before + "# changed\n")
    set_up(SYNC_STATUS="1")
    requirements.write_text(before)
    _, _, calls = set_up()
    assert len(calls) == 2


def test_a_venv_whose_interpreter_has_gone_is_made_again(set_up: SetUp, checkout: Path) -> None:
    set_up()
    (checkout / ".venv/bin/python").unlink()
    (checkout / ".venv/bin/python").symlink_to("/nonexistent/python")
    status, output, calls = set_up()
    assert status == 0, output
    assert len(calls) == 2


def test_a_python_that_is_not_there_is_named(checkout: Path) -> None:
    result = run("make", "setup", "PYTHON=python-of-another-day", cwd=checkout)
    assert result.returncode == 2
    assert "there is no python-of-another-day on the PATH" in result.stderr


# --- the command line


PYTEST = """\
import sys
if "--collect-only" not in sys.argv:
    print("The tests run.")
elif "vpc" in sys.argv:
    print("tests/components/test_vpc.py::test_it")
else:
    print("tests/components/test_vpc.py::test_it", "tests/workloads/jobs/test_lake.py::test_it", sep="\\n")
"""


@pytest.mark.parametrize(("arguments", "spark"), [("", True), ("-k lake", True), ("-k vpc", False)])
def test_spark_is_told_of_and_installed_where_one_of_its_tests_is_chosen(
    arguments: str, spark: bool, checkout: Path, set_up: SetUp
) -> None:
    (checkout / "pytest.py").write_text(PYTEST)
    (checkout / "packages.py").touch()
    status, output, calls = set_up("test", f"ARGS={arguments}")
    assert status == 0, output
    assert ("400 MB" in output.partition("The tests run.")[0]) is spark
    assert any("requirements/jobs.txt" in one for one in calls) is spark
    assert "400 MB" not in set_up("test", f"ARGS={arguments}")[1], "once is enough"


def test_rehearse_without_a_stack_lists_the_stacks(checkout: Path, set_up: SetUp) -> None:
    set_up()
    for stack in ("prod", "dev"):
        (checkout / f"Pulumi.{stack}.yaml").touch()
    result = run("make", "rehearse", cwd=checkout)
    assert result.returncode == 2
    assert "make rehearse STACK=<name>. There are: dev prod" in result.stderr


def test_every_make_command_in_the_documents_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), ROOT / "requirements/compile.py"]
    for document in documents:
        named = set(re.findall(r"(?:^|`|\$ )make ([a-z][a-z-]*)", document.read_text(), re.MULTILINE))
        assert named <= targets, f"{document.name} names {named - targets}"
    readme = (ROOT / "README.md").read_text()
    assert "make rehearse STACK=dev" in readme
    assert "make test" in readme


def test_ci_runs_the_readmes_test_command_the_checks_and_every_stack() -> None:
    script = (ROOT / ".ci/run").read_text()
    assert os.access(ROOT / ".ci/run", os.X_OK)
    for command in ("make test", "make check", 'make rehearse STACK="${stack%.yaml}"'):
        assert f"step {command}\n" in script


def test_every_folder_that_the_readme_maps_exists_and_every_package_is_mapped() -> None:
    mapped = set(re.findall(r"^\| `([\w.]+)/` ", (ROOT / "README.md").read_text(), re.MULTILINE))
    packages = {path.parent.name for path in ROOT.glob("*/__*__.py")}
    assert packages <= mapped
    assert {name for name in mapped if not (ROOT / name).is_dir()} == set()


def test_the_readme_names_every_group_of_components() -> None:
    (row,) = re.findall(r"^\| `components/` .*in \w+ groups: (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(row.split(", ")) == sorted(path.parent.name for path in ROOT.glob("components/*/__init__.py"))


def test_decisions_are_numbered_without_gaps_and_every_reference_leads_to_one() -> None:
    files = {path.stem[:4]: path for path in (ROOT / "docs/decisions").glob("*.md")}
    assert sorted(files) == [f"{number:04}" for number in range(1, len(files) + 1)]
    for number, path in files.items():
        assert path.read_text().startswith(f"# {number} "), path.name
    for path in committed():
        for number, rest in re.findall(r"decisions/(\d{4})(-[\w-]+\.md)?", path.read_bytes().decode(errors="replace")):
            assert number in files, f"{path.name} names decision {number}"
            assert not rest or files[number].name == number + rest, f"{path.name} names {number}{rest}"


# --- stack files

STACK_FILES = sorted(ROOT.glob("Pulumi.*.yaml"))
TOP_LEVEL_KEYS = {"config", "secretsprovider", "encryptionsalt", "encryptedkey", "environment"}
"""What the Pulumi CLI knows in a stack file; it ignores anything else in silence."""


def test_there_are_stack_files() -> None:
    assert {"Pulumi.dev.yaml", "Pulumi.prod.yaml"} <= {path.name for path in STACK_FILES}


@pytest.mark.parametrize("path", STACK_FILES, ids=lambda path: path.name)
def test_a_stack_file_belongs_to_the_project(path: Path) -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["name"]
    stack = yaml.safe_load(path.read_text())
    assert set(stack) <= TOP_LEVEL_KEYS
    config = stack["config"]
    assert {key.partition(":")[0] for key in config} <= {project, "policy", "pulumi"}
    assert {f"{project}:product", f"{project}:environment", f"{project}:owner"} <= set(config)
    # Nothing may slip past the one provider that knows the region and the tags.
    assert "aws" in config["pulumi:disable-default-providers"]


def test_the_pulumi_cli_uses_the_same_environment_and_name() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    assert project["name"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
    assert project["runtime"] == {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}}
    pack = yaml.safe_load((ROOT / "policies/PulumiPolicy.yaml").read_text())
    assert pack["runtime"]["options"]["virtualenv"] == "../.venv"


# --- what is committed


def committed() -> list[Path]:
    """Tracked files and those that would be, in a checkout; all but the ignored folders in an unpacked archive."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and not path.relative_to(ROOT).parts[0].startswith(".")]


# Written so that this file does not name what it looks for.
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.${}])/(?:home|Users)/\w+/|(?<![\w.${}*])/(?:root|work)/[.\w]|[A-Z]:\\Users\\"
    r"|pypi[.]org|pythonhosted[.]org|npmjs[.](?:org|com)|proxy[.]golang[.]org|index-url[ =]"
)


def test_no_committed_file_names_a_place_on_one_machine_or_a_package_registry() -> None:
    files = committed()
    assert ROOT / "pyproject.toml" in files
    found = []
    for path in files:
        text = path.read_bytes().decode(errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in OF_ONE_MACHINE.finditer(text)]
    assert found == []


@pytest.mark.parametrize("leak", ["/ho" + "me/ann/kumiki/x", "see /ro" + "ot/.cache", "https://py" + "pi.org/simple"])
def test_the_search_for_machine_paths_finds_them(leak: str) -> None:
    assert OF_ONE_MACHINE.search(leak)


# --- coverage of the requirements

coverage = load_script(ROOT / "docs" / "coverage.py")

ROWS = """\
groups: {A: Container platform}
rows:
  A1: {text: a network, stacks: [dev], components: [Vpc], met: true}
  A2: {text: endpoints, stacks: [dev]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose one claim holds."""
    for name, text in {
        "docs/requirements.yaml": ROWS,
        "components/network.py": "class Vpc: ...\n",
        "Pulumi.dev.yaml": "",
        "tests/test_a.py": '@pytest.mark.covers("A1")\ndef test_network(): ...\n',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def write_tests(project: Path, text: str, name: str = "test_a.py") -> None:
    (project / "tests" / name).write_text(textwrap.dedent(text))


def test_the_coverage_page_is_up_to_date_and_every_claim_holds() -> None:
    assert coverage.problems(ROOT) == []
    assert (ROOT / "docs/coverage.md").read_text() == coverage.render(ROOT), "run `make docs`"


def test_the_check_command_fails_on_a_stale_page(tmp_path: Path) -> None:
    for name in (
        ".github",
        "docs",
        "tests",
        "architecture",
        "changes",
        "components",
        "policies",
        "costs",
        "settings",
        "workloads",
    ):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [*ROOT.glob("*.py"), *ROOT.glob("Pulumi*.yaml")]:
        shutil.copy(path, tmp_path)
    command = [sys.executable, "docs/coverage.py", "--check"]
    assert run(*command, cwd=tmp_path).returncode == 0
    write_tests(tmp_path, '@pytest.mark.covers("A1")\ndef test_more(): ...\n', "test_more.py")
    result = run(*command, cwd=tmp_path)
    assert result.returncode == 1
    assert "docs/coverage.md is stale" in result.stderr


def test_a_row_leads_to_its_component_stack_and_test(project: Path) -> None:
    assert coverage.problems(project) == []
    page = coverage.render(project)
    assert "| A1 | a network | met | `Vpc` | dev | [tests/test_a.py](../tests/test_a.py): `test_network` |" in page
    assert "| A2 | endpoints | open |" in page
    assert "**2 requirements: 1 met, 0 in part, 1 open.**" in page


def test_a_row_with_tests_but_no_claim_is_shown_as_in_part(project: Path) -> None:
    write_tests(project, '@pytest.mark.covers("A1", "A2")\ndef test_network(): ...\n')
    assert "| A2 | endpoints | in part |" in coverage.render(project)


def test_markers_on_modules_classes_and_parameters_count(project: Path) -> None:
    write_tests(project, 'pytestmark = [pytest.mark.covers("A1")]\ndef test_module(): ...\n')
    write_tests(
        project,
        """
        @pytest.mark.covers("A2")
        class TestEndpoints:
            pytestmark = pytest.mark.covers("A1")
            async def test_one(self): ...
            def helper(self): ...

        @pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.covers("A2"))])
        def test_parameters(n): ...
        """,
        "test_b.py",
    )
    assert coverage.problems(project) == []
    proofs = {row: {proof.test for proof in found} for row, found in coverage.scan(project).proofs.items()}
    assert proofs == {
        "A1": {"test_module", "TestEndpoints::test_one"},
        "A2": {"TestEndpoints::test_one", "test_parameters"},
    }


def test_a_marker_that_names_no_row_is_refused(project: Path) -> None:
    write_tests(project, '@pytest.mark.covers("A1", "Z9")\ndef test_network(): ...\n')
    assert coverage.problems(project) == [
        "there is no row Z9, but a test says it covers it (tests/test_a.py: test_network)"
    ]


@pytest.mark.parametrize(
    "test",
    [
        "def test_network(): ...",
        '@pytest.mark.skip\n@pytest.mark.covers("A1")\ndef test_network(): ...',
        '@pytest.mark.xfail(reason="later")\n@pytest.mark.covers("A1")\ndef test_network(): ...',
        '@pytest.mark.covers("A2")\ndef test_network(): ...',
        '# @pytest.mark.covers("A1")\ndef test_network(): ...',
    ],
)
def test_a_claim_without_a_test_that_runs_is_refused(project: Path, test: str) -> None:
    write_tests(project, test)
    assert coverage.problems(project) == ["A1 is claimed as met, but no test covers it"]


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("[Vpc]", "[Vpn]", "Vpn is neither a class under components/ nor a file"),
        ("[Vpc]", "[costs/vpc.py]", "costs/vpc.py is neither a class under components/ nor a file"),
        ("components: [Vpc], ", "", "no component is named"),
        ("stacks: [dev], components", "stacks: [prod], components", "no stack file deploys it (prod)"),
    ],
)
def test_a_claim_needs_a_component_and_a_stack_that_exist(
    project: Path, before: str, after: str, complaint: str
) -> None:
    rows = project / "docs/requirements.yaml"
    rows.write_text(rows.read_text().replace(before, after, 1))
    assert coverage.problems(project) == [f"A1 is claimed as met, but {complaint}"]


@pytest.mark.parametrize(
    ("test", "complaint"),
    [
        ('@pytest.mark.covers("A1")\ndef helper(): ...', "helper carries a covers marker, but pytest does not collect"),
        ('@pytest.mark.covers("A1")\nclass Network: ...', "Network carries a covers marker, but pytest does not"),
        ("@pytest.mark.covers(ROW)\ndef test_network(): ...", "covers() takes plain strings, found ROW"),
        ("@pytest.mark.covers()\ndef test_network(): ...", "name rows"),
    ],
)
def test_a_marker_that_could_be_lost_is_refused(project: Path, test: str, complaint: str) -> None:
    write_tests(project, test, "test_b.py")
    assert [problem for problem in coverage.problems(project) if complaint in problem]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (ROWS + "  A2: {text: once more}\n", "these rows appear twice: A2"),
        (ROWS + "  A3: {text: a row, done: true}\n", "no such key: A3.done"),
    ],
)
def test_a_mistake_in_the_rows_is_named(project: Path, rows: str, complaint: str) -> None:
    (project / "docs/requirements.yaml").write_text(rows)
    with pytest.raises(SystemExit, match=complaint):
        coverage.problems(project)
