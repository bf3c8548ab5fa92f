"""Texts without secrets, and without what a terminal would obey.

Types keep secrets out of what we print. This is the net below: what engines, registries and commands answer may repeat
a value, in any of the spellings that a value takes on its way through JSON, URLs, shells and base64.
"""

import base64
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache

MASK = "***"
SHORTEST = 6
"""Characters below which a secret is not looked for: it would be found in every other word."""

_BREAKS = re.compile(r"(?:\s|\\+[nr])+")  # line ends and indentation, also where JSON has escaped them
_ALNUM = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
# What writers of URLs leave as it is: RFC 3986, a path, forms, the two functions of JavaScript, Go's path segment.
_URL_SAFE = tuple(
    _ALNUM | frozenset(more)
    for more in (b"-._~", b"-._~/", b"*-._", b"-._~!'()*", b"-._~!'()*;/?:@&=+$,#", b"-._~$&+=:@")
)
_URL_SAFE_64 = str.maketrans("+/", "-_")

_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def mask(text: str, secrets: Iterable[bytes]) -> str:
    """The text with every secret, however spelled, replaced by `***`; touching finds become one.

    Spellings: as it is, as JSON (once and twice), in a URL, quoted for a shell, YAML or XML, escaped by Python or by
    `printable`, in hexadecimal, in base64 at any alignment and wrapped; and each line of a secret that has several.
    """
    spans = sorted(_spans(text, set(secrets)))
    kept, at, end = [], 0, -1
    for start, after in spans:
        if start > end:
            kept += [text[at:start], MASK]
        at = end = max(end, after)
    return "".join((*kept, text[at:]))


def printable(text: str, *, lines: bool = False) -> str:
    r"""The text with what controls a terminal, or reorders and hides what it shows, as escapes: `\x1b`, `\u202e`.

    `lines` keeps line ends and tabs.
    """
    return _CONTROL.sub(lambda found: found[0] if lines and found[0] in "\n\t" else _escape(found[0]), text)


def _escape(character: str) -> str:
    number = ord(character)
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _spans(text: str, secrets: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    unwrapped: _Unwrapped | None = None
    for secret in secrets:
        plain, packed = _spellings(secret)
        for spelling in plain:
            yield from _finds(text, spelling)
        if packed:
            unwrapped = unwrapped or _Unwrapped(text)
        for spelling in packed:
            yield from unwrapped.finds(spelling) if unwrapped else ()


def _finds(text: str, spelling: str) -> Iterator[tuple[int, int]]:
    at = text.find(spelling)
    while at >= 0:
        yield at, at + len(spelling)
        at = text.find(spelling, at + len(spelling))


class _Unwrapped:
    """A text without line ends and spaces, which knows where its pieces stood."""

    def __init__(self, text: str) -> None:
        self._starts, self._packed = [0], [0]  # where each piece begins: in the text, and here
        pieces, end = [], 0
        for found in _BREAKS.finditer(text):
            pieces.append(text[end : found.start()])
            end = found.end()
            self._starts.append(end)
            self._packed.append(self._packed[-1] + len(pieces[-1]))
        self._text = "".join((*pieces, text[end:]))

    def finds(self, spelling: str) -> Iterator[tuple[int, int]]:
        """The finds as places in the text with its line ends."""
        for start, after in _finds(self._text, spelling):
            yield self._place(start), self._place(after - 1) + 1

    def _place(self, index: int) -> int:
        piece = bisect_right(self._packed, index) - 1
        return self._starts[piece] + index - self._packed[piece]


@lru_cache(maxsize=256)
def _spellings(secret: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is looked for as it is, and what may be wrapped."""
    if len(secret.decode(errors="replace")) < SHORTEST or not secret.strip(b"*"):
        return (), ()
    wholes = {secret, secret.rstrip(b"\r\n")}
    texts = {text for part in (*wholes, *_lines(secret)) for text in _decoded(part)}
    plain = {spelling for text in texts for spelling in _escaped(text)}
    packed = {spelling for whole in wholes for spelling in _base64(whole)}
    packed |= {spelling for whole in wholes for spelling in (whole.hex(), whole.hex().upper())}
    plain |= {_percent(spelling, _URL_SAFE[0], case) for spelling in packed for case in ("%%%02X", "%%%02x")} - packed
    return tuple(sorted(s for s in plain if len(s) >= SHORTEST)), tuple(sorted(s for s in packed if len(s) >= SHORTEST))


def _lines(secret: bytes) -> Iterator[bytes]:
    lines = secret.splitlines()
    if len(lines) > 1 and _is_text(secret):
        yield from (line.strip() for line in lines if not line.startswith(b"-----"))  # a frame that every key has


def _is_text(secret: bytes) -> bool:
    try:
        secret.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(part: bytes) -> Iterator[str]:
    """The texts that a program may make of bytes."""
    if _is_text(part):
        yield part.decode()
        return
    yield part.decode(errors="surrogateescape")
    yield part.decode(errors="backslashreplace")
    yield part.decode("latin-1")
    yield from (piece for piece in part.decode(errors="replace").split("\ufffd") if len(piece) >= SHORTEST)


def _escaped(text: str) -> Iterator[str]:
    for once in (text, *_json(text)):
        yield once
        yield from _json(once)
    for safe in _URL_SAFE:
        for case in ("%%%02X", "%%%02x"):
            url = _percent(text, safe, case)
            yield from (url, url.replace("%20", "+"))
    yield from _quoted(text)
    yield from (printable(text), printable(text, lines=True))


def _json(text: str) -> Iterator[str]:
    short = json.dumps(text, ensure_ascii=False)[1:-1]
    long = json.dumps(text)[1:-1]
    for spelling in (short, long, re.sub(r"(?<=\\u)[0-9a-f]{4}", lambda found: found[0].upper(), long)):
        yield from (spelling, spelling.replace("/", r"\/"))
    for case in ("%04x", "%04X"):  # as Go does it, for HTML
        yield re.sub("[<>&\u2028\u2029]", lambda found, case=case: "\\u" + case % ord(found[0]), short)  # type: ignore[misc]


def _percent(text: str, safe: frozenset[int], case: str) -> str:
    return "".join(chr(byte) if byte in safe else case % byte for byte in text.encode(errors="surrogateescape"))


def _quoted(text: str) -> Iterator[str]:
    """As shells, YAML, compose files, XML and Python quote it; without the outer quotes."""
    yield text.replace("'", "'\"'\"'")
    yield text.replace("'", "'\\''")
    yield re.sub(r"[^A-Za-z0-9_@%+=:,./\-\n]", r"\\\g<0>", text)
    yield re.sub(r'[$"`\\]', r"\\\g<0>", text)
    yield text.replace("'", "''")
    yield text.replace("$", "$$")
    xml = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    yield xml
    for double, single in (("&quot;", "&#x27;"), ("&#34;", "&#39;"), ("&quot;", "&apos;")):
        yield xml.replace('"', double).replace("'", single)
    yield repr(text)[1:-1]
    yield ascii(text)[1:-1]
    yield repr(text + "'\"")[1:-4]  # where quotes of both kinds follow
    yield repr(text.encode(errors="surrogateescape"))[2:-1]


def _base64(value: bytes) -> Iterator[str]:
    """As a text of its own, and the characters that are the same wherever it stands in a longer one."""
    whole = base64.b64encode(value).decode()
    found = [whole, whole.rstrip("=")]
    for before, shared in ((0, 0), (1, 2), (2, 3)):
        inside = base64.b64encode(bytes(before) + value).decode().rstrip("=")
        found.append(inside[shared : len(inside) - bool((before + len(value)) % 3)])
    for spelling in found:
        yield from (spelling, spelling.translate(_URL_SAFE_64))
