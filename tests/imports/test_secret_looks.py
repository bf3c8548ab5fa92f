"""Which names and values look like secrets."""

import pytest

from releaser.imports.secret_looks import holds_password, literal_password, name_looks_secret, value_is_harmless
from releaser.imports.templates import Setting, fill
from releaser.imports.texts import Text

SECRET = [
    "PASSWORD",
    "DB_PASSWORD",
    "MYSQL_ROOT_PASSWORD",
    "DBPASSWORD",
    "POSTGRES_PASS",
    "PG_PASS",
    "SMTP_PASS",
    "REDIS_REQUIREPASS",
    "SECRET",
    "SECRET_KEY",
    "SECRET_KEY_BASE",
    "OTP_SECRET",
    "JWT_SECRET",
    "API_KEY",
    "APIKEY",
    "ENCRYPTION_KEY",
    "LICENSE_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AUTH_TOKEN",
    "GITHUB_TOKEN",
    "ACCESSTOKEN",
    "clientSecret",
    "db_password",
    "CREDENTIALS",
    "SALT",
    "SENTRY_DSN",
    "PRIVATE_KEY",
    "ANON_KEY",
    "PASSPHRASE",
    "N8N_ENCRYPTION_KEY",
    "RUNNERS_AUTH_TOKEN",
    "HTPASSWD",
    "CACHE_PASSWORD",
    "SITE_SECRET",
    "S3_ACCESS_KEY",
]
PLAIN = [
    "USER",
    "HOST",
    "PORT",
    "PASSWORD_FILE",
    "POSTGRES_PASSWORD_FILE",
    "SECRET_KEY_FILE",
    "TOKEN_TTL",
    "PASSWORD_MIN_LENGTH",
    "API_KEY_HEADER",
    "VAPID_PUBLIC_KEY",
    "KEYCLOAK_URL",
    "MONKEY",
    "COMPASS",
    "BYPASS",
    "AWS_ACCESS_KEY_ID",
    "ALLOW_EMPTY_PASSWORD",
    "MYSQL_RANDOM_ROOT_PASSWORD",
    "CACHE_KEY",
    "RECAPTCHA_SITE_KEY",
    "PRIMARY_KEY",
    "ACCESS_TOKEN_EXPIRE_MINUTES",
    "KEY_PREFIX",
    "TOKEN_URL",
    "SECRETS_DIR",
    "PASSENGER_PORT",
    "PUBLIC_TOKEN",
    "PWD",
    "DOMAIN",
    "LOG_LEVEL",
    "TZ",
    "_",
    "1",
]


@pytest.mark.parametrize("name", SECRET)
def test_secrets(name: str) -> None:
    assert name_looks_secret(name)


@pytest.mark.parametrize("name", PLAIN)
def test_others(name: str) -> None:
    assert not name_looks_secret(name)


@pytest.mark.parametrize("value", ["", "yes", "False", "0", "/run/secrets/db", "/certs/redis.key"])
def test_values_that_are_none(value: str) -> None:
    assert value_is_harmless(value)


@pytest.mark.parametrize("value", ["hunter2", "/9j4AAQSkZJRg", "changeme", "a/b", "00"])
def test_values_that_may_be_one(value: str) -> None:
    assert not value_is_harmless(value)


@pytest.mark.parametrize(
    "url", ["postgres://u:p@db/x", "amqp://guest:guest@q", "redis://:p@cache:6379/0", "db+pg://a:b@c"]
)
def test_addresses_with_a_password(url: str) -> None:
    assert holds_password(Text.of(url))
    assert literal_password(Text.of(url))


@pytest.mark.parametrize(
    "url", ["postgres://u@db/x", "redis://cache:6379", "redis://:@cache", "http://a/b:c@d", "a:b@c", ""]
)
def test_addresses_without(url: str) -> None:
    assert not holds_password(Text.of(url))


def test_a_password_that_is_filled_in_is_not_written_out() -> None:
    text = fill("postgres://u:${PW}@db", {"PW": Setting(value="p", origin="")})

    assert holds_password(text)
    assert not literal_password(text)
