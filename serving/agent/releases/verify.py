"""`python -m serving.agent.releases.verify FOLDER SIGNATURE KEY...`: checks a model's files.

Owns the use of the model-signing library, whose imports take most of a second and tens of megabytes
that a short-lived process gives back. The last line on stdout is the file of the key that the model
is signed with, or the error. Exit codes: 0 signed with one of the keys, 1 with none of them, 2 a
key that cannot be used. Source: OpenSSF Model Signing v1.0, https://model-signing.org.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any, NoReturn

REFUSED = 1
NO_KEY = 2
_MAX_MESSAGE = 400
"""Characters of a message; the library's name every byte of a digest."""


def main() -> None:
    """Check the files; ends the process with one of the exit codes above."""
    folder, signature, *keys = map(Path, sys.argv[1:])
    verifiers = {key: _verifier(key) for key in keys}
    message = ""
    for key, verifier in verifiers.items():
        # Each kind of damage has an exception of its own in the library; all are a refusal.
        try:
            verifier.verify(folder, signature)
            _check_names(folder, signature)
        except Exception as error:  # noqa: BLE001
            message = str(error) or "not signed with the configured key"
        else:
            _end(0, key.name)
    _end(REFUSED, message)


def _verifier(key: Path) -> Any:
    from model_signing import verifying  # noqa: PLC0415  # heavy

    verifier = verifying.Config()  # type: ignore[no-untyped-call]  # left untyped there
    try:
        return verifier.use_elliptic_key_verifier(public_key=key)
    except Exception as error:  # noqa: BLE001  # as many kinds as ways not to be a key
        _end(NO_KEY, f"public_key is no elliptic curve's public key in PEM: {error}")


def _check_names(folder: Path, signature: Path) -> None:
    """Compare the verified statement's names with the files: none unsigned, none missing.

    The library passes over files that a statement says to ignore; here nothing may be ignored.

    Raises:
        ValueError: they differ.
    """
    envelope = json.loads(signature.read_bytes())["dsseEnvelope"]
    predicate = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    signed = sorted(resource["name"] for resource in predicate["resources"])
    files = sorted(path.name for path in folder.iterdir())
    if signed != files:
        raise ValueError(f"the signature is of the files {signed}, the artifact has {files}")


def _end(code: int, message: str) -> NoReturn:
    print(" ".join(message.split())[:_MAX_MESSAGE])  # noqa: T201  # read by the agent
    raise SystemExit(code)


if __name__ == "__main__":
    main()
