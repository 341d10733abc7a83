"""Loki's configuration: one process, everything in one folder, as little memory as may be."""

from __future__ import annotations

from typing import Any

import yaml

_LOOPBACK = "127.0.0.1"
_CACHE_MB = 16
# Loki's own format of this day's releases; a change of it adds a second entry.
_SCHEMA = {"store": "tsdb", "object_store": "filesystem", "schema": "v13"}


def configuration(folder: str, retention: str) -> str:
    """`loki.yml` that keeps logs in `folder` for `retention`, whole days.

    Where it listens is said by its flags.
    """
    return yaml.safe_dump(
        {
            "auth_enabled": False,
            "analytics": {"reporting_enabled": False},
            # Its parts speak to each other over gRPC, in this process only.
            "server": {"grpc_listen_address": _LOOPBACK, "log_level": "warn"},
            "common": _common(folder),
            "schema_config": {
                "configs": [
                    {"from": "2026-01-01", **_SCHEMA, "index": {"prefix": "i_", "period": "24h"}}
                ]
            },
            "compactor": {
                "working_directory": f"{folder}/compactor",
                "retention_enabled": True,
                "delete_request_store": "filesystem",
            },
            "limits_config": {"retention_period": retention, "volume_enabled": True},
            **_small(folder),
        },
        sort_keys=False,
    )


def _common(folder: str) -> dict[str, Any]:
    return {
        "instance_addr": _LOOPBACK,
        "path_prefix": folder,
        "replication_factor": 1,
        "ring": {"instance_addr": _LOOPBACK, "kvstore": {"store": "inmemory"}},
        "storage": {
            "filesystem": {
                "chunks_directory": f"{folder}/chunks",
                "rules_directory": f"{folder}/rules",
            }
        },
    }


def _small(folder: str) -> dict[str, Any]:
    """Caches that are megabytes where Loki's own default is a gigabyte."""
    cache = {"embedded_cache": {"enabled": True, "max_size_mb": _CACHE_MB}}
    return {
        "chunk_store_config": {"chunk_cache_config": cache},
        "query_range": {"results_cache": {"cache": cache}},
        "ingester": {"wal": {"dir": f"{folder}/wal", "replay_memory_ceiling": "64MB"}},
    }
