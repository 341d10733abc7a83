"""MLflow's way to a packaged model: `mlflow.pyfunc.load_model("models:/NAME@champion")`.

Owns the artifact repository for `oci://`, which MLflow finds by the entry point
`mlflow.artifact_repository` and asks for the files of a version, and the model as MLflow calls it:
a data frame of raw features in, one of outputs out. The file MLmodel, by which MLflow knows a
model, is written on the way down: it follows from the signature, and a package that has it would
be another package for one reader's sake.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import yaml
from mlflow.entities import FileInfo
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.store.artifact.artifact_repo import ArtifactRepository

from components import endpoints
from components.registry_oci import Registry
from contracts.model_package import GRAPH, SIGNATURE, Source

if TYPE_CHECKING:
    import polars as pl

    from usecases.contract import RawInput

SCHEME: Final = "oci://"
MLMODEL: Final = "MLmodel"


class OciArtifactRepository(ArtifactRepository):
    """The files of `oci://REPOSITORY@DIGEST`, each checked against its digest; read only.

    The registry is the environment's `SLIPWAY_REGISTRY`, as for steps: `slipway env` prints it.
    """

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """List the files; there are no folders."""
        repository, digest, name = self._parsed(path or "")
        if name:
            return []
        with Registry(endpoints.registry()) as registry:
            sizes = registry.sizes(repository, digest)
        root = f"{path}/" if path else ""
        return [
            FileInfo(f"{root}{name}", is_dir=False, file_size=size)
            for name, size in {**sizes, MLMODEL: None}.items()
        ]

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        repository, digest, name = self._parsed(remote_file_path)
        with Registry(endpoints.registry()) as registry:
            if name == MLMODEL:
                signature = registry.pull(repository, digest, SIGNATURE)
                content = mlmodel(signature, str(Source(repository, digest)))
            else:
                content = registry.pull(repository, digest, name)
        Path(local_path).write_bytes(content)

    def _parsed(self, path: str) -> tuple[str, str, str]:
        """Repository, digest and file; MLflow cuts an address at its last slash, digest and all."""
        whole = f"{self.artifact_uri.removeprefix(SCHEME).strip('/')}/{path}".rstrip("/")
        repository, _, rest = whole.partition("@")
        digest, _, name = rest.partition("/")
        if not (repository and digest):
            raise _refused(f"{SCHEME}{whole} is not of the form oci://REPOSITORY@DIGEST")
        return repository, digest, name

    def log_artifact(self, *_: object, **__: object) -> NoReturn:
        """Refuse: a package is whole, and signed."""
        raise _refused(f"{self.artifact_uri} is read only: the training pipeline makes packages")

    log_artifacts = log_artifact


def mlmodel(signature: bytes, source: str) -> bytes:
    """Return the file by which MLflow knows how to load the package.

    It states no MLflow signature: MLflow would hold a data frame against it before we see it, and
    knows neither polars nor that float64 fits float32. `metadata` has the inputs in our own words.
    """
    inputs = json.loads(signature)["inputs"]
    known = {
        "flavors": {
            # The graph is of no version of Python; MLflow warns where none is stated.
            "python_function": {
                "loader_module": __name__,
                "python_version": platform.python_version(),
            },
            "onnx": {"data": GRAPH, "providers": ["CPUExecutionProvider"]},
        },
        "metadata": {"source": source, "inputs": inputs},
    }
    return yaml.safe_dump(known, sort_keys=False, allow_unicode=True).encode()


class PackagedModel:
    """A packaged graph that takes data frames."""

    def __init__(self, folder: Path) -> None:
        """Read the package's graph and signature."""
        from usecases.contract import RawInput  # noqa: PLC0415 - MLflow's server loads this, too

        signature = json.loads((folder / SIGNATURE).read_bytes())
        self._graph = (folder / GRAPH).read_bytes()
        self._inputs = tuple(RawInput(x["name"], x["datatype"], "") for x in signature["inputs"])
        self._outputs = tuple(x["name"] for x in signature["outputs"])

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return a row of outputs for each row of raw features: a polars or a pandas data frame.

        It is of the kind that was given, with pandas of the same index, too. Columns that the model
        does not know are passed over; a missing number is one to the model.

        Raises:
            MlflowException: a column is missing, or has values of another type.
        """
        import polars as pl  # noqa: PLC0415 - as above

        from components import graph  # noqa: PLC0415 - as above

        if params:
            raise _refused("the model takes no parameters")
        given = data if isinstance(data, pl.DataFrame) else pl.from_pandas(data)
        rows = _typed(given, self._inputs)
        found = {
            name: graph.run(self._graph, rows, self._inputs, name)[:, 0] for name in self._outputs
        }
        answer = pl.DataFrame(found)
        return answer if isinstance(data, pl.DataFrame) else answer.to_pandas().set_axis(data.index)


def _load_pyfunc(path: str) -> PackagedModel:
    """Load what MLflow has downloaded; it finds this by its name."""
    return PackagedModel(Path(path))


def _typed(table: pl.DataFrame, inputs: tuple[RawInput, ...]) -> pl.DataFrame:
    if missing := [item.name for item in inputs if item.name not in table.columns]:
        raise _refused(f"the model needs the columns {', '.join(missing)}")
    return table.select(_column(table[item.name], item) for item in inputs)


def _column(values: pl.Series, item: RawInput) -> pl.Series:
    """The column as the graph takes it: nothing is rounded, cut off or made up on the way."""
    import polars as pl  # noqa: PLC0415 - as above

    try:
        match item.datatype:
            case "FP32":
                return values.cast(pl.Float32).fill_null(float("nan"))
            case "INT64":
                typed = values.cast(pl.Int64)
                same = (typed == values).fill_null(value=False).all()
            case _:
                typed, same = values.cast(pl.String), values.dtype in {pl.String, pl.Categorical}
    except pl.exceptions.PolarsError as error:
        raise _refused(f"column {item.name} is not {item.datatype}: {error}") from None
    if not same or typed.null_count():
        raise _refused(f"column {item.name} must be {item.datatype} in every row")
    return typed


def _refused(message: str) -> MlflowException:
    return MlflowException(message, INVALID_PARAMETER_VALUE)
