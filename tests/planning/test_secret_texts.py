"""Secrets in texts: what gives one away, what only sounds so, and what is shown instead."""

import time

import pytest

from releaser.planning.secret_texts import given_away, hidden, hidden_value, hidden_words, is_secret, is_secret_file

GITHUB = "ghp_" + "a1" * 18


@pytest.mark.parametrize(
    ("text", "names", "shown"),
    [
        ("DB_PASSWORD=hunter2", ["DB_PASSWORD"], "DB_PASSWORD=***"),
        ("export DB_PASSWORD=hunter2 && x", ["DB_PASSWORD"], "export DB_PASSWORD=*** && x"),
        ('A=1 api_token="two words" B=2', ["api_token"], "A=1 api_token=*** B=2"),
        (r"apiKey=two\ words'and more' x", ["apiKey"], "apiKey=*** x"),
        ('TOKEN="without its end', ["TOKEN"], "TOKEN=***"),
        ('JAVA_OPTS="-Dspring.password=hunter2"', ["Dspring.password"], 'JAVA_OPTS="-Dspring.password=***'),
        ('x "--password=two words" y', ["password"], 'x "--password=*** y'),
        ("""x 'TOKEN=it'"'"'s two words' y""", ["TOKEN"], "x 'TOKEN=*** y"),
        ('["x", "--token", "hunter2", "-v"]', ["token"], '["x", "--token", ***, "-v"]'),
        ('{"Test":["x","--token","hun\\"ter2","-v"]}', ["token"], '{"Test":["x","--token",***,"-v"]}'),
        ("x --db-password=hunter2", ["db-password"], "x --db-password=***"),
        ("x --password hunter2 y", ["password"], "x --password *** y"),
        ("curl https://x/?access_token=hunter2", ["access_token"], "curl https://x/?access_token=***"),
        ("postgres://u:hunter2@db/x", ["a login in a URL"], "postgres://u:***@db/x"),
        ("postgres://u:hun$ter@2@db/x@y", ["a login in a URL"], "postgres://u:***@db/x@y"),
        ("HTTPS://:hunter2@db", ["a login in a URL"], "HTTPS://:***@db"),
        (
            "curl -H 'Authorization: Bearer hunter2' x",
            ["the header Authorization"],
            "curl -H 'Authorization: Bearer ***' x",
        ),
        ('curl --header "X-Api-Key:hunter2"', ["the header X-Api-Key"], 'curl --header "X-Api-Key:***"'),
        (f"git clone https://{GITHUB}@github.com/x", ["a token"], "git clone https://***@github.com/x"),
        (f"https://me:{GITHUB}@github.com/x", ["a login in a URL"], "https://me:***@github.com/x"),
        ("KEY='-----BEGIN RSA PRIVATE KEY-----\nx\n-----END", ["a private key"], "KEY='***-----END"),
    ],
)
def test_what_gives_a_secret_away(text: str, names: list[str], shown: str) -> None:
    assert (given_away(text), hidden(text)) == (names, shown)
    assert given_away(f"{text} {text}")[: len(names)] == names


@pytest.mark.parametrize(
    "text",
    [
        "NPM_TOKEN=$(cat /run/secrets/npm_token) npm ci",
        'NPM_TOKEN="$(cat x)" TOKEN=${A} curl -H "Authorization: Bearer $TOKEN" --token $TOKEN',
        "TOKENIZERS_PARALLELISM=false MAX_TOKENS=4096 MAX_NEW_TOKENS=512",
        'DESCRIPTION="keeps the secret safe"',
        "PASSWORD= A=1 TOKEN='' SECRET=\"\"",
        "ALLOW_EMPTY_PASSWORD=1 USE_SECRETS=1 SECRET_KEY_BASE_DUMMY=1 SECRET_KEY=dummy A_TOKEN=false",
        "DB_PASSWORD_FILE=/run/secrets/db TOKEN_URL=https://x/y PGPASSWORD=/run/secrets/pg",
        "apk add libsecret=0.21.4-r0 && pip install tiktoken==0.5.1 secretstorage>=3 password-lib=1.2",
        "--mount=type=secret,id=npm_token --secret id=x --password-stdin",
        "adduser --disabled-password app && git -c credential.helper=store pull && psql --no-password db",
        "https://${USER}:${TOKEN}@x https://host:80/a@b docker://alpine:3@sha256:1 git@x:y http://x:80/@y",
        'http://x:80?a@b \'http://x:80\',\'a@b\' ["psql", "--no-password", "db"]',
        "f(token=os.environ['X'], password=open('y'), secret=None) --secret source=x -Dx.trustStorePassword=changeit",
        "sed -i s/password=.*/x/ && echo token: none",
    ],
)
def test_what_only_sounds_so(text: str) -> None:
    assert (given_away(text), hidden(text)) == ([], text)


def test_values_of_names_and_words_of_commands() -> None:
    assert hidden_value("DB_PASSWORD", "two words") == "***"
    assert hidden_value("labels.api_token", "abc") == "***"
    assert hidden_value("DB", "postgres://u:hunter2@db") == "postgres://u:***@db"
    assert hidden_value("DESCRIPTION", "keeps the secret safe") == "keeps the secret safe"
    assert hidden_words(["x", "--token", "a b", "--password=c d", "-v"]) == (
        "x",
        "--token",
        "***",
        "--password=***",
        "-v",
    )
    assert is_secret("TOKEN", "$a")  # as it is: no shell fills it in
    assert not is_secret("TOKEN", "")
    assert hidden_words(["env", "DB_PASSWORD=a b", "x"]) == ("env", "DB_PASSWORD=***", "x")
    assert hidden_words(["psql", "--no-password", "db"]) == ("psql", "--no-password", "db")
    assert is_secret("CAUSE_TOKEN", "1")


@pytest.mark.parametrize(
    "text",
    [
        "token" * 40_000,
        '"a_token=' * 20_000,
        '"--token","' * 20_000,
        'a_token="' * 22_000,
        'TOKEN="' + '\\"' * 99_000,
        "a://b:" * 33_000,
        "-H" * 99_000,
        "TOKEN=" + "1.1" * 66_000 + "!",
    ],
)
def test_a_long_text_takes_no_long_time(text: str) -> None:
    began = time.perf_counter()
    given_away(text)
    hidden(text)
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "path",
    [
        *("root/.ssh/id_rsa", "app/.npmrc", "root/.netrc", ".env", "app/.env.production", "root/.git-credentials"),
        *("etc/ssl/private/server.key", "app/key.pem", "app/tls-key.pem", "etc/letsencrypt/live/x/privkey.pem"),
        *("app/terraform.tfstate", "app/terraform.tfstate.backup", "root/.dockercfg", "root/.docker/config.json"),
        *("root/.config/gcloud/application_default_credentials.json", "app/store.jks", "root/.aws/credentials"),
        "etc/ssh/ssh_host_ed25519_key",
    ],
)
def test_files_that_are_secrets(path: str) -> None:
    assert is_secret_file(path)


@pytest.mark.parametrize(
    "path",
    [
        *("etc/ssl/certs/ca.pem", "usr/lib/ssl/cert.pem", "usr/share/keyrings/x.key", "etc/apt/keyrings/docker.key"),
        *("usr/lib/python3/site-packages/tornado/test/test.key", "app/node_modules/npm/.npmrc", "app/id_rsa.pub"),
        *("app/.env.example", "app/.env.sample", "app/.environment", "usr/lib/python3.11/test/certdata/keycert.pem"),
        *("nodesource.gpg.key", "conf/Release.key", "keys/docker-signing.key"),
        *("usr/local/go/src/crypto/tls/testdata/example-key.pem", "app/public_key.pem", "app/monkey.pem"),
    ],
)
def test_files_that_are_not(path: str) -> None:
    assert not is_secret_file(path)
