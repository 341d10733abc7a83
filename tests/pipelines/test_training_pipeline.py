"""The training pipeline as compiled, and the form of its components."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from contracts.variables import SIGNING_KEY
from pipelines import PIPELINES
from pipelines.compile import compile_to, load
from pipelines.steps import SECRET_VARIABLES, VARIABLES

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
STEPS = (
    "ingest",
    "validate",
    "split",
    "train",
    "evaluate",
    "gate",
    "package",
    "register",
    "release",
)


@pytest.mark.parametrize("name", PIPELINES)
def test_compiled_pipeline_is_the_golden_one(name, tmp_path):
    """The YAML is what was last looked at; `python -m pipelines.compile` refreshes it."""
    compile_to(tmp_path)
    written = (tmp_path / f"{name}.yaml").read_text()
    assert written == (GOLDEN / f"{name}.yaml").read_text()


def test_nothing_after_the_gate_runs_for_a_rejected_model():
    """Package, register and release are inside the condition on the gate's verdict."""
    spec = load("training").pipeline_spec
    inside = spec.components["comp-condition-1"].dag.tasks
    condition = spec.root.dag.tasks["condition-1"].trigger_policy.condition
    assert set(inside) == {"package", "register", "release"}
    assert condition.endswith("['pipelinechannel--gate-Output'] == 'accepted'")


def test_every_step_runs_the_image_without_installing():
    """No step installs anything when it runs."""
    document = next(yaml.safe_load_all((GOLDEN / "training.yaml").read_text()))
    executors = document["deploymentSpec"]["executors"]
    assert sorted(executors) == sorted(f"exec-{step}" for step in STEPS)
    assert {executor["container"]["image"] for executor in executors.values()} == {
        "slipway/components"
    }
    assert "pip install" not in (GOLDEN / "training.yaml").read_text()


@pytest.mark.parametrize("step", STEPS)
def test_wrapper_is_thin(step):
    """A component's function has a body of at most 25 lines."""
    tree = ast.parse((ROOT / "components" / step / "component.py").read_text())
    (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    first, last = function.body[0].lineno, function.body[-1].end_lineno
    assert last - first + 1 <= 25


@pytest.mark.parametrize("path", sorted((ROOT / "components").rglob("*.py")), ids=str)
def test_logic_knows_neither_kfp_nor_pulumi(path):
    """Only `component.py` imports kfp, and nothing imports pulumi."""
    imported = {
        (name.name if isinstance(node, ast.Import) else node.module or "").partition(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert imported & {"kfp", "pulumi"} == ({"kfp"} if path.name == "component.py" else set())


def test_unknown_pipeline_is_not_loaded():
    """A name that is not listed is refused, whatever modules there are."""
    with pytest.raises(KeyError):
        load("compile")


def test_every_step_says_what_it_asks_of_a_cluster():
    """Each has a size, and its environment from the namespace's two objects; one has the key."""
    document, platform = yaml.safe_load_all((GOLDEN / "training.yaml").read_text())
    asked = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for label, executor in document["deploymentSpec"]["executors"].items():
        resources = executor["container"]["resources"]
        assert {"resourceCpuLimit", "resourceCpuRequest"} < set(resources), label
        assert {"resourceMemoryLimit", "resourceMemoryRequest"} < set(resources), label
        variables = [
            pair["envVar"]
            for kind in ("configMapAsEnv", "secretAsEnv")
            for source in asked[label][kind]
            for pair in source["keyToEnv"]
        ]
        signs = [SIGNING_KEY] if label == "exec-package" else []
        assert variables == [*VARIABLES, *SECRET_VARIABLES, *signs], label


def test_only_what_depends_on_its_inputs_alone_is_cached():
    """A cached gate, registration or release would not happen; a cached ingest sees no news."""
    spec = load("training").pipeline_spec
    tasks = {**spec.root.dag.tasks, **spec.components["comp-condition-1"].dag.tasks}
    cached = {name for name, task in tasks.items() if task.caching_options.enable_cache}
    repeated = {name for name, task in tasks.items() if task.retry_policy.max_retry_count}
    assert cached & set(STEPS) == {"validate", "split", "train", "evaluate"}
    assert repeated == {"split", "train", "evaluate"}
