"""Secrets in what people write: texts and file names that give one away, and the same texts without it; pure.

It is a guess by names and by places, for what nobody declared as a secret; `redact` is for those whose value is known.
Every pattern takes a time that grows as the text does: histories of images are not ours.
"""

import re
from collections.abc import Iterable, Iterator

from releaser.planning.redact import MASK

_NAME = re.compile(
    r"(?i)password|passwd|passphrase|(?<!lib)secret|token(?!i[zs])|api[_-]?key|private[_-]?key|credential(?!\.helper)"
)
_NO_NAME = re.compile(
    r"(?i)(?:[_.-](?:file|path|dir|url|uri|name|ttl|length)|-stdin|(?:max|min|num|new|prompt|context)_?tokens)\Z"
    r"|(?<![^\W_])(?:use|enabled?|disabled?|allow|skip|random|dummy)(?![^\W_])|\A-*(?:no|with|without)-"
)
"""Where it is, how long it is, or whether there is one."""
_NO_SECRET = re.compile(
    r"""(?ix) ["']? (?:  # nothing, or what stands for it; where it is; a version
        ["']? | true | false | yes | no | on | off | none | null | dummy | placeholder | unused | changeit | \*+
      | /[a-z][\w.-]*+ (?: /[\w.-]++ )++
      | \d++ (?: \.\d++ )++ [\w.+~:-]*+
    ) [)}\]"',;]*+ \Z"""
)
_FILLED_IN = re.compile(r"""["']?(?:[$<]|\{\{|\.\*|=|(?:id|type|source|src)=|[\w.]++[(\[])""")
"""In a text: a variable or a stand-in, a pattern of sed, a version (`==`), a mount, a program's call or index."""
_ASSIGNED = re.compile(r"""["']?(?<![\w.-])([\w.-]++)=""")
_SHELL_WORD = r"""(?:\\.|"(?:\\.|[^"])*+"?|'[^']*+'?|[^\s"'\\]|\\)*+"""
_VALUE = re.compile(_SHELL_WORD, re.DOTALL)
_VARIABLE = re.compile(rf"(?<!\S)([^\s=]++)(?:=({_SHELL_WORD}))?", re.DOTALL)
_WORD = re.compile(r"[\w.-]+")
_OPTION = re.compile(r"(?<!\S)--([\w.-]++)[ \t]++(?!-)(?=\S)")
_LISTED = re.compile(r""""--([\w.-]++)",\s?("(?:\\.|[^"])*+"?)""")
_HEADER = re.compile(r"""(?i)(?:-H|--header)[ =]?["']?([\w-]{1,64}+):[ ]?(?:(?:bearer|basic|token)[ ])?([^\s"']++)""")
_LOGIN = re.compile(r"""(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]*+:(?![$<{%])([^\s/?#"']+)@(?!sha256:)""")
_KEY = re.compile(r"(?s)-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:(?!-----END).)*+")
_TOKEN = re.compile(
    r"\b(?:gh[opsur]_\w{36,}|github_pat_\w{40,}|glpat-[\w-]{20,}|npm_[A-Za-z0-9]{36}|xox[abp]-[\w-]{10,}|AKIA[0-9A-Z]{16})\b"
)
_FILE = re.compile(
    r"(?:^|/)(?:id_(?:rsa|dsa|ecdsa|ed25519)|ssh_host_\w+_key|\.npmrc|\.pypirc|\.netrc|\.git-credentials"
    r"|\.dockercfg|\.aws/credentials"
    r"|\.env(?:\.(?!example|sample|template|dist|schema)[\w.-]+)?|\.docker/config\.json|\.git/config|\.kube/config"
    r"|application_default_credentials\.json|terraform\.tfstate(?:\.backup)?|(?:[^/]*[._-])?(?:priv)?key\.pem"
    r"|[^/]*\.(?:pfx|p12|keystore|jks|key))\Z"
)
_NO_FILE = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|node_modules|gems|tests?|testdata|keyrings|etc/(?:apt|ssl/certs|pki/rpm-gpg)"
    r"|usr/share|usr/local/go|go/pkg/mod|\.cargo/registry)/|public[._-]?key\.pem\Z|(?:root|trusted-key|Release|[._-](?:gpg|pgp|asc|pub|signing))\.key\Z"
)
"""What packages bring along: their tests' keys, and keys that are for everybody."""


def is_secret(name: str, value: str) -> bool:
    """Whether a variable, an option or a label is one, and has its value there."""
    return _sounds_so(name) and not _NO_SECRET.match(value)


def is_secret_file(path: str) -> bool:
    """Whether a file of that name is one, as far as a name tells."""
    return _FILE.search(path) is not None and _NO_FILE.search(path) is None


def is_place_of_secrets(folder: str) -> bool:
    """Whether a key that lies there may be a secret: those for everybody have places of their own."""
    return _NO_FILE.search(f"{folder.rstrip('/')}/") is None


def assignments(text: str) -> list[tuple[str, str | None]]:
    """NAME=value and NAME, as ARG and ENV have them; words within a value are none."""
    return [(found[1], found[2]) for found in _VARIABLE.finditer(text)]


def given_away(text: str) -> list[str]:
    """What a text gives away, each once: names of variables and options, or what it is; never a value."""
    return list(dict.fromkeys(name for name, _, _ in _found(text)))


def hidden(text: str) -> str:
    """The text with `***` for the values of what it gives away."""
    kept, at = [], 0
    for _, start, end in _found(text):
        kept += [text[at:start], MASK]
        at = end
    return "".join((*kept, text[at:]))


def hidden_value(name: str, value: str) -> str:
    """A variable's or a label's value as it may be shown."""
    return MASK if is_secret(name, value) else hidden(value)


def hidden_variable(text: str) -> str:
    """NAME=value as it may be shown."""
    name, sign, value = text.partition("=")
    return f"{name}{sign}{hidden_value(name, value)}"


def hidden_words(words: Iterable[str]) -> tuple[str, ...]:
    """A command's words as they may be shown: a word has its value whole, and `--password` the next one."""
    shown, option = list[str](), ""
    for word in words:
        name, sign, value = word.partition("=")
        if option and is_secret(option, word):
            shown.append(MASK)
        elif sign and _WORD.fullmatch(name):
            shown.append(f"{name}={hidden_value(name, value)}")
        else:
            shown.append(hidden(word))
        option = word if word.startswith("--") and not sign else ""
    return tuple(shown)


def _sounds_so(name: str) -> bool:
    return _NAME.search(name) is not None and _NO_NAME.search(name) is None


def _found(text: str) -> Iterator[tuple[str, int, int]]:
    """(what it is, where its value begins, where it ends), in their order; where two overlap, the first."""
    end = 0
    for name, start, after in sorted((*_named(text), *_known(text)), key=lambda one: (one[1], -one[2])):
        if start >= end:
            yield name, start, after
            end = after


def _named(text: str) -> Iterator[tuple[str, int, int]]:
    """What has a name: NAME=value, --name value, "--name","value", a header of HTTP."""
    for pattern in (_ASSIGNED, _OPTION):
        end = 0
        for found in pattern.finditer(text):
            start = found.end()
            if found.start() >= end and _sounds_so(found[1]) and not _FILLED_IN.match(text, start):
                quoted = found[0][0] in "\"'"  # then it is one word with its name
                value = _VALUE.match(text, found.start() if quoted else start)
                end = value.end() if value is not None else start
                if is_secret(found[1], text[start:end]):
                    yield found[1].lstrip(".-"), start, end
    for found in _LISTED.finditer(text):
        if is_secret(found[1], found[2]):
            yield found[1], *found.span(2)
    for found in _HEADER.finditer(text):
        if (found[1].lower() == "authorization" or _sounds_so(found[1])) and not _FILLED_IN.match(found[2]):
            yield f"the header {found[1]}", *found.span(2)


def _known(text: str) -> Iterator[tuple[str, int, int]]:
    """What is known by how it looks."""
    yield from (("a login in a URL", *found.span(1)) for found in _LOGIN.finditer(text))
    yield from (("a token", *found.span()) for found in _TOKEN.finditer(text))
    yield from (("a private key", *found.span()) for found in _KEY.finditer(text))
