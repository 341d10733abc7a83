"""The model server as settings: what it serves, to whom, and what it keeps of its answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from contracts import serving_limits, slots
from contracts.serving_limits import Limit
from infra.settings.fields import ShortName, Tree

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
AliasName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


MIB = 2**20


def _limited(limit: Limit[int] | Limit[float], description: str) -> Any:
    return Field(default=limit.default, ge=limit.least, le=limit.most, description=description)


class Slots(Tree):
    """The alias in the model registry that each slot follows; what has no version is empty."""

    champion: AliasName = Field(default=slots.CHAMPION, description="What answers.")
    challenger: AliasName = Field(
        default=slots.CHALLENGER,
        description="What answers the share that `slipway traffic` gives it.",
    )
    shadow: AliasName = Field(
        default=slots.SHADOW, description="What scores beside them and answers nobody."
    )


class PredictionLog(Tree):
    """Predictions and labels as Delta tables in the platform's object store."""

    enabled: bool = Field(default=True, description="false: neither is kept.")
    flush_seconds: float = _limited(
        serving_limits.FLUSH_SECONDS, "Longest wait of a prediction for its table."
    )
    journal_mib: int = _limited(
        Limit(*(size // MIB for size in serving_limits.JOURNAL_BYTES)),
        "What may wait on disk for the store; beyond it predictions are not logged.",
    )


def _public_key(text: str) -> str:
    if text and not text.lstrip().startswith("-----BEGIN PUBLIC KEY-----"):
        raise ValueError("should be PEM text that begins with -----BEGIN PUBLIC KEY-----")
    return text


class Signing(Tree):
    """Whose models are served: those signed with the platform's key, and with yours."""

    signatures: Literal["required", "off"] = Field(
        default="required", description="required: a model without a trusted signature is refused."
    )
    key: int = Field(
        default=1,
        ge=1,
        description="Count it up for a new key: the one before stays trusted, those before it not.",
    )
    public_key: Annotated[str, AfterValidator(_public_key)] = Field(
        default="", description="PEM: models signed elsewhere are trusted, beside our own."
    )


class Serving(Tree):
    """The model server."""

    model: str = Field(
        default="flight-delays",
        pattern=r"^[a-z0-9][a-z0-9-]*$",
        description="The registered model that is served.",
    )
    slots: Slots = Slots()
    workers: int = _limited(serving_limits.WORKERS, "Processes that answer.")
    poll_seconds: float = _limited(
        serving_limits.POLL_SECONDS, "How often it asks the registry for releases."
    )
    grpc: bool = Field(default=True, description="The same protocol over gRPC, on its own port.")
    max_body_bytes: int = _limited(
        serving_limits.MAX_BODY_BYTES, "Size of a request; beyond it 413."
    )
    max_rows: int = _limited(serving_limits.MAX_ROWS, "Rows of a request; beyond it 422.")
    max_seconds: float = _limited(
        serving_limits.MAX_SECONDS, "How long a request may take; then 408."
    )
    max_concurrency: int = _limited(
        serving_limits.MAX_CONCURRENCY, "Requests a worker has in hand; then 429."
    )
    max_explained: int = _limited(
        serving_limits.MAX_EXPLAINED, "Rows that are scored to explain one request; beyond it 422."
    )
    log_requests: bool = Field(
        default=False, description="A line also for requests that went well; others always."
    )
    log: PredictionLog = PredictionLog()
    signing: Signing = Signing()
    api_keys: list[ShortName] = Field(
        default_factory=list,
        description="Callers: each has a secret `api-key-<name>`; without any, no key is asked.",
    )
    api_key_hashes: dict[ShortName, Sha256] = Field(
        default_factory=dict,
        description="Callers whose keys `slipway keys new` made, by the SHA-256 of the key.",
    )

    @model_validator(mode="after")
    def _callers_have_one_key(self) -> Serving:
        if both := sorted(set(self.api_keys) & self.api_key_hashes.keys()):
            raise ValueError(f"api_keys and api_key_hashes both have {', '.join(both)}")
        return self
