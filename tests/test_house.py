"""The rules of the house that can be tests: sizes, names, doors, docstrings, and what must never be written."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import ryot.plugins
from ryot.plugins.discover import BACKENDS, STAGES
from tests.golden.update import cases, path_of

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "ryot").rglob("*.py"))
MODULES = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in FILES}
Function = ast.FunctionDef | ast.AsyncFunctionDef

LONG_FUNCTIONS: dict[str, str] = {}
"""Functions of more than 60 lines, each with its reason."""
MANY_PARAMETERS: dict[str, str] = {}
"""Functions of more than 7 parameters, each with its reason."""
CATCH_ALL = {"ryot/cli/main.py", "ryot/worker.py", "ryot/plugins/discover.py", "ryot/gateway/app.py", "ryot/generator/app.py"}
CATCH_ALL |= {"ryot/store/share.py"}  # what the file systems of others raise has no class in common
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base", "core"}
API = (
    "Addition", "Away", "Backend", "Circumstance", "Document", "Documents", "Endpoint", "Facts", "Fit", "Foretelling", "Job", "JobState",
    "Launch", "LostMachine", "Machine", "MachineError", "Measure", "Node", "NodeError", "Outlook", "Resources", "RyotError", "Service",
    "ServingEngine", "Shard", "Spec", "SpecError", "Stage", "StageConfig", "StageContext", "Target", "Wish", "device_here", "digest_file",
    "digest_path", "kind_here", "look_again", "make_folder", "processes", "rename_durable", "serving_engine", "sync_path", "write_durable",
    "write_index", "write_lines", "write_shard",
)  # fmt: skip


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[tuple[str, Function]]:
    """Every function of a file with its dotted name."""

    def below(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
        for child in ast.iter_child_nodes(node):
            inner = f"{prefix}.{child.name}" if isinstance(child, Function | ast.ClassDef) else prefix
            if isinstance(child, Function):
                yield inner, child
            yield from below(child, inner)

    return below(tree(path), MODULES[path])


def parameters(function: Function) -> int:
    """How many arguments a caller may give, without self and cls."""
    own = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len([name for name in own if name not in ("self", "cls")])


def is_command(function: Function) -> bool:
    """Whether click calls it: its parameters are a verb's options."""
    return any("command" in ast.unparse(decorator) for decorator in function.decorator_list)


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is or may soon be committed."""
    argv = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return tuple(path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file())


def test_no_file_is_over_400_lines() -> None:
    assert {name_of(path): lines for path in FILES if (lines := len(path.read_text().splitlines())) > 400} == {}


def test_no_function_is_over_60_lines() -> None:
    long = {name for path in FILES for name, node in functions(path) if (node.end_lineno or 0) - node.lineno + 1 > 60}
    assert long == set(LONG_FUNCTIONS)


def test_no_function_takes_more_than_7_parameters() -> None:
    many = {name for path in FILES for name, node in functions(path) if parameters(node) > 7 and not is_command(node)}
    assert many == set(MANY_PARAMETERS)


def test_every_file_says_what_it_is() -> None:
    assert [name_of(path) for path in FILES if path.read_text().strip() and not ast.get_docstring(tree(path))] == []


def test_every_public_class_and_function_says_what_it_does() -> None:
    silent = []
    for path in FILES:
        classes = [(f"{MODULES[path]}.{node.name}", node) for node in tree(path).body if isinstance(node, ast.ClassDef)]
        for name, node in [*classes, *functions(path)]:
            inside = name.removeprefix(MODULES[path] + ".")
            nested = isinstance(node, Function) and any(node in ast.walk(outer) for _, outer in functions(path) if outer is not node)
            if not nested and not any(part.startswith("_") for part in inside.split(".")) and not ast.get_docstring(node):
                silent.append(name)
    assert silent == []


def test_no_name_is_vague() -> None:
    assert [name_of(path) for path in FILES if path.stem in VAGUE or path.parent.name in VAGUE] == []


def test_only_two_packages_re_export() -> None:
    full = [name_of(path) for path in FILES if path.name == "__init__.py" and path.read_text().strip()]
    assert full == ["ryot/plugins/__init__.py", "ryot/spec/__init__.py"]


def test_everything_is_caught_in_few_places_only() -> None:
    broad = {"Exception", "BaseException"}
    found = {
        name_of(path)
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and not any(isinstance(last, ast.Raise) and last.exc is None for last in node.body)  # cleaning up and going on is no catching
        and (node.type is None or {part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)} & broad)
    }
    assert found == CATCH_ALL


def test_no_shell_and_nothing_unpickled() -> None:
    for path in FILES:
        imported = {alias.name for node in ast.walk(tree(path)) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)}
        assert imported & {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "multiprocessing"} == set(), name_of(path)
        for call in calls(path):
            called, given = ast.unparse(call.func), {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            where = f"{name_of(path)}:{call.lineno}"
            assert given.get("shell", "False") == "False", where
            assert called not in ("os.system", "os.popen", "eval", "exec", "subprocess.getoutput"), where
            assert called != "torch.load" or given.get("weights_only") == "True", where
            assert not called.endswith(("np.load", "numpy.load")) or given.get("allow_pickle", "False") == "False", where
            assert given.get("trust_remote_code", "False") == "False", where
            assert not re.search(r"_object(_list)?$|\.read_pickle$", called), where  # torch's collectives of objects pickle them
            if called.endswith(".from_pretrained"):
                assert (given.get("trust_remote_code"), given.get("local_files_only")) == ("False", "True"), where


def test_only_the_door_makes_anything_durable_or_locks() -> None:
    """What goes past ryot/files.py is not seen to be whole after a crash: tests/crash strikes at the door."""
    found = set()
    for path in FILES:
        named = {ast.unparse(call.func) for call in calls(path)}
        imported = {alias.name for node in ast.walk(tree(path)) if isinstance(node, ast.Import) for alias in node.names}
        if named & {"os.fsync", "os.fdatasync", "os.replace"} or any(name.endswith(".rename") for name in named) or "fcntl" in imported:
            found.add(name_of(path))
    assert found == {"ryot/files.py"}


def test_no_clock_that_can_be_set_decides_what_runs_and_what_is_ended() -> None:
    rooms = ("backends", "engine", "store")
    deciding = [path for path in FILES if path.parent.name in rooms or path.name in ("keeper.py", "worker.py", "processes.py", "files.py")]
    wall = {"time.time", "time.time_ns", "datetime.today"}
    found = [f"{name_of(path)}: {name}" for path in deciding for call in calls(path) if (name := ast.unparse(call.func)) in wall]
    assert [*found, *(name_of(path) for path in deciding if ".create_time(" in path.read_text())] == []


def test_no_middleware_that_buffers_streams() -> None:
    assert [name_of(path) for path in FILES if "BaseHTTPMiddleware" in path.read_text()] == []


def test_imports_are_absolute() -> None:
    relative = [name_of(path) for path in FILES for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom) and node.level]
    assert relative == []


def test_public_api_is_the_promise() -> None:
    assert tuple(sorted(ryot.plugins.__all__)) == API


@pytest.mark.parametrize("group", [STAGES, BACKENDS])
def test_every_entry_point_leads_to_a_class_of_its_name(group: str) -> None:
    points = [point for point in entry_points(group=group) if point.dist and point.dist.name == "ryot"]
    assert points
    assert all(point.load().name == point.name for point in points)


def work_strings() -> list[str]:
    """Every `work = "module:function"` of a built-in stage."""
    found = []
    for path in [path for path in FILES if 'work = "' in path.read_text()]:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and ":" in str(node.value.value):
                found += [str(node.value.value) for target in node.targets if isinstance(target, ast.Name) and target.id == "work"]
    return found


def test_every_stage_names_its_heavy_half() -> None:
    assert len(work_strings()) >= 8


@pytest.mark.parametrize("work", work_strings())
def test_heavy_half_is_where_the_stage_says(work: str) -> None:
    module, _, name = work.partition(":")
    path = ROOT / (module.replace(".", "/") + ".py")
    assert name in {node.name for node in tree(path).body if isinstance(node, Function)}


@pytest.mark.heavy
@pytest.mark.parametrize("work", work_strings())
def test_heavy_half_can_be_imported(work: str) -> None:
    module, _, name = work.partition(":")
    assert callable(getattr(import_module(module), name))


def test_every_spec_has_a_golden_plan() -> None:
    assert [path_of(spec, profile).name for spec, profile in cases() if not path_of(spec, profile).exists()] == []


def test_every_python_file_mirrors_no_missing_folder() -> None:
    here = {path.name for path in (ROOT / "ryot").iterdir() if path.is_dir() and not path.name.startswith("_")}
    tested = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert here - tested == set()


def test_no_tracked_file_names_a_registry_or_a_place_on_a_machine() -> None:
    hosts = "|".join(("files." + "pythonhosted", "pypi." + "org/simple", r"index-url[ =]+\S*://", r"://\S+/sim" + "ple/?"))
    places = "|".join(("/wo" + "rk/", "/ho" + r"me/\w+/", "/ro" + r"ot/\w", r"\.\./sha" + "red/(?!data)"))
    wanted = re.compile(f"{hosts}|{places}")
    found = []
    for path in tracked():
        text = path.read_bytes()[: 1 << 20].decode(errors="ignore")
        found += [f"{name_of(path)}:{number}: {line[:80]}" for number, line in enumerate(text.splitlines(), 1) if wanted.search(line)]
    assert found == []


def test_tests_do_not_mock_much() -> None:
    files = list((ROOT / "tests").rglob("*.py"))
    lines = sum(len(path.read_text().splitlines()) for path in files)
    mocks = sum(len(re.findall(r"unittest\.mo" + r"ck|MagicMo" + r"ck|mocker\.", path.read_text())) for path in files)
    assert mocks <= 3 * lines / 1000
