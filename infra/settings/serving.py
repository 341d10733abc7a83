"""The model server as settings: what it serves, to whom, and what it keeps of its answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from infra.settings.fields import ShortName, Tree

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
AliasName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


class Slots(Tree):
    """The alias in the model registry that each slot follows; what has no version is empty."""

    champion: AliasName = Field(default="champion", description="What answers.")
    challenger: AliasName = Field(
        default="challenger", description="What answers the share that `slipway traffic` gives it."
    )
    shadow: AliasName = Field(
        default="shadow", description="What scores beside them and answers nobody."
    )


class PredictionLog(Tree):
    """Predictions and labels as Delta tables in the platform's object store."""

    enabled: bool = Field(default=True, description="false: neither is kept.")
    flush_seconds: float = Field(
        default=5.0, gt=0, le=60, description="Longest wait of a prediction for its table."
    )
    journal_mib: int = Field(
        default=256,
        ge=1,
        le=65_536,
        description="What may wait on disk for the store; beyond it predictions are not logged.",
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
    workers: int = Field(default=1, ge=1, le=64, description="Processes that answer.")
    poll_seconds: float = Field(
        default=1.0, ge=0.1, le=3600, description="How often it asks the registry for releases."
    )
    grpc: bool = Field(default=True, description="The same protocol over gRPC, on its own port.")
    max_body_bytes: int = Field(
        default=8 * 2**20, ge=1024, le=2**30, description="Size of a request; beyond it 413."
    )
    max_rows: int = Field(
        default=10_000, ge=1, le=1_000_000, description="Rows of a request; beyond it 422."
    )
    max_seconds: float = Field(
        default=10.0, gt=0, le=3600, description="How long a request may take; then 408."
    )
    max_concurrency: int = Field(
        default=512, ge=1, le=100_000, description="Requests a worker has in hand; then 429."
    )
    max_explained: int = Field(
        default=200_000,
        ge=1,
        le=10_000_000,
        description="Rows that are scored to explain one request; beyond it 422.",
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
