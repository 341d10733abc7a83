"""Where a stack stands up, as settings: plain processes, or Kubernetes from somewhere.

Each kind has its own fields; what every cluster's stack may say is `OnKubernetes`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, SecretStr, Tag

from infra.settings.fields import (
    AddressRange,
    BuildSecret,
    HostName,
    NamespaceName,
    Platform,
    PortNumber,
    Tree,
    VariableName,
)


class Processes(Tree):
    """Plain processes on this machine, supervised, on 127.0.0.1 only."""

    kind: Literal["processes"] = "processes"
    ports: dict[str, PortNumber] = Field(
        default_factory=dict,
        description="Fixed ports by service, or service/port; others get free ones.",
    )
    log_megabytes: int = Field(default=5, ge=1, le=1024, description="Size at which a log rotates.")
    log_files: int = Field(default=3, ge=1, le=20, description="Rotated logs kept a service.")
    step_variables: list[VariableName] = Field(
        default_factory=list,
        description="Variables of the shell of `slipway run` and `up` that steps find, too.",
    )


class BuiltinDatabase(Tree):
    """One MariaDB of the platform's own."""

    kind: Literal["builtin"] = "builtin"
    gib: int = Field(default=10, ge=1, le=1024, description="Size of its volume.")


def _quotable(password: SecretStr) -> SecretStr:
    """It goes into files of several programs, each with quoting rules of its own."""
    if not re.fullmatch(r"[A-Za-z0-9._~!@$%^*()+=:,/?-]+", password.get_secret_value()):
        raise ValueError("should be of letters, digits and ._~!@$%^*()+=:,/?- only")
    return password


class ExternalDatabase(Tree):
    """A MySQL or MariaDB that somebody else looks after.

    The databases `mlpipeline`, `metadb` and `mlflow` are there, and the user owns them.
    """

    kind: Literal["external"] = "external"
    host: HostName = Field(description="Where the MySQL server is.")
    port: int = Field(default=3306, ge=1, le=65535, description="Its port.")
    user: str = Field(min_length=1, description="The user that owns the three databases.")
    password: Annotated[SecretStr, AfterValidator(_quotable)] = Field(
        description="Set it with `pulumi config set --secret --path`."
    )


class BuiltinObjectStore(Tree):
    """One versitygw of the platform's own, over a volume."""

    kind: Literal["builtin"] = "builtin"
    gib: int = Field(default=20, ge=1, le=65536, description="Size of its volume.")


class S3(Tree):
    """Amazon S3, or another store that speaks it. Its buckets are there."""

    kind: Literal["s3"] = "s3"
    endpoint: str = Field(
        default="https://s3.amazonaws.com", pattern=r"^https?://[^/\s]+$", description="Its URL."
    )
    region: str = Field(default="us-east-1", description="The region of the buckets.")
    bucket_prefix: str = Field(
        pattern=r"^[a-z0-9][a-z0-9.-]*$",
        max_length=40,
        description="Buckets are <prefix>-lake, <prefix>-mlflow and <prefix>-mlpipeline.",
    )
    access_key: SecretStr = Field(description="Set it with `pulumi config set --secret --path`.")
    secret_key: SecretStr = Field(description="Set it with `pulumi config set --secret --path`.")


class Gcs(Tree):
    """Google Cloud Storage by its S3 interface, with HMAC keys. Its buckets are there."""

    kind: Literal["gcs"] = "gcs"
    bucket_prefix: str = Field(
        pattern=r"^[a-z0-9][a-z0-9.-]*$",
        max_length=40,
        description="Buckets are <prefix>-lake, <prefix>-mlflow and <prefix>-mlpipeline.",
    )
    access_key: SecretStr = Field(description="An HMAC key of a service account.")
    secret_key: SecretStr = Field(description="Its secret.")


Database = Annotated[
    Annotated[BuiltinDatabase, Tag("builtin")] | Annotated[ExternalDatabase, Tag("external")],
    Discriminator("kind"),
]
ObjectStore = Annotated[
    Annotated[BuiltinObjectStore, Tag("builtin")]
    | Annotated[S3, Tag("s3")]
    | Annotated[Gcs, Tag("gcs")],
    Discriminator("kind"),
]


class ReleasedImage(Tree):
    """Our own image as somebody built it before."""

    kind: Literal["released"] = "released"
    reference: str | None = Field(
        default=None,
        pattern=r"^[^/\s]+(/[^/\s]+)*$",
        description="The whole reference; else the one of infra/versions.py.",
    )


class ImageBuild(Tree):
    """How our own image is built, by Docker's buildx on this machine."""

    kind: Literal["built"] = "built"
    builder: str | None = Field(
        default=None, min_length=1, description="A builder of buildx's; else its current one."
    )
    platforms: list[Platform] = Field(
        default=["linux/amd64", "linux/arm64"],
        min_length=1,
        description="What machines it is built for.",
    )
    secrets: dict[BuildSecret, str] = Field(
        default_factory=dict,
        description="Files that a private index or a proxy's own authority needs, by name.",
    )


class PushedImage(ImageBuild):
    """Our own image, built here and pushed to where the cluster can pull it."""

    push_to: str = Field(
        pattern=r"^[^/\s:@]+(:\d+)?(/[a-z0-9._-]+)+$",
        description="HOST[:PORT]/NAME, without a tag.",
    )


class Images(Tree):
    """Where the cluster pulls from."""

    registry: str | None = Field(
        default=None,
        pattern=r"^[^/\s:]+(:\d+)?(/[a-z0-9._-]+)*$",
        description="A private registry that holds every image (`slipway images mirror`).",
    )
    pull_secret: str | None = Field(
        default=None, description="A Secret of the namespace, of type dockerconfigjson."
    )
    ours: Annotated[
        Annotated[ReleasedImage, Tag("released")] | Annotated[ImageBuild, Tag("built")],
        Discriminator("kind"),
    ] = ReleasedImage()


class KindImages(Images):
    """The same for a cluster of kind's: it has a registry that a build is pushed to."""

    ours: Annotated[
        Annotated[ReleasedImage, Tag("released")] | Annotated[ImageBuild, Tag("built")],
        Discriminator("kind"),
    ] = ImageBuild()


class ExistingImages(Images):
    """The same for a cluster of somebody else's: a build must be told where to go."""

    ours: Annotated[
        Annotated[ReleasedImage, Tag("released")] | Annotated[PushedImage, Tag("built")],
        Discriminator("kind"),
    ] = ReleasedImage()


class Gateway(Tree):
    """A Gateway of the cluster's Gateway API, with a route to each page of the platform."""

    class_name: str = Field(min_length=1, description="The GatewayClass to use.")
    hostname: HostName = Field(description="Pages are at <service>.<hostname>.")
    cluster_issuer: str | None = Field(
        default=None, description="cert-manager's ClusterIssuer; without it, plain HTTP."
    )
    proxies: NamespaceName | None = Field(
        default=None,
        description="The namespace its proxies run in; else ours, as Gateway API labels them.",
    )


class OnKubernetes(Tree):
    """What every cluster's stack may say, whoever made the cluster."""

    namespace: NamespaceName = Field(default="slipway", description="Made and owned by the stack.")
    storage_class: str | None = Field(default=None, description="Else the cluster's default.")
    api_servers: AddressRange = Field(
        default="0.0.0.0/0",
        description="Where the API servers answer: what services with rights may reach (CIDR).",
    )
    custom_resources: Literal["own", "existing"] = Field(
        default="own",
        description="existing: the definitions of Argo and KFP belong to somebody else.",
    )
    images: Images = Images()
    database: Database = BuiltinDatabase()
    object_store: ObjectStore = BuiltinObjectStore()
    gateway: Gateway | None = None


class Existing(OnKubernetes):
    """A namespace of a Kubernetes cluster that somebody else made and looks after."""

    kind: Literal["existing"] = "existing"
    images: ExistingImages = ExistingImages()
    context: str = Field(min_length=1, description="The kubeconfig's context; no other is used.")
    kubeconfig: str | None = Field(
        default=None, description="Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config."
    )


class Kind(OnKubernetes):
    """A cluster of kind's, in Docker on this machine, made and deleted by the stack."""

    kind: Literal["kind"] = "kind"
    cluster: NamespaceName = Field(default="slipway", description="The cluster's name.")
    workers: int = Field(default=0, ge=0, le=16, description="Nodes beside the control plane.")
    registry_port: PortNumber = Field(
        default=5001, description="Where its image registry answers on this machine."
    )
    images: KindImages = KindImages()


def _kind(value: object) -> object:
    """The kind that a target says it is; plain processes where it says nothing."""
    if isinstance(value, dict):
        return value.get("kind", "processes")
    return getattr(value, "kind", None)


Target = Annotated[
    Annotated[Processes, Tag("processes")]
    | Annotated[Existing, Tag("existing")]
    | Annotated[Kind, Tag("kind")],
    Discriminator(_kind),
]
