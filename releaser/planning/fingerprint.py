"""Canonical JSON and the hashes made of it.

Bodies hold no floats and no integers beyond 2**53, so msgspec's sorted encoding is RFC 8785's, forty times faster than
the reference implementation; a property test holds the two together.
"""

import hashlib
import hmac

import msgspec

from releaser.model.resource import SecretPrint
from releaser.model.value import Json

_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical(tree: Json) -> bytes:
    """The one spelling of a JSON tree or a value."""
    return _ENCODER.encode(tree)


def of(tree: Json) -> str:
    """`sha256:<hex>` of the canonical JSON."""
    return "sha256:" + hashlib.sha256(_ENCODER.encode(tree)).hexdigest()


def of_bytes(data: bytes) -> str:
    """`sha256:<hex>` of the bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def keyed(key: bytes, key_id: str, environment: str, name: str, value: bytes) -> SecretPrint:
    """The fingerprint of a secret: HMAC-SHA256 over environment, name and value, so equal values are not linkable."""
    message = b"\0".join((b"releaser-secret-v1", environment.encode(), name.encode(), value))
    return SecretPrint(key=key_id, fingerprint=hmac.new(key, message, hashlib.sha256).hexdigest()[:16])
