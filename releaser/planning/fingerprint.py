"""Canonical JSON and the hashes made of it.

Bodies hold no floats and no integers beyond 2**53, so msgspec's sorted encoding is RFC 8785's, forty times faster than
the reference implementation; a property test holds the two together. Only keys beyond the Basic Multilingual Plane sort
otherwise, by their UTF-16, so a text with such characters is put into order once more.
"""

import hashlib
import hmac
import re

import msgspec

from releaser.model.resource import SecretPrint
from releaser.model.value import Json

_ENCODER = msgspec.json.Encoder(order="sorted")
_BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")  # the first byte of each such character in UTF-8


def canonical(tree: Json) -> bytes:
    """The one spelling of a JSON tree or a value."""
    data = _ENCODER.encode(tree)
    if data.isascii() or not _BEYOND_BMP.search(data):
        return data
    return msgspec.json.encode(_ordered(msgspec.json.decode(data)))


def _ordered(tree: Json) -> Json:
    if isinstance(tree, dict):
        return {key: _ordered(tree[key]) for key in sorted(tree, key=lambda key: key.encode("utf-16-be"))}
    return [_ordered(value) for value in tree] if isinstance(tree, list) else tree


def of(tree: Json) -> str:
    """`sha256:<hex>` of the canonical JSON."""
    return "sha256:" + hashlib.sha256(canonical(tree)).hexdigest()


def of_bytes(data: bytes) -> str:
    """`sha256:<hex>` of the bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def keyed(key: bytes, key_id: str, environment: str, name: str, value: bytes) -> SecretPrint:
    """The fingerprint of a secret: HMAC-SHA256 over environment, name and value, so equal values are not linkable."""
    message = b"\0".join((b"releaser-secret-v1", environment.encode(), name.encode(), value))
    return SecretPrint(key=key_id, fingerprint=hmac.new(key, message, hashlib.sha256).hexdigest()[:16])
