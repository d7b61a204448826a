"""Secrets in addresses: replaced before anything is kept, but told apart where they differ.

Two addresses that differ in a token are two keys of the cache that recorded them, and have to stay
two. So a secret becomes a short digest, keyed with a number that never leaves this installation:
without it nobody can try out which token gives which digest.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from functools import lru_cache
from pathlib import Path

from engine.errors import TraceError
from engine.keys import clean

SALT_FILE = "masking.key"

MASK = "***"
"""Stands before the digest of what was masked."""

_SECRET = re.compile(
    r".*(?:token|passw(?:or)?d|passwd|pwd|passphrase|secret|signature|credential|api[_\-]?key|"
    r"session|bearer|jwt|auth(?!or)).*|key|sig|sid|pass|code|hmac|otp|pin|.*[_\-]key|"
    r"x-amz-.*|googleaccessid",
    re.IGNORECASE,
)
"""Names of parameters whose values are secrets."""

_PARAMETER = re.compile(r"(?P<head>(?:^|[?&;#])(?P<name>[^=&;#?\s]+)=)(?P<secret>[^&;#\s]+)")
_PARAMETER_NAME = re.compile(r"(?:^|[?&;#])([^=&;#?\s]+)=")
_USER = re.compile(r"(?P<head>://)(?P<secret>[^/@\s?#]+)(?=@)")


@lru_cache(maxsize=10_000)
def is_secret(parameter: str) -> bool:
    """Whether the value of a parameter of this name is a secret."""
    return _SECRET.fullmatch(parameter) is not None


class Masker:
    """Masks secrets in keys, or replaces whole keys by digests.

    Args:
        salt: secret bytes, the same for all imports of one installation, so that a key imported
            twice has one text.
        hash_keys: keep digests only.
    """

    def __init__(self, salt: bytes, hash_keys: bool = False) -> None:
        self._salt = salt
        self._hash_keys = hash_keys

    def key(self, value: object) -> str:
        """The text of a key as it may be kept."""
        if isinstance(value, int) and not self._hash_keys:
            return str(value)
        text = clean(str(value))
        if self._hash_keys:
            return self.digest(text, 8)
        return self.text(text)

    def text(self, text: str) -> str:
        """Any text with the secrets of addresses in it masked."""
        if "=" in text and any(map(is_secret, _PARAMETER_NAME.findall(text))):
            text = _PARAMETER.sub(self._masked_parameter, text)
        return _USER.sub(self._masked, text) if "://" in text else text

    def name(self, name: str) -> str:
        """An endpoint's name as it may be kept: one that was recorded could be a key itself."""
        return f"endpoint {self.digest(name, 4)}" if self._hash_keys else self.text(name)

    def digest(self, text: str, size: int) -> str:
        """Keyed digest of a text, `size` bytes as hex digits."""
        return hashlib.blake2b(text.encode(), digest_size=size, key=self._salt).hexdigest()

    def _masked_parameter(self, found: re.Match[str]) -> str:
        return self._masked(found) if is_secret(found["name"]) else found[0]

    def _masked(self, found: re.Match[str]) -> str:
        return f"{found['head']}{MASK}{self.digest(found['secret'], 5)}"


def salt_of(data_path: Path) -> bytes:
    """This installation's masking key, made on first use (readable by its owner alone).

    Raises:
        TraceError: it can be neither read nor made.
    """
    path = data_path / SALT_FILE
    try:
        data_path.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_bytes()
        salt = secrets.token_bytes(32)
        with os.fdopen(descriptor, "wb") as file:
            file.write(salt)
    except OSError as error:
        raise TraceError(
            f"The masking key {path} cannot be kept ({error.strerror}); check the data folder."
        ) from None
    return salt
