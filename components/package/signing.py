"""Signs a packaged model's files (OpenSSF Model Signing v1.0, https://model-signing.org).

Owns the form of model.sig, a Sigstore bundle of one statement that names every file by its digest.
The library makes the statement; its form and the signature are made here, as the library's differ
from run to run: the statement is written with sorted keys and signed deterministically (RFC 6979),
so the same files and key give the same bytes, hence the same digest of the package.
"""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components.registry_oci import Layer
from contracts.model_package import MODEL_SIGNATURE, SIGSTORE_BUNDLE_TYPE
from contracts.variables import SIGNING_KEY
from usecases.errors import StepError


def sign(model: str, files: tuple[Layer, ...], key: str) -> Layer:
    """Return model.sig, which names all files and verifies with the key's public half.

    Args:
        model: the model's name, the subject of the statement.
        files: everything that is packaged but the signature itself.
        key: PEM text of a private key on the curve P-256.

    Raises:
        StepError: the key is none.
    """
    private = _private_key(key)
    with tempfile.TemporaryDirectory() as folder:
        bundle = _by_library(Path(folder), model, files, key)
    envelope = bundle["dsseEnvelope"]
    statement = _canonical(json.loads(base64.b64decode(envelope["payload"])))
    message = _authenticated(envelope["payloadType"], statement)
    envelope["payload"] = base64.b64encode(statement).decode()
    envelope["signatures"][0]["sig"] = base64.b64encode(_signature(private, message)).decode()
    return Layer(MODEL_SIGNATURE, SIGSTORE_BUNDLE_TYPE, json.dumps(bundle, sort_keys=True).encode())


def _by_library(folder: Path, model: str, files: tuple[Layer, ...], key: str) -> dict[str, Any]:
    from model_signing import hashing, signing  # noqa: PLC0415  # most of a second, for those who sign

    root = folder / model
    root.mkdir()
    for layer in files:
        (root / layer.name).write_bytes(layer.content)
    (folder / "key.pem").touch(mode=0o600)
    (folder / "key.pem").write_text(key)
    nothing_ignored = hashing.Config()  # type: ignore[no-untyped-call]  # left untyped there
    nothing_ignored.set_ignored_paths(paths=[], ignore_git_paths=False)
    signer = signing.Config()  # type: ignore[no-untyped-call]  # left untyped there
    signer.use_elliptic_key_signer(private_key=folder / "key.pem")
    signer.set_hashing_config(nothing_ignored).sign(root, folder / MODEL_SIGNATURE)
    bundle: dict[str, Any] = json.loads((folder / MODEL_SIGNATURE).read_bytes())
    return bundle


def _private_key(key: str) -> ec.EllipticCurvePrivateKey:
    try:
        found = serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(str(error)) from error
    if not isinstance(found, ec.EllipticCurvePrivateKey) or found.curve.name != "secp256r1":
        raise _no_key("it is of another kind")
    return found


def _no_key(why: str) -> StepError:
    return StepError(
        f"the signing key is no private key on the curve P-256 in PEM: {why}",
        f"set {SIGNING_KEY} to such a key without a password, or unset it",
    )


def _canonical(statement: dict[str, Any]) -> bytes:
    statement["predicate"]["resources"].sort(key=lambda resource: resource["name"])
    return json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()


def _authenticated(payload_type: str, payload: bytes) -> bytes:
    """Return what DSSE v1 signs (https://github.com/secure-systems-lab/dsse, protocol.md)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _signature(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    return key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
