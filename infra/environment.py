"""The environment of everything that the platform runs: composed, by kind of child.

What a person's shell happens to hold is no input of the platform. Each kind of child gets what
its allow list names, and what the platform says; nothing else. Nobody else may hand
`os.environ` on.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# Patterns of names. Without the library paths some interpreters do not start at all.
_MACHINE: Final = (
    *("LANG", "LANGUAGE", "LC_*", "TZ", "USER", "LOGNAME"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
)
_TERMINAL: Final = ("COLUMNS", "LINES", "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR")
# How many threads and which devices a computation may take.
_COMPUTATION: Final = (
    *("OMP_*", "MKL_*", "OPENBLAS_*", "BLIS_*", "NUMEXPR_*", "VECLIB_*", "POLARS_MAX_THREADS"),
    *("RAYON_NUM_THREADS", "CUDA_*", "NVIDIA_*", "HIP_*", "ROCR_*"),
)
_NO_PROXY: Final = ("NO_PROXY", "no_proxy")
_PROXIES: Final = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
    *_NO_PROXY,
)
_AUTHORITIES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
# What a download of Pulumi's plugins goes by.
_DOWNLOADS: Final = (*_PROXIES, *_AUTHORITIES, "GITHUB_TOKEN")
# What leads to a cluster and to Docker, credential plugins of clouds included.
_CLUSTERS: Final = (
    *("KUBECONFIG", "KUBE_*", "KIND_*", "DOCKER_*", "BUILDX_*", "BUILDKIT_*", "SSH_AUTH_SOCK"),
    *("XDG_*", "AWS_*", "GOOGLE_*", "CLOUDSDK_*", "ARM_*", "AZURE_*"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_SYSTEM_PATH: Final = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")

# What steps may not be handed from a shell: it is the platform's to say.
_OURS: Final = (
    *("HOME", "PATH", "TMPDIR", "PYTHON*", "SLIPWAY_*", "PULUMI_*", "AWS_*", "MLFLOW_*"),
    *("ORT_*", "_KFP_*", "KFP_*", *_NO_PROXY),
)


def is_ours(name: str) -> bool:
    """Whether a variable is the platform's to set for a pipeline's steps."""
    return _matches(name, _OURS)


def of_pulumi(search_path: str, *, clusters: bool) -> dict[str, str]:
    """What Pulumi's CLI starts from, and so its language host, providers and plugins.

    `clusters`: the way to a cluster and to a cloud, too. None of a person's `PULUMI_*` is in it.
    """
    kept = (*_MACHINE, *_TERMINAL, *_DOWNLOADS, "HOME", *(_CLUSTERS if clusters else ()))
    found = _chosen(kept)
    # Go gives up where it names a folder that is not there; Python looks further.
    if Path(folder := os.environ.get("TMPDIR", "")).is_dir():
        found["TMPDIR"] = folder
    return found | _python() | _direct() | {"PATH": search_path}


def of_service(home: Path, temporary: Path) -> dict[str, str]:
    """What a service starts from, the same whoever's shell the command runs in."""
    folders = {"HOME": str(home), "TMPDIR": str(temporary)}
    return _chosen(_MACHINE) | _python() | _direct(none_else=True) | folders | {"PATH": _path()}


def of_steps(temporary: Path) -> dict[str, str]:
    """What a pipeline's runner and its steps start from, with a home folder that goes with it."""
    return _chosen(_COMPUTATION) | of_service(temporary, temporary)


def named(names: Iterable[str]) -> dict[str, str]:
    """Variables of this process that a setting lets through to steps.

    Raises:
        SettingsError: this shell does not have one of them.
    """
    listed = list(names)
    if missing := [name for name in listed if name not in os.environ]:
        raise SettingsError(
            f"slipway:target.step_variables names {', '.join(missing)}, which this shell does not"
            " export: export it, or take it out of the settings"
        )
    return {name: os.environ[name] for name in listed}


@contextmanager
def replaced(variables: Mapping[str, str]) -> Iterator[None]:
    """Have this process' environment be `variables`, for as long as the block runs."""
    before = dict(os.environ)
    _become(variables)
    try:
        yield
    finally:
        _become(before)


def _become(variables: Mapping[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)


def _chosen(patterns: Iterable[str]) -> dict[str, str]:
    kept = tuple(patterns)
    return {name: value for name, value in os.environ.items() if _matches(name, kept)}


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _python() -> dict[str, str]:
    """Where a Python process stands, and what a person put on its path, is no place of modules."""
    return {"PYTHONSAFEPATH": "1"}


def _direct(*, none_else: bool = False) -> dict[str, str]:
    """This machine is never behind a proxy; on a Mac, unsaid, the system's own would be asked."""
    exceptions = "" if none_else else ",".join(filter(None, map(os.environ.get, _NO_PROXY)))
    hosts = dict.fromkeys([*filter(None, exceptions.split(",")), *_LOOPBACK])
    return dict.fromkeys(_NO_PROXY, ",".join(hosts))


def _path() -> str:
    return os.pathsep.join((str(Path(sys.prefix) / "bin"), *_SYSTEM_PATH))
