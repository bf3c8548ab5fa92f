"""No spelling of a secret survives, and nothing else is touched."""

import base64
import html
import json
import shlex
import textwrap
import urllib.parse

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from releaser.planning.redact import MASK, mask, printable
from tests.canary import encodings

ODD = 'it\'s "odd" <&> $(x) \\ / + é ~!*'
SECRETS = ["hunter2-hunter2", ODD, "ключ-от-всего", "tab\tand\x1besc", "a&b=c d%20e"]

SPELLED = {
    "raw": lambda s: s,
    "json": json.dumps,
    "json, not ascii": lambda s: json.dumps(s, ensure_ascii=False),
    "json in json": lambda s: json.dumps(json.dumps({"k": s})),
    "json with upper-case escapes": lambda s: json.dumps(s).replace("\\u00e9", "\\u00E9"),
    "json with escaped slashes": lambda s: json.dumps(s).replace("/", "\\/"),
    "json as Go writes it": lambda s: (
        json.dumps(s, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    ),
    "url": lambda s: "https://x/?q=" + urllib.parse.quote(s, safe=""),
    "url path": lambda s: "https://x/" + urllib.parse.quote(s),
    "url form": lambda s: "q=" + urllib.parse.quote_plus(s),
    "url in lower case": lambda s: "".join(
        part if len(part) == 1 else part.lower() for part in _percent_parts(urllib.parse.quote(s, safe=""))
    ),
    "encodeURIComponent": lambda s: urllib.parse.quote(s, safe="!'()*-._~"),
    "shell": shlex.quote,
    "shell, by hand": lambda s: "'" + s.replace("'", "'\\''") + "'",
    "yaml, single quotes": lambda s: "'" + s.replace("'", "''") + "'",
    "compose": lambda s: s.replace("$", "$$"),
    "html": html.escape,
    "html, as Go writes it": lambda s: html.escape(s).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "repr": repr,
    "repr among quotes": lambda s: repr("'\"" + s),
    "ascii": ascii,
    "bytes": lambda s: repr(s.encode()),
    "printable": printable,
    "hex": lambda s: s.encode().hex(),
    "HEX": lambda s: s.encode().hex().upper(),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 url": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "base64 in a url": lambda s: urllib.parse.quote(base64.b64encode(s.encode()).decode(), safe=""),
}


def _percent_parts(text: str) -> list[str]:
    head, *rest = text.split("%")
    return [*head, *(piece for part in rest for piece in ("%" + part[:2], *part[2:]))]


def unpack(text: str) -> str:
    """What remains of it for somebody who can read: base64 without its line ends."""
    return "".join(text.split()).replace("\\n", "")


class TestMask:
    @pytest.mark.parametrize("secret", SECRETS)
    @pytest.mark.parametrize("spelled", SPELLED, ids=str)
    def test_a_spelling_is_replaced(self, secret, spelled):
        planted = SPELLED[spelled](secret)
        masked = mask(f"before {planted} after", [secret.encode()])
        assert masked.startswith("before ")
        assert masked.endswith(" after")
        assert MASK in masked
        left = masked.removeprefix("before ").removesuffix(" after").replace(MASK, "")
        assert len(left) <= len(planted) - len(secret), left
        assert not [found for found in encodings(secret.encode()) if found in masked.encode()]

    @pytest.mark.parametrize("before", ["", "a", "ab", "user:"])
    @pytest.mark.parametrize("after", ["", "y", "yz", ":more"])
    def test_base64_at_any_alignment(self, before, after):
        text = base64.b64encode((before + "hunter2-hunter2" + after).encode()).decode()
        masked = mask(f"Authorization: Basic {text}", [b"hunter2-hunter2"])
        assert MASK in masked
        left = masked.split()[2].replace(MASK, "").rstrip("=")
        assert len(left) * 6 <= len(before + after) * 8 + 2 * 6  # the two characters shared with the neighbours

    @pytest.mark.parametrize("width", [20, 64, 76])
    @pytest.mark.parametrize("joint", ["\n", "\r\n", "\n      ", "\\n", "\\\\n"])
    def test_base64_over_several_lines(self, width, joint):
        secret = bytes(range(33, 127)) * 3
        lines = textwrap.wrap(base64.b64encode(b"head" + secret + b"tail").decode(), width)
        masked = mask("data: |" + joint + joint.join(lines) + joint + "end: true", [secret])
        assert masked.startswith("data: |")
        assert masked.endswith("end: true")
        left = masked.removeprefix("data: |").removesuffix("end: true").replace(MASK, "")
        assert len(unpack(left)) < 20

    def test_each_line_of_a_secret_that_has_several(self):
        secret = b"-----BEGIN KEY-----\r\nfirst-line-of-it\r\n  second-line-of-it\r\nab\r\n-----END KEY-----\r\n"
        masked = mask('x first-line-of-it y "second-line-of-it" ab -----BEGIN KEY-----', [secret])
        assert masked == f'x {MASK} y "{MASK}" ab -----BEGIN KEY-----'

    def test_with_and_without_its_last_line_end(self):
        assert mask("[one-line-key]", [b"one-line-key\n"]) == f"[{MASK}]"
        assert MASK in mask(base64.b64encode(b"one-line-key").decode(), [b"one-line-key\n"])

    def test_the_longest_wins_and_overlaps_leave_nothing(self):
        assert mask("secret-and-more", [b"secret", b"secret-and-more"]) == MASK
        assert mask("abcdef123456xyz", [b"abcdef123", b"123456xyz"]) == MASK
        assert mask("secretsecret", [b"secret"]) == MASK
        assert mask("the-inner-secret-ends", [b"the-inner-secret-ends", b"secret", b"inner-"]) == MASK

    def test_a_short_one_is_left_as_it_would_be_everywhere(self):
        assert mask("a is at a table", [b"a", b"", b"table"]) == "a is at a table"
        assert mask("tables", [b"tables"]) == MASK

    def test_six_characters_not_six_bytes(self):
        assert mask("ééééé", ["ééééé".encode()]) == "ééééé"
        assert mask("éééééé", ["éééééé".encode()]) == MASK

    def test_binary(self):
        secret = b"\x00\xff\xfekey-part\x80\x81"
        for text in (
            repr(secret),
            secret.decode("latin-1"),
            secret.decode(errors="surrogateescape"),
            secret.decode(errors="replace"),
            secret.hex(),
            base64.b64encode(b"x" + secret).decode(),
        ):
            masked = mask(text, [secret])
            assert MASK in masked
            assert "key-part" not in masked

    def test_any_iterable_also_an_empty_one(self):
        assert mask("text", iter(())) == "text"
        assert mask("the hunter2-key", (value for value in [b"hunter2-key"])) == f"the {MASK}"

    def test_a_long_secret_in_a_long_text(self):
        secret = b"x" * 65536
        assert mask("x" * 200_000, [secret]).replace(MASK, "").count("x") < 65536

    @given(
        st.text(min_size=6, max_size=40).filter(lambda s: s.strip("*") and s.isprintable()),
        st.sampled_from(sorted(SPELLED)),
        st.text(alphabet="abc \n{}:'\"", max_size=10),
        st.text(alphabet="xyz \n{}:'\"", max_size=10),
    )
    def test_no_planted_encoding_survives(self, secret, spelled, before, after):
        masked = mask(before + SPELLED[spelled](secret) + after, [secret.encode()])
        assert MASK in masked
        canary = {found for found in encodings(secret.encode()) if len(found) >= 6 and found.strip(b"*")}
        assert not [found for found in canary if found in masked.encode(errors="surrogateescape")]

    @given(st.text(max_size=200), st.lists(st.binary(min_size=6, max_size=40), max_size=4))
    def test_a_text_without_secrets_is_unchanged(self, text, secrets):
        assume(not any(found in text.encode(errors="replace") for secret in secrets for found in encodings(secret)))
        assume(not any(len(piece.strip()) >= 6 and piece.strip() in text for s in secrets for piece in _readable(s)))
        assert mask(text, secrets) == text


def _readable(secret: bytes) -> list[str]:
    return [
        piece
        for line in (secret, *secret.splitlines())
        for piece in (*line.decode(errors="replace").split("\ufffd"), line.decode("latin-1"))
    ]


class TestPrintable:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("plain", "plain"),
            (
                "ünïcödé 日本 👩\u200d👩 \u0645\u06cc\u200c\u062e\u0648\u0627",
                "ünïcödé 日本 👩\u200d👩 \u0645\u06cc\u200c\u062e\u0648\u0627",
            ),
            ("\x1b]52;c;ZXZpbA==\x07", r"\x1b]52;c;ZXZpbA==\x07"),
            ("\x1b[2J", r"\x1b[2J"),
            ("ok\rFAILED", r"ok\rFAILED"),
            ("a\nforged log line", r"a\nforged log line"),
            ("a\tb", r"a\tb"),
            ("\x9b31m\x85", r"\x9b31m\x85"),
            ("\x7f\x00", r"\x7f\x00"),
            ("\u202egnp.exe", r"\u202egnp.exe"),
            ("\u2066\u2069\u200f\u061c\u2028\ufeff", r"\u2066\u2069\u200f\u061c\u2028\ufeff"),
            ("\U000e0041", r"\U000e0041"),
            ("\udc80", r"\udc80"),
            (r"C:\new", r"C:\new"),
        ],
    )
    def test_what_a_terminal_would_obey_is_escaped(self, text, shown):
        assert printable(text) == shown

    def test_line_ends_are_kept_where_told(self):
        assert printable("a\n\tb\r\n\x1bc", lines=True) == "a\n\tb\\r\n\\x1bc"

    @given(st.text())
    def test_the_result_can_always_be_printed(self, text):
        shown = printable(text)
        shown.encode()
        assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown)
        assert printable(shown) == shown
