"""Whether a name, or a value, looks like a secret; a person has the last word."""

import re

from releaser.imports.texts import Text

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET = frozenset({
    "PASSWORD", "PASSWORDS", "PASSWD", "PASS", "PWD", "PASSPHRASE", "SECRET", "SECRETS", "TOKEN", "TOKENS", "APIKEY",
    "CREDENTIAL", "CREDENTIALS", "KEY", "KEYS", "SALT", "PEPPER", "DSN", "COOKIE", "JWT", "HTPASSWD", "PW",
})  # fmt: skip
_ENDINGS = ("PASSWORD", "PASSWD", "PASS", "SECRET", "TOKEN", "APIKEY")  # of words written together, as in DBPASSWORD
_NO_PASS = frozenset({"BYPASS", "COMPASS"})
_KEYS = frozenset({"KEY", "KEYS"})
_OTHER_KEYS = frozenset({"CACHE", "SITE", "PRIMARY", "FOREIGN", "PARTITION", "SORT", "INDEX", "MAP", "ROUTING"})
_NOT_AT_THE_END = frozenset({
    "FILE", "PATH", "DIR", "DIRECTORY", "URL", "URI", "ENDPOINT", "HOST", "PORT", "USER", "USERNAME", "NAME", "ID",
    "TTL", "LENGTH", "SIZE", "MIN", "MAX", "EXPIRY", "EXPIRE", "EXPIRES", "EXPIRATION", "LIFETIME", "AGE", "TIMEOUT",
    "ENABLED", "DISABLED", "REQUIRED", "POLICY", "ALGORITHM", "ALG", "TYPE", "ISSUER", "AUDIENCE", "HEADER", "PREFIX",
    "COUNT", "ROTATION", "INTERVAL", "LIMIT", "MODE", "DOMAIN", "SECURE", "SAMESITE", "LOCATION", "STRENGTH", "HOURS",
    "DAYS", "MINUTES", "SECONDS", "PERIOD", "REGION", "PROVIDER", "STORE", "VERSION", "CLAIM", "BACKEND", "FORMAT",
})  # fmt: skip
_PUBLIC = frozenset({"PUBLIC", "PUB", "ALLOW", "ENABLE", "DISABLE", "RANDOM", "REQUIRE"})
_FOLDERS = frozenset({"PWD", "OLDPWD"})  # of a shell
_FLAGS = frozenset({"", "yes", "no", "true", "false", "on", "off", "none", "null", "0", "1"})
_PATH = re.compile(r"/[a-z][a-z0-9_-]*(?:/[A-Za-z0-9._-]+)+\Z")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#:@]*:(?P<password>[^\s/?#@]+)@", re.IGNORECASE)


def name_looks_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret: DB_PASSWORD, secretKey, API_TOKEN; not TOKEN_TTL, PUBLIC_KEY."""
    words = [word.upper() for word in _WORDS.findall(name)]
    if not words or name in _FOLDERS or words[-1] in _NOT_AT_THE_END or _PUBLIC & set(words):
        return False
    telling = {word for word in words if word in _SECRET or (word.endswith(_ENDINGS) and word not in _NO_PASS)}
    return bool(telling) and not (telling <= _KEYS and _OTHER_KEYS & set(words))


def value_is_harmless(value: str) -> bool:
    """Whether a value cannot be a secret whatever its name: nothing, a flag, a file's path."""
    return value.lower() in _FLAGS or is_path(value)


def is_path(value: str) -> bool:
    """Whether a value is the path of a file in a container."""
    return _PATH.match(value) is not None


def holds_password(text: Text) -> bool:
    """Whether it is an address with a password in it."""
    return _URL.search(text.plain) is not None


def literal_password(text: Text) -> bool:
    """Whether such a password is written out, not filled in from a variable."""
    return _URL.search("".join(piece.text if piece.variable is None else "" for piece in text.pieces)) is not None
