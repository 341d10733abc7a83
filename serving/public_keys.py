"""The public keys that models may be signed with: PEM texts, one after the other.

Several are trusted alike, so that a key can be changed while models that the former one signed are
still in service.
"""

import hashlib
import re

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


def keys(text: str) -> tuple[str, ...]:
    """The keys of a text; a text that has none is taken for one, to be refused as such."""
    found = tuple(match[0] + "\n" for match in _BLOCK.finditer(text))
    return found or ((text,) if text.strip() else ())


def hashes(text: str) -> tuple[str, ...]:
    """The SHA-256 of each key of a text, in hex, sorted."""
    return tuple(sorted(hashlib.sha256(key.encode()).hexdigest() for key in keys(text)))
