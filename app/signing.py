"""The key with which receipts are signed: Ed25519, see `app.exports.receipts`."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "Ed25519"
_SIZE = 32


@dataclass(frozen=True)
class Signer:
    """`secret` is the private key, 32 bytes as base64."""

    secret: str

    def sign(self, message: bytes) -> str:
        """The signature as base64."""
        return _text(self._key.sign(message))

    @cached_property
    def public_key(self) -> str:
        """32 bytes as base64."""
        return _text(self._key.public_key().public_bytes_raw())

    @cached_property
    def key_id(self) -> str:
        """The beginning of the SHA-256 of the public key, hexadecimal."""
        return hashlib.sha256(base64.b64decode(self.public_key)).hexdigest()[:16]

    @cached_property
    def _key(self) -> "Ed25519PrivateKey":
        # It takes a while to import, and most processes sign nothing.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.secret))


def make_secret() -> str:
    return _text(secrets.token_bytes(_SIZE))


def is_secret(text: str) -> bool:
    """Whether it is 32 bytes as base64."""
    try:
        return len(base64.b64decode(text, validate=True)) == _SIZE
    except ValueError:
        return False


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
