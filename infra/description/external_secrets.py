"""The secrets of external stores and databases, by the names that services have for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.services import database, object_store
from infra.settings.target import S3, ExternalDatabase, Gcs

if TYPE_CHECKING:
    from pydantic import SecretStr

    from infra.settings.target import OnKubernetes


def secrets(cluster: OnKubernetes) -> dict[str, str]:
    """Keys and passwords of what somebody else looks after; everything else is generated."""
    texts: dict[str, SecretStr] = {}
    if isinstance(cluster.database, ExternalDatabase):
        texts[database.GIVEN_PASSWORD] = cluster.database.password
    if isinstance(cluster.object_store, S3 | Gcs):
        texts[object_store.ACCESS_KEY] = cluster.object_store.access_key
        texts[object_store.SECRET_KEY] = cluster.object_store.secret_key
    return {name: text.get_secret_value() for name, text in texts.items()}
