"""What rooms agree upon reads as it was written, and depends on nothing."""

import ast
from pathlib import Path

import pytest

from contracts import metrics, mlflow_api, model_package, steps, variables
from contracts.model_package import Source
from contracts.steps import Refusal

DIGEST = "sha256:" + "0a" * 32


def test_a_source_is_read_as_it_is_written() -> None:
    """MLflow keeps the text, and the server reads it."""
    source = Source("models/diamond-price", DIGEST)

    assert Source.parse(str(source)) == source


@pytest.mark.parametrize(
    "text", ["", "s3://bucket/model", f"oci://Models/x@{DIGEST}", "oci://models/x@sha256:12"]
)
def test_what_is_no_source_is_refused(text: str) -> None:
    """By what a source looks like."""
    with pytest.raises(ValueError, match="is not oci://<repository>@sha256:<digest>"):
        Source.parse(text)


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [("no rows in 2013-04", "choose another window"), ("a [to mend: b", "c"), ("two\nlines", "\n")],
)
def test_a_refusal_is_one_line_that_is_read_back(cause: str, remedy: str) -> None:
    """A runner sees only what a step printed."""
    line = str(Refusal.of(cause, remedy))

    assert "\n" not in line
    assert Refusal.parse(line) == (" ".join(cause.split()), " ".join(remedy.split()))


def test_any_other_line_is_no_refusal() -> None:
    """A traceback's last line is its own word."""
    assert Refusal.parse("KeyError: 'month'") is None


ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("components", "infra", "monitoring", "pipelines", "serving", "slipway", "usecases")
AGREED = (metrics, mlflow_api, model_package, steps, variables)
NAMES = {
    value: f"{module.__name__}.{name}"
    for module in AGREED
    for name, value in vars(module).items()
    if isinstance(value, str) and name.isupper()
}


def test_what_is_agreed_is_typed_nowhere_else() -> None:
    """Whoever needs one of these names imports it."""
    typed = {
        f"{path.relative_to(ROOT)}:{node.lineno}": NAMES[node.value]
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in NAMES
    }

    assert typed == {}
