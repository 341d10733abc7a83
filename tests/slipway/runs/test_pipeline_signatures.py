"""What pipelines can be given, read without importing them."""

from pathlib import Path

import pytest
import yaml

from infra.errors import SettingsError
from infra.home import ROOT
from infra.kubeflow.compiled import Compiled
from infra.kubeflow.parameters import typed
from pipelines import PIPELINES
from slipway.runs import pipeline_signatures
from slipway.runs.pipeline_signatures import Parameter

ODD = '''
from kfp import dsl

LEAST = 3

@dsl.pipeline(name="odd")
def pipeline(
    table: str,
    share: float = 0.5,
    fast: bool = False,
    names: list[str] = ["a"],
    more: dict | None = None,
    least: int = LEAST,
) -> None:
    """Do it.

    At length.

    Args:
        table: Which table;
            of several.
        fast: Whether
    """
'''


@pytest.mark.parametrize("name", PIPELINES)
def test_what_is_read_is_what_kfp_compiles(name: str) -> None:
    """Names, types, defaults and meanings; each parameter has a meaning."""
    text = (ROOT / "tests" / "golden" / f"{name}.yaml").read_text()
    compiled = Compiled(name, text)
    spec = next(iter(yaml.safe_load_all(text)))["root"]["inputDefinitions"]["parameters"]
    found = pipeline_signatures.read(pipeline_signatures.FOLDER / f"{name}.py")

    assert (found.name, found.description) == (name, compiled.description)
    assert {each.name: each.kind for each in found.parameters} == compiled.parameters
    for each in found.parameters:
        assert each.meaning == spec[each.name]["description"]
        if each.default is None:
            assert not spec[each.name].get("isOptional")
        else:
            read = typed({each.name: each.kind}, {each.name: each.default})
            assert read == {each.name: spec[each.name]["defaultValue"]}


def test_any_signature_that_kfp_takes_is_read(tmp_path: Path) -> None:
    """Types with and without parts, defaults of all kinds, meanings over several lines."""
    file = tmp_path / "odd.py"
    file.write_text(ODD)

    found = pipeline_signatures.read(file)

    assert (found.name, found.description) == ("odd", "Do it.")
    assert found.parameters == (
        Parameter("table", "STRING", None, "Which table; of several."),
        Parameter("share", "NUMBER_DOUBLE", "0.5", ""),
        Parameter("fast", "BOOLEAN", "false", "Whether"),
        Parameter("names", "LIST", '["a"]', ""),
        Parameter("more", "STRUCT", "null", ""),
        Parameter("least", "NUMBER_INTEGER", "LEAST", ""),
    )


def test_what_must_be_given_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter without a default that nobody set."""
    (tmp_path / "odd.py").write_text(ODD)
    monkeypatch.setattr(pipeline_signatures, "FOLDER", tmp_path)
    monkeypatch.setattr(pipeline_signatures, "PIPELINES", ("odd",))

    pipeline_signatures.check("odd", {"table": "t", "fast": "true"})
    with pytest.raises(SettingsError, match=r"^odd needs table: give it by --set table=\.\.\.$"):
        pipeline_signatures.check("odd", {})
    with pytest.raises(SettingsError, match=r"^odd: fast='yes' is not true or false:"):
        pipeline_signatures.check("odd", {"table": "t", "fast": "yes"})


@pytest.mark.parametrize(
    ("text", "said"), [("graph = 1", "has no function `pipeline`"), ("\ndef (", r"odd\.py:2: ")]
)
def test_a_file_that_is_no_pipeline_is_named(tmp_path: Path, text: str, said: str) -> None:
    """In one line, as a name that is none."""
    (tmp_path / "odd.py").write_text(text)

    with pytest.raises(SettingsError, match=said):
        pipeline_signatures.read(tmp_path / "odd.py")
