"""Whether a model's files are signed with a configured key.

Owns the question; `verify` answers it, in a process of its own.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from serving.agent.releases import verify
from serving.config import Config
from serving.errors import ModelRefusedError, Reason
from serving.rollout.trusted_keys import trusted_keys

SIGNATURE_FILE = "model.sig"
_PATIENCE = 120.0
"""Seconds that the check of a large model may take."""


class Trust:
    """The keys that models may be signed with; without any, signatures are not asked for."""

    def __init__(self, config: Config) -> None:
        """Hold signatures against `config.public_key`; nothing is touched yet."""
        self._keys = trusted_keys(config.public_key)
        self._folder = Path(config.cache_dir) / "verifying"

    def check(self, files: Mapping[str, bytes]) -> str:
        """Refuse files that are not all named by a signature made with one of the keys.

        Args:
            files: all of the artifact's, by title.

        Returns:
            The key's fingerprint; nothing where signatures are not asked for.

        Raises:
            ModelRefusedError: unsigned or untrusted; internal, when the check itself fails.
        """
        if not self._keys:
            return ""
        if SIGNATURE_FILE not in files:
            raise ModelRefusedError(
                Reason.UNSIGNED, f"the artifact has no {SIGNATURE_FILE}, and public_key is set"
            )
        try:
            return self._judge(self._run(files))
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, files: Mapping[str, bytes]) -> "subprocess.CompletedProcess[str]":
        shutil.rmtree(self._folder, ignore_errors=True)
        model = self._folder / "model"
        model.mkdir(parents=True)
        for title, data in files.items():
            place = self._folder if title == SIGNATURE_FILE else model
            (place / title).write_bytes(data)
        for fingerprint, key in self._keys.items():
            (self._folder / fingerprint).write_text(key)
        keys = (self._folder / fingerprint for fingerprint in self._keys)
        paths = map(str, (model, self._folder / SIGNATURE_FILE, *keys))
        argv = [sys.executable, "-m", verify.__name__, *paths]
        return subprocess.run(argv, capture_output=True, text=True, timeout=_PATIENCE, check=False)

    def _judge(self, ended: "subprocess.CompletedProcess[str]") -> str:
        said = (ended.stdout.strip().splitlines() or [""])[-1]
        if ended.returncode == 0 and said in self._keys:
            return said
        if ended.returncode in (verify.REFUSED, verify.NO_KEY) and said:
            raise ModelRefusedError(Reason.UNTRUSTED, said)
        tail = ended.stderr.strip()[-500:]
        raise ModelRefusedError(
            Reason.INTERNAL, f"the signature's check ended with {ended.returncode}: {tail}"
        )
