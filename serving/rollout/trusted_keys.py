"""The public keys that models may be signed with, as the configuration has them.

Owns telling several keys apart, so that one can be replaced by another without a gap: both are
trusted for a while. Whether a signature is a key's is the business of `agent.releases.verify`.
"""

import hashlib
import re

_BLOCK = re.compile(r"-----BEGIN [^-]+-----.*?-----END [^-]+-----", re.DOTALL)


def trusted_keys(public_key: str) -> dict[str, str]:
    """Each key's PEM text by its fingerprint; none where the configuration has none.

    Args:
        public_key: PEM texts one after the other. Text that has none is taken for one key, which
            nothing can be signed with: a mistake must not trust everything.
    """
    if not public_key.strip():
        return {}
    blocks = _BLOCK.findall(public_key) or [public_key]
    return {hashlib.sha256(block.encode()).hexdigest(): f"{block}\n" for block in blocks}
