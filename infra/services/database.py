"""The database on Kubernetes: one MariaDB for Kubeflow Pipelines, its lineage and MLflow.

Where somebody else looks after a database, this module only says how it is reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra import versions
from infra.service import Data, Health, Resources, Service, config, data, host, hostname, secret
from infra.settings.target import ExternalDatabase

if TYPE_CHECKING:
    from infra.settings.target import BuiltinDatabase
    from infra.settings.tree import Settings

NAME: Final = "database"
PORT: Final = 3306
PIPELINES, LINEAGE, TRACKING = "mlpipeline", "metadb", "mlflow"
EXTERNAL_PASSWORD: Final = "database-password"  # noqa: S105 - the name of a secret
# It may come by the socket alone, and do nothing.
_PROBE: Final = "probe"
_INIT, _SOCKET = "init.sql", "/tmp/mariadb.sock"  # noqa: S108 - the pod's own scratch


@dataclass(frozen=True)
class Connection:
    """How a client reaches its database; `password` is the name of a secret.

    `talks_to` and `egress_ports` are what the client's Service says of it.
    """

    host: str
    port: str
    user: str
    password: str
    database: str
    talks_to: tuple[str, ...]
    egress_ports: tuple[int, ...]


def connection(settings: Settings, database: str) -> Connection:
    """The way to one of the databases, by the user that owns it.

    Raises:
        ValueError: the stack has no database: it is not on Kubernetes.
    """
    cluster = settings.cluster
    if cluster is None:
        raise ValueError("processes keep their data in SQLite")
    if isinstance(cluster.database, ExternalDatabase):
        there = cluster.database
        return Connection(
            host=there.host,
            port=str(there.port),
            user=there.user,
            password=EXTERNAL_PASSWORD,
            database=database,
            talks_to=(),
            egress_ports=(there.port,),
        )
    return Connection(
        host=hostname(NAME),
        port=str(PORT),
        user=database,
        password=_password(database),
        database=database,
        talks_to=(NAME,),
        egress_ports=(),
    )


def services(settings: Settings) -> list[Service]:
    """MariaDB, where the stack is on Kubernetes and the database its own."""
    cluster = settings.cluster
    if cluster is None or isinstance(cluster.database, ExternalDatabase):
        return []
    return [_mariadb(cluster.database)]


def _mariadb(database: BuiltinDatabase) -> Service:
    return Service(
        name=NAME,
        command=("sh", "-ec", _script()),
        image=versions.IMAGES["mariadb"],
        ports=("mysql",),
        port_numbers={"mysql": PORT},
        files={_INIT: _init()},
        data=Data(gib=database.gib),
        # A probe of its port would fill its log with connections that say nothing.
        # As somebody it knows, for the same reason.
        health=Health(
            command=("mariadb-admin", f"--socket={_SOCKET}", f"--user={_PROBE}", "ping"),
            seconds=180,
        ),
        resources=Resources(cpu=50, memory=192, memory_limit=1024),
        stop_seconds=60,
    )


def _script() -> str:
    """Make the data folder at the first start, then become the server.

    The empty folder of a first start that was cut off is made anew; once the server has run,
    nothing is.
    """
    prepared = data("prepared")
    install = (
        f"mariadb-install-db --no-defaults --datadir={data('mysql')}"
        " --auth-root-authentication-method=socket --skip-test-db"
    )
    options = (
        f"--datadir={data('mysql')}",
        f"--socket={_SOCKET}",
        "--pid-file=/tmp/mariadb.pid",
        f"--bind-address={host()}",
        f"--port={PORT}",
        f"--init-file={config(_INIT)}",
        "--skip-name-resolve",
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_general_ci",
        "--innodb-buffer-pool-size=64M",
        "--performance-schema=OFF",
        "--tmpdir=/tmp",
    )
    return (
        f"if [ ! -e {prepared} ]; then rm -rf {data('mysql')}; {install}; touch {prepared}; fi;"
        f" exec mariadbd --no-defaults {' '.join(options)}"
    )


def _init() -> str:
    """What is true of users and databases after every start, so that rotation is a restart."""
    statements = [
        statement
        for name in (PIPELINES, LINEAGE, TRACKING)
        for statement in (
            f"CREATE DATABASE IF NOT EXISTS {name};",
            f"CREATE OR REPLACE USER '{name}'@'%' IDENTIFIED BY '{secret(_password(name))}';",
            f"GRANT ALL ON {name}.* TO '{name}'@'%';",
        )
    ]
    probe = f"CREATE OR REPLACE USER '{_PROBE}'@'localhost';"
    return "\n".join([*statements, probe, ""])


def _password(database: str) -> str:
    return f"{NAME}-{database}-password"
