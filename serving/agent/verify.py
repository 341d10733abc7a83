"""`python -m serving.agent.verify FOLDER SIGNATURE KEY...`: one check of one model's files.

Owns the use of the model-signing library, whose imports take most of a second and tens of megabytes
that a short-lived process gives back. Exit codes: 0 signed with one of the keys, 1 not, 2 no such
key; what is wrong is the last line on stdout. Source: OpenSSF Model Signing v1.0, https://model-signing.org.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

REFUSED = 1
NO_KEY = 2
_LONGEST = 400
"""Characters of a message; the library's name every byte of a digest."""


def main() -> None:
    """Check the files; ends the process with one of the exit codes above."""
    folder, signature, *keys = map(Path, sys.argv[1:])
    # Each kind of damage has an exception of its own in the library; all of them are a refusal.
    try:
        verifiers = [_verifier(key) for key in keys]
    except Exception as error:  # noqa: BLE001
        _end(NO_KEY, f"public_key is no elliptic curve's public key in PEM: {error}")
    refusals = [_refusal(verifier, folder, signature) for verifier in verifiers]
    if all(refusals):
        _end(REFUSED, refusals[0])


def _refusal(verifier: Any, folder: Path, signature: Path) -> str:
    """Why these files are not signed with the verifier's key; nothing where they are."""
    try:
        verifier.verify(folder, signature)
        _check_names(folder, signature)
    except Exception as error:  # noqa: BLE001
        return str(error) or "not signed with the configured key"
    return ""


def _verifier(key: Path) -> Any:
    from model_signing import verifying  # noqa: PLC0415  # heavy

    verifier = verifying.Config()  # type: ignore[no-untyped-call]  # left untyped there
    return verifier.use_elliptic_key_verifier(public_key=key)


def _check_names(folder: Path, signature: Path) -> None:
    """Hold the verified statement's names against the files: none unsigned, none missing.

    The library passes over files that a statement says to ignore; here nothing may be ignored.

    Raises:
        ValueError: they differ.
    """
    envelope = json.loads(signature.read_bytes())["dsseEnvelope"]
    predicate = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    named = sorted(resource["name"] for resource in predicate["resources"])
    there = sorted(path.name for path in folder.iterdir())
    if named != there:
        raise ValueError(f"the signature is of the files {named}, the artifact has {there}")


def _end(code: int, message: str) -> None:
    print(" ".join(message.split())[:_LONGEST])  # noqa: T201  # read by the agent
    raise SystemExit(code)


if __name__ == "__main__":
    main()
