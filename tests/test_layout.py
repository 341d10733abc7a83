"""The shape of the project: who may import whom, and that no test is left out."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "components",
    "contracts",
    "infra",
    "monitoring",
    "pipelines",
    "serving",
    "slipway",
    "usecases",
)
MAY_IMPORT = {
    "components": {"contracts", "usecases"},
    "contracts": set(),
    "infra": {"contracts", "monitoring"},
    "monitoring": {"contracts"},
    "pipelines": {"components", "contracts", "usecases"},
    "serving": {"contracts"},
    "slipway": set(ROOMS),
    "usecases": {"contracts"},
}
FORBIDDEN_IN_LOGIC = {"kfp", "pulumi"}
# The rooms inside a room, each after all that it may import, so that there is no circle.
SERVING = {
    "errors": set(),
    "logs": set(),
    "config": {"errors"},
    "protocol": {"errors"},
    "prediction_log": {"errors", "logs", "protocol"},
    "models": {"config", "errors", "protocol"},
    "metrics": {"errors", "models"},
    "middleware": {"config", "errors", "logs", "metrics"},
    "rollout": {"config", "errors", "logs", "metrics", "models"},
    "explanation": {"config", "errors", "models", "protocol"},
    "inference": {
        *("config", "errors", "protocol", "prediction_log"),
        *("models", "metrics", "middleware", "explanation"),
    },
    "http": {
        *("config", "errors", "logs", "protocol", "prediction_log"),
        *("models", "metrics", "middleware", "inference"),
    },
    "grpc": {"config", "errors", "protocol", "models", "middleware", "inference"},
    "agent/releases": {"config", "errors", "logs", "models", "metrics", "rollout"},
    "agent/delivery": {"config", "errors", "logs", "prediction_log", "rollout"},
    "agent/shadow": {
        *("errors", "logs", "protocol", "prediction_log"),
        *("models", "metrics", "rollout"),
    },
    "agent/drift": {
        *("errors", "logs", "protocol", "prediction_log"),
        *("models", "metrics", "rollout", "agent/releases"),
    },
    "agent": {
        *("config", "logs", "prediction_log", "models", "metrics", "rollout"),
        *("agent/releases", "agent/delivery", "agent/shadow", "agent/drift"),
    },
    "agent_process": {"logs", "rollout"},
    "worker": {
        *("config", "prediction_log", "models", "metrics", "middleware"),
        *("rollout", "explanation", "inference", "http", "grpc"),
    },
    "__main__": {"config", "logs", "middleware", "agent_process", "worker"},
}

INFRA = {
    "cluster": set(),
    "diagnosis": set(),
    "dynamic": set(),
    "errors": set(),
    "files": set(),
    "policies": set(),
    "programs": set(),
    "service": set(),
    "signing_keys": set(),
    "versions": set(),
    "environment": {"errors"},
    "external_http": {"errors"},
    "home": {"errors", "files"},
    "pulumi_state": {"home"},
    "settings": {"environment", "errors", "home"},
    "clusters/kind": {
        "cluster",
        "diagnosis",
        "dynamic",
        "errors",
        "home",
        "programs",
        "settings",
        "versions",
    },
    "images": {"errors", "home", "settings", "versions"},
    "wiring": {"service", "settings"},
    "clusters": {
        "cluster",
        "clusters/kind",
        "diagnosis",
        "errors",
        "external_http",
        "service",
        "settings",
        "versions",
    },
    "services": {"service", "settings", "versions", "wiring"},
    "description": {"service", "services", "settings", "wiring"},
    "diagram": {"home", "service", "services", "settings"},
    "kubeflow": {"cluster", "clusters", "dynamic", "errors", "home", "programs", "settings"},
    "untrusted": {
        "clusters",
        "clusters/kind",
        "diagnosis",
        "errors",
        "pulumi_state",
        "services",
        "settings",
        "signing_keys",
    },
    "targets": {"description", "dynamic", "signing_keys", "wiring"},
    "targets/kubernetes": {
        "cluster",
        "description",
        "images",
        "kubeflow",
        "service",
        "services",
        "settings",
        "targets",
        "versions",
        "wiring",
    },
    "targets/processes": {
        "description",
        "dynamic",
        "environment",
        "errors",
        "files",
        "home",
        "programs",
        "service",
        "settings",
        "targets",
    },
    "program": {
        "cluster",
        "clusters",
        "description",
        "errors",
        "home",
        "pulumi_state",
        "settings",
        "targets/kubernetes",
        "targets/processes",
        "untrusted",
    },
    "__main__": {"program"},
}
SLIPWAY = {
    "exits": set(),
    "file_lock": set(),
    "hints": set(),
    "images": set(),
    "version": set(),
    "toolchain": {"file_lock"},
    "stack": {"exits", "toolchain"},
    "doctor": {"hints", "stack", "toolchain"},
    "models": {"exits", "stack"},
    "runs": {"exits", "stack", "version"},
    "progress": {"runs", "stack"},
    "operations": {"exits", "hints", "models", "progress", "runs", "stack"},
    "operations/cluster": {
        *("hints", "models", "operations", "progress", "runs", "stack", "toolchain"),
    },
    "operations/processes": {
        *("doctor", "exits", "hints", "models", "operations", "progress"),
        *("runs", "stack", "toolchain"),
    },
    "reporting": {"exits", "hints", "models", "operations", "runs", "stack"},
    "reporting/page": {"hints", "operations", "reporting", "stack"},
    "commands": {
        *("doctor", "exits", "hints", "images", "models", "operations", "operations/cluster"),
        *("operations/processes", "progress", "reporting", "reporting/page", "runs", "stack"),
        *("toolchain", "version"),
    },
    "__main__": {"commands", "exits", "hints"},
}
INSIDE = {"infra": INFRA, "serving": SERVING, "slipway": SLIPWAY}


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way(room: str) -> None:
    """A room imports only the rooms it may."""
    wrong = {
        str(path.relative_to(ROOT)): strangers
        for path in sources(room)
        if (strangers := imported(path) & (set(ROOMS) - {room} - MAY_IMPORT[room]))
    }

    assert wrong == {}


def room_of(module: str) -> str:
    """The inner room of a module, or the module itself where it stands in none."""
    top, *parts = module.split(".")
    rooms = parts if ROOT.joinpath(top, *parts).is_dir() else parts[:-1]
    return "/".join(rooms or parts)


def modules_imported(path: Path, top: str) -> set[str]:
    """All modules of a room that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == top:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {each for each in inner if ROOT.joinpath(*each.split(".")).is_dir()}
            modules |= {each for each in inner if (ROOT / f"{each.replace('.', '/')}.py").exists()}
            names |= modules or {node.module or ""}
    return names - {top}


@pytest.mark.parametrize("top", INSIDE)
def test_imports_inside_a_room_go_one_way(top: str) -> None:
    """An inner room imports what the table lets it, all of which stands before it."""
    imports: dict[str, set[str]] = {room: set() for room in INSIDE[top]}
    for path in sources(top):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if path.name == "__init__.py" else parts)
        if module != top:
            room = room_of(module)
            others = {room_of(other) for other in modules_imported(path, top)} - {room}
            imports.setdefault(room, set()).update(others)

    assert imports == INSIDE[top]
    rooms = list(imports)
    for room, others in imports.items():
        assert all(rooms.index(other) < rooms.index(room) for other in others), room


@pytest.mark.parametrize("top", ROOMS)
def test_a_folder_shows_its_subject_at_a_glance(top: str) -> None:
    """None has more than 20 modules."""
    folders = {path.parent for path in sources(top)}
    sizes = {str(folder): len(list(folder.glob("[a-z]*.py"))) for folder in folders}

    assert {folder: size for folder, size in sizes.items() if size > 20} == {}


def test_logic_knows_neither_kfp_nor_pulumi() -> None:
    """What a step computes can be used without any orchestrator."""
    logic = [*(ROOT / "components").glob("*/logic.py"), *sources("usecases")]

    wrong = {str(path): names for path in logic if (names := imported(path) & FORBIDDEN_IN_LOGIC)}

    assert logic
    assert wrong == {}


def test_every_component_is_logic_and_a_thin_wrapper() -> None:
    """Each step has both files, and the wrapper's function bodies stay under 25 lines."""
    folders = [path for path in (ROOT / "components").iterdir() if (path / "component.py").exists()]
    assert folders
    for folder in folders:
        assert (folder / "logic.py").exists(), folder
        for node in ast.walk(ast.parse((folder / "component.py").read_text())):
            if isinstance(node, ast.FunctionDef):
                body = node.body[-1].end_lineno - node.body[0].lineno + 1
                assert body <= 25, f"{folder.name}: {node.name} has {body} lines"


def test_no_module_hides_one_of_the_standard_library() -> None:
    """`infra/` becomes sys.path[0] when Pulumi runs it."""
    inside = {path.stem for path in (ROOT / "infra").iterdir()} - {"__init__", "__main__"}

    assert inside & sys.stdlib_module_names == set()


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    """Files are named by their subject."""
    names = {path.name for room in ROOMS for path in sources(room)}

    assert names & {"utils.py", "helpers.py", "common.py", "misc.py"} == set()


def test_functions_are_short() -> None:
    """No function has more than 50 lines."""
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": node.end_lineno - node.lineno + 1
        for room in ROOMS
        for path in sources(room)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > 50
    }

    assert long == {}


def test_every_test_file_is_collected() -> None:
    """A test that never runs is no test."""
    listing = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    collected = {line.split("::")[0] for line in listing.splitlines() if "::" in line}
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")}

    assert files - collected == set()


def test_test_files_are_named_apart() -> None:
    """One name, one file: a report's line points at one place."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]

    assert sorted(names) == sorted(set(names))


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


HTTPX_ASKS = {"Client", "AsyncClient", "get", "post", "put", "request", "stream"}
OUTSIDE = {"infra/external_http.py"}
"""The one place of clients for what is not the platform's."""


def test_each_http_client_says_whether_it_goes_by_the_environment() -> None:
    """A proxy of a person's sees no request to a service of ours; only downloads take one."""
    wrong = []
    for path in (path for room in (*ROOMS, "benchmarks") for path in sources(room)):
        name = str(path.relative_to(ROOT))
        for call in calls(path):
            called = ast.unparse(call.func)
            said = {word.arg: ast.unparse(word.value) for word in call.keywords}
            if called in {f"httpx.{word}" for word in HTTPX_ASKS} and name not in OUTSIDE:
                wrong += [f"{name}: {called}"] if said.get("trust_env") != "False" else []
            wrong += [f"{name}: {called}"] if called.endswith("urlopen") else []

    assert wrong == []


MAY_HAND_ON = {
    "infra/environment.py",  # composes
    "infra/clusters/kind/cli.py",  # kind and Docker are the person's own
    "infra/clusters/kind/host.py",
    "slipway/toolchain/golang.py",  # as is the Go that builds tools
    "slipway/version.py",  # and git, which says of which commit a run is
    "benchmarks/serving/running.py",  # and what is compared with us
    "benchmarks/stack_times.py",  # a person's shell, as it were
}


def hands_on(node: ast.AST) -> bool:
    """Whether an expression holds all of this process's environment, or a call inherits it."""
    match node:
        case ast.BinOp(op=ast.BitOr()):
            return "os.environ" in {ast.unparse(node.left), ast.unparse(node.right)}
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return any(key is None and ast.unparse(value) == "os.environ" for key, value in pairs)
        case ast.Call():
            return ast.unparse(node) in {"os.environ.copy()", "os.environ.items()"}
    return False


def test_nobody_hands_a_person_s_environment_on() -> None:
    """What the platform runs gets one that is composed."""
    found = {
        str(path.relative_to(ROOT))
        for room in (*ROOMS, "benchmarks")
        for path in sources(room)
        if any(hands_on(node) for node in ast.walk(ast.parse(path.read_text())))
    }

    assert found - MAY_HAND_ON == set()


SAFE = {"-P", "-I"}


def test_no_python_that_we_start_looks_for_modules_where_a_person_stands() -> None:
    """An interpreter of ours is told so each time it runs a module."""
    wrong = []
    for path in (path for room in ROOMS for path in sources(room)):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.List | ast.Tuple):
                words = [getattr(each, "value", None) for each in node.elts]
                executable = any(ast.unparse(each) == "sys.executable" for each in node.elts)
                if executable and "-m" in words and not SAFE & set(words[: words.index("-m")]):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")

    assert wrong == []
