"""ML Metadata: what went into which artifact. KFP 2 needs it, KFP 3 no longer does.

With it goes Envoy, by which KFP's web page asks it. Its data and KFP's own belong together:
back up and restore both databases at once, or cached steps will point nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from infra import versions
from infra.service import Health, Resources, Service, config, host, hostname, secret
from infra.services import database

if TYPE_CHECKING:
    from infra.settings.tree import Settings

NAME: Final = "metadata-grpc-service"
PROXY: Final = "metadata-envoy-service"
_PORT, _PROXY_PORT = 8080, 9090
_CONFIG, _ENVOY = "store.textproto", "envoy.yaml"
_TYPE: Final = "type.googleapis.com/envoy.extensions"


def services(settings: Settings) -> list[Service]:
    """The store, and its proxy where there is a page to use it."""
    return [_store(settings), *([_proxy()] if settings.pipelines.ui else [])]


def ui_environment() -> dict[str, str]:
    """Where KFP's web page finds the proxy."""
    return {
        "METADATA_ENVOY_SERVICE_SERVICE_HOST": hostname(PROXY),
        "METADATA_ENVOY_SERVICE_SERVICE_PORT": str(_PROXY_PORT),
    }


def _store(settings: Settings) -> Service:
    there = database.connection(settings, database.LINEAGE)
    return Service(
        name=NAME,
        command=(
            "/bin/metadata_store_server",
            f"--grpc_port={_PORT}",
            f"--metadata_store_server_config_file={config(_CONFIG)}",
            # It keeps all in memory when it cannot read its file; with these, which lack the
            # password, it ends instead.
            f"--mysql_config_host={there.host}",
            f"--mysql_config_port={there.port}",
            f"--mysql_config_database={there.database}",
            "--grpc_channel_arguments=grpc.max_metadata_size=16384",
        ),
        image=versions.IMAGES["mlmd"],
        ports=("grpc",),
        port_numbers={"grpc": _PORT},
        files={_CONFIG: _configuration(there)},
        health=Health(port="grpc", seconds=300),
        resources=Resources(cpu=10, memory=64, memory_limit=256),
        talks_to=there.talks_to,
        egress_ports=there.egress_ports,
        step_ports=("grpc",),
        role="pipelines",
    )


def _configuration(there: database.Connection) -> str:
    """A MetadataStoreServerConfig as text."""
    return f"""\
connection_config {{
  mysql {{
    host: "{there.host}"
    port: {there.port}
    database: "{there.database}"
    user: "{there.user}"
    password: "{secret(there.password)}"
  }}
}}
migration_options {{ enable_upgrade_migration: true }}
"""


def _proxy() -> Service:
    return Service(
        name=PROXY,
        command=("envoy", "--config-path", config(_ENVOY), "--concurrency", "1"),
        image=versions.IMAGES["envoy"],
        port_numbers={"http": _PROXY_PORT},
        files={_ENVOY: _envoy()},
        health=Health(),
        resources=Resources(cpu=10, memory=32, memory_limit=256),
        talks_to=(NAME,),
        role="pipelines",
    )


def _envoy() -> str:
    """Browsers' gRPC in, real gRPC out; no administration page."""
    router = {
        "name": "metadata",
        "virtual_hosts": [
            {
                "name": "metadata",
                "domains": ["*"],
                "routes": [
                    {
                        "match": {"prefix": "/"},
                        "route": {
                            "cluster": "metadata",
                            "max_stream_duration": {"grpc_timeout_header_max": "0s"},
                        },
                    }
                ],
            }
        ],
    }
    manager = {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "codec_type": "AUTO",
        "stat_prefix": "metadata",
        "route_config": router,
        "http_filters": [_filter("grpc_web", "GrpcWeb"), _filter("router", "Router")],
    }
    listener = {
        "name": "web",
        "address": _socket(host(), _PROXY_PORT),
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": manager,
                    }
                ]
            }
        ],
    }
    return yaml.safe_dump(
        {"static_resources": {"listeners": [listener], "clusters": [_cluster()]}}, sort_keys=False
    )


def _cluster() -> dict[str, Any]:
    return {
        "name": "metadata",
        "type": "LOGICAL_DNS",
        "connect_timeout": "30s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_TYPE}.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
        "load_assignment": {
            "cluster_name": "metadata",
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": _socket(hostname(NAME), _PORT)}}]}
            ],
        },
    }


def _filter(name: str, kind: str) -> dict[str, Any]:
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": f"{_TYPE}.filters.http.{name}.v3.{kind}"},
    }


def _socket(address: str, number: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": number}}
