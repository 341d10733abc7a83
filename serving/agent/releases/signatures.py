"""Verification of model signatures with the configured keys.

Owns the process that verifies; its program is `verify`.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from contracts.model_package import MODEL_SIGNATURE
from serving.agent.releases import verify
from serving.errors import ModelRefusedError, Reason
from serving.rollout.trusted_keys import trusted_keys

_TIMEOUT = 120.0
"""Seconds that verifying a large model may take."""


class TrustSettings(Protocol):
    """Settings of trust, such as the server's configuration."""

    @property
    def public_key(self) -> str:
        """The trusted keys, one after the other; without any, all models are trusted."""

    @property
    def cache_dir(self) -> str:
        """Where files may be written."""


class SignatureVerifier:
    """Verifies signatures; without configured keys, none is needed."""

    def __init__(self, config: TrustSettings) -> None:
        """Verify with the keys of `config.public_key`; nothing is touched yet."""
        self._keys = trusted_keys(config.public_key)
        self._folder = Path(config.cache_dir) / "verifying"

    def verify(self, files: Mapping[str, bytes]) -> str:
        """Refuse files that are not all named by a signature made with one of the keys.

        Args:
            files: all of the artifact's, by title.

        Returns:
            The key's fingerprint; empty without configured keys.

        Raises:
            ModelRefusedError: unsigned or untrusted; internal, when the check itself fails.
        """
        if not self._keys:
            return ""
        if MODEL_SIGNATURE not in files:
            raise ModelRefusedError(
                Reason.UNSIGNED, f"the artifact has no {MODEL_SIGNATURE}, and public_key is set"
            )
        try:
            return self._fingerprint(self._run(files))
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, files: Mapping[str, bytes]) -> "subprocess.CompletedProcess[str]":
        shutil.rmtree(self._folder, ignore_errors=True)
        model = self._folder / "model"
        model.mkdir(parents=True)
        for title, data in files.items():
            place = self._folder if title == MODEL_SIGNATURE else model
            (place / title).write_bytes(data)
        for fingerprint, key in self._keys.items():
            (self._folder / fingerprint).write_text(key)
        keys = (self._folder / fingerprint for fingerprint in self._keys)
        paths = map(str, (model, self._folder / MODEL_SIGNATURE, *keys))
        argv = [sys.executable, "-P", "-m", verify.__name__, *paths]
        return subprocess.run(argv, capture_output=True, text=True, timeout=_TIMEOUT, check=False)

    def _fingerprint(self, process: "subprocess.CompletedProcess[str]") -> str:
        message = (process.stdout.strip().splitlines() or [""])[-1]
        if process.returncode == 0 and message in self._keys:
            return message
        if process.returncode in (verify.REFUSED, verify.NO_KEY) and message:
            raise ModelRefusedError(Reason.UNTRUSTED, message)
        tail = process.stderr.strip()[-500:]
        raise ModelRefusedError(
            Reason.INTERNAL, f"the signature's check ended with {process.returncode}: {tail}"
        )
