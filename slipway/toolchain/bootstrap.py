"""Brings uv by pip, and runs it with the package index that pip is told of.

`python3 -I slipway/toolchain/bootstrap.py UV ARGUMENT...` is the one program of ours that runs
before there is an environment: on the Python that `make` was given, of any version, with the
standard library only. Of a person's `PIP_*`, `UV_*`
and pip.conf it hands on what says where packages come from; what says how or where to install
them is for that person's own installs. Addresses may hold passwords, so they travel in the
environment and are never printed.
"""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LOCK = Path(__file__).resolve().parents[2] / "requirements-uv.lock"
_OLDEST, _NEWEST = (3, 11), (3, 13)
# What pip may be told of where packages come from, and of the way there.
_OF_PIP = frozenset(
    {
        "cache-dir",
        "cert",
        "client-cert",
        "default-timeout",
        "extra-index-url",
        "find-links",
        "index-url",
        "keyring-provider",
        "no-index",
        "proxy",
        "retries",
        "timeout",
        "trusted-host",
    }
)
# The same for uv: names, and how names begin.
_OF_UV = (
    "UV_CACHE_DIR",
    "UV_CONCURRENT_",
    "UV_CONFIG_FILE",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_HTTP_",
    "UV_INDEX",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_LINK_MODE",
    "UV_NATIVE_TLS",
    "UV_NO_CACHE",
    "UV_NO_CONFIG",
    "UV_OFFLINE",
    "UV_REQUEST_TIMEOUT",
    "UV_SYSTEM_CERTS",
)
_UV_INDEXES = ("UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX")
_UV_FILE_INDEXES = re.compile(
    r"^\s*(\[\[(pip\.)?index\]\]|(index|index-url|extra-index-url|find-links|no-index)\s*=)",
    re.MULTILINE,
)
_TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})
# Of an environment that is activated, or of modules that lie before pip's own.
_MISLEADING = frozenset({"CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"})
# Where Linux distributions and macOS keep the authorities that the machine trusts.
_SYSTEM_CERTS = ("/etc/ssl/certs", "/etc/pki/tls/certs", "/System/Library/Keychains")


def pip_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """What pip is told of package indexes, by its option: in its files, then in `variables`."""
    found = dict(_in_files(variables))
    for name, value in variables.items():
        if name.startswith("PIP_"):
            found[_option(name[len("PIP_") :])] = value
    return {name: " ".join(value.split()) for name, value in found.items() if name in _OF_PIP}


def pip_environment(variables: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The environment in which pip finds these settings and no others."""
    kept = {name: value for name, value in _led(variables).items() if not name.startswith("PIP_")}
    options = {f"PIP_{name.upper().replace('-', '_')}": value for name, value in settings.items()}
    return {**kept, **options, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def uv_environment(variables: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The environment in which uv takes packages from where pip is told to, or uv itself is."""
    kept = {
        name: value
        for name, value in _led(variables).items()
        if not name.startswith("UV_") or name.startswith(_OF_UV)
    }
    return {**_network(settings, kept), **_indexes(settings, kept), **kept, **_proxies(settings)}


def _indexes(settings: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    if _knows_indexes(variables):
        return {}
    told = {
        "UV_DEFAULT_INDEX": settings.get("index-url"),
        "UV_INDEX": settings.get("extra-index-url"),
        "UV_FIND_LINKS": settings.get("find-links", "").replace(" ", ","),
        # pip takes a package from whichever index has it; uv else asks the first that knows it.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if "extra-index-url" in settings else None,
    }
    return {name: value for name, value in told.items() if value}


def _network(settings: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    bundle = settings.get("cert")
    told = {
        "SSL_CERT_DIR" if bundle and Path(bundle).is_dir() else "SSL_CERT_FILE": bundle,
        "SSL_CLIENT_CERT": settings.get("client-cert"),
        "UV_HTTP_RETRIES": settings.get("retries"),
        "UV_HTTP_TIMEOUT": settings.get("timeout") or settings.get("default-timeout"),
        "UV_INSECURE_HOST": settings.get("trusted-host"),
        "UV_KEYRING_PROVIDER": _subprocess_only(settings.get("keyring-provider")),
        "UV_SYSTEM_CERTS": "" if "UV_NATIVE_TLS" in variables else _system_certs(),
    }
    return {name: value for name, value in told.items() if value}


def _proxies(settings: Mapping[str, str]) -> dict[str, str]:
    """The proxy of pip itself, which wins over those of the environment with pip, too."""
    proxy = settings.get("proxy")
    names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    return dict.fromkeys(names, proxy) if proxy else {}


def _system_certs() -> str:
    """Newer versions of pip trust what the machine trusts, as a company's proxy expects."""
    return "true" if any(Path(folder).exists() for folder in _SYSTEM_CERTS) else ""


def _subprocess_only(provider: str | None) -> str | None:
    return provider if provider == "subprocess" else None


def _knows_indexes(variables: Mapping[str, str]) -> bool:
    """Whether uv is told of indexes itself, in its variables or in a file of its own."""
    if any(variables.get(name) for name in (*_UV_INDEXES, "UV_INDEX_URL")):
        return True
    return any(_UV_FILE_INDEXES.search(_text(path)) for path in _uv_files(variables))


def _uv_files(variables: Mapping[str, str]) -> list[Path]:
    if variables.get("UV_NO_CONFIG"):
        return []
    if named := variables.get("UV_CONFIG_FILE"):
        return [Path(named)]
    own = variables.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    shared = (variables.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    return [Path(folder) / "uv" / "uv.toml" for folder in (own, *shared, "/etc")]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _in_files(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The options of pip's files: of all commands, then of `install`; a later one wins."""
    parser = configparser.RawConfigParser(strict=False)
    for path in _pip_files(variables):
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            sys.exit(f"make: {path} is not a configuration of pip's: see `pip config debug`")
    for section in ("global", "install"):
        if parser.has_section(section):
            yield from ((_option(name), value) for name, value in parser.items(section))


def _pip_files(variables: Mapping[str, str]) -> list[str]:
    """The configuration files of pip that are there, the strongest last.

    `pip config list` would be misled by a `user = true` in them; this is not.
    """
    if variables.get("PIP_CONFIG_FILE") == os.devnull:
        return []
    bare = {name: value for name, value in _led(variables).items() if not name.startswith("PIP_")}
    if named := variables.get("PIP_CONFIG_FILE"):
        bare["PIP_CONFIG_FILE"] = named
    listing = _pip("config", "debug", environment=bare, capture=True).stdout
    files: dict[str, list[str]] = {}
    for line in listing.splitlines():
        if kind := re.fullmatch(r"(\w+):", line):
            files[kind[1]] = []
        elif files and (found := re.fullmatch(r"  (.+), exists: True", line)):
            files[list(files)[-1]].append(found[1])
    return [path for kind in ("global", "user", "site", "env") for path in files.get(kind, [])]


def _option(name: str) -> str:
    return name.lower().replace("_", "-").lstrip("-")


def _led(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in _MISLEADING}


def _pip(
    *arguments: str, environment: Mapping[str, str], capture: bool = False
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "pip", *arguments],
        env=environment,
        stdout=subprocess.PIPE if capture else None,
        stderr=subprocess.DEVNULL if capture else None,
        text=True,
        check=False,
    )


def bring(program: Path) -> None:
    """Have pip install uv where `program` is expected, in the version and with the hash locked."""
    if _pip("--version", environment=_led(os.environ), capture=True).returncode:
        sys.exit(
            f"make: {sys.executable} has no pip, which brings uv: install it (python3-pip, or"
            " python3 -m ensurepip), or put uv on PATH"
        )
    sys.stderr.write("uv (once)\n")
    done = _pip(
        *("install", "--quiet", "--root-user-action=ignore", "--require-hashes"),
        *("--target", str(program.parent.parent), "--requirement", str(_LOCK)),
        environment=pip_environment(os.environ, pip_settings(os.environ)),
    )
    if done.returncode:
        sys.exit(
            f"make: pip could not bring uv as {_LOCK.name} has it: name an index that has it in"
            " PIP_INDEX_URL or pip.conf, or put uv on PATH"
        )


def main(program: str, *arguments: str) -> None:
    """Become uv, which is brought first where it is not there."""
    if not _OLDEST <= sys.version_info[:2] <= _NEWEST:
        sys.exit(
            f"make: Python 3.11 to 3.13 is needed and {sys.executable} is"
            f" {sys.version_info[0]}.{sys.version_info[1]}: run make PYTHON=/path/to/another"
        )
    if not Path(program).exists():
        bring(Path(program))
    settings = pip_settings(os.environ)
    environment = uv_environment(os.environ, settings)
    offline = settings.get("no-index", "").lower() in _TRUE and not _knows_indexes(os.environ)
    # uv has no variable for it.
    options = ["--no-index"] if offline else []
    # S606: there is no shell to want here, and nothing to come back to.
    os.execvpe(program, [program, *arguments, *options], environment)  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
