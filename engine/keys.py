"""Keys and names as the store can hold them: one cut and one cleaning for all who record."""

from __future__ import annotations

import hashlib
import re

KEY_LENGTH = 255
"""Characters of a key in the store."""

_DIGEST = 16
# PostgreSQL refuses NUL, every server refuses half of a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with each character that no database can hold replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def stored_key(key: str) -> str:
    """The key as it is recorded: clean, and past 255 characters a prefix and a digest of it all.

    A bare cut would give two long addresses that differ in their tail the same key.
    """
    if len(key) > KEY_LENGTH:
        digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_DIGEST // 2)
        key = f"{key[: KEY_LENGTH - _DIGEST - 1]}~{digest.hexdigest()}"
    return clean(key)
