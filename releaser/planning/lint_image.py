"""The same for images that are there: what their layers and their history give away, and what they waste; pure."""

from collections.abc import Iterator
from typing import Any

from releaser.model.image_content import FILE, ImageContent
from releaser.model.lint import ERROR, WARNING, Finding
from releaser.planning.layers import report
from releaser.planning.secret_texts import given_away, is_secret, is_secret_file
from releaser.planning.wording import listed

_WASTED, _PART = 1_000_000, 0.05
"""Bytes, and the part of all bytes, that may be wasted."""
_FEW = 5


def lint_image(content: ImageContent) -> tuple[Finding, ...]:
    """Every finding; a secret's value is not shown."""
    return tuple(
        Finding(rule=rule, level=level, file=None, line=None, message=message, mend=mend)
        for rule, level, message, mend in _found(content)
    )


def _found(content: ImageContent) -> Iterator[tuple[str, str, str, str]]:
    made = report(content)
    if made.user.partition(":")[0] in {"", "root", "0"}:
        yield "root-user", WARNING, "it runs as root", "USER 1000, or a name that the image has"
    names = sorted(set(_given_away(content.config)))
    if names:
        message = f"its history and its configuration give away {listed(names)}"
        yield "secret-in-history", ERROR, message, "RUN --mount=type=secret; and take the secret for known"
    kept = sorted(
        {
            entry.path
            for layer in content.layers
            for entry in layer.entries
            if entry.kind == FILE and entry.size and is_secret_file(entry.path)
        }
    )
    if kept:
        more = f" and {len(kept) - _FEW} more" if len(kept) > _FEW else ""
        message = (
            f"its layers have {listed([f'/{path}' for path in kept[:_FEW]])}{more}, also where a later one removes it"
        )
        yield "secret-in-layers", ERROR, message, "leave it out by .dockerignore; and take the secret for known"
    if made.wasted > _WASTED and made.wasted > _PART * made.size:
        worst = listed([f"/{file.path}" for file in made.waste[:_FEW]])
        message = f"{made.wasted} of {made.size} bytes are overwritten or removed by later layers, most of it {worst}"
        yield "wasted-bytes", WARNING, message, "make and remove it in one step, or copy from a stage"


def _given_away(whole: Any) -> Iterator[str]:
    """What the history and the configuration give away, by name."""
    config = whole.get("config") or {}
    variables = [text.partition("=")[::2] for text in config.get("Env") or ()]
    for name, value in (*variables, *(config.get("Labels") or {}).items()):
        yield from [name] if is_secret(name, value) else given_away(value)
    texts = [str(one.get("created_by") or "") for one in whole.get("history") or ()]
    texts += config.get("OnBuild") or ()
    checked = (config.get("Healthcheck") or {}).get("Test")
    for words in (config.get("Entrypoint"), config.get("Cmd"), checked):
        texts.append(" ".join(words or ()))
    for text in texts:
        yield from given_away(text)
