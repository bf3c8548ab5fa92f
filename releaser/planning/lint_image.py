"""The same for images that are there: what their layers and their history give away, and what they waste; pure."""

import re
from collections.abc import Iterator
from typing import Any

from releaser.model.image_content import FILE, ImageContent
from releaser.model.lint import ERROR, WARNING, Finding
from releaser.planning.layers import report
from releaser.planning.wording import listed

_SECRET = re.compile(r"(?i)\b(\w*(?:password|passwd|secret|token|api_?key|private_?key)\w*)=(\S+)")
_KEPT_FILES = re.compile(
    r"(?:^|/)(?:id_(?:rsa|dsa|ecdsa|ed25519)|\.npmrc|\.pypirc|\.netrc|\.env|\.aws/credentials|\.docker/config\.json"
    r"|\.git/config|\.kube/config|[^/]*\.(?:pfx|p12|keystore|jks))\Z"
)
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
    names = _names(content.config)
    if names:
        message = f"its history and its variables give away {listed(sorted(names))}"
        yield "secret-in-history", ERROR, message, "RUN --mount=type=secret; and take the secret for known"
    kept = sorted(
        {entry.path for layer in content.layers for entry in layer.entries if _is_kept(entry.kind, entry.path)}
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


def _is_kept(kind: str, path: str) -> bool:
    return kind == FILE and _KEPT_FILES.search(path) is not None


def _names(config: Any) -> set[str]:
    """The names of secrets with a value, in the history's build arguments and in the environment."""
    texts = [str(one.get("created_by") or "") for one in config.get("history") or ()]
    texts += (config.get("config") or {}).get("Env") or ()
    return {name for text in texts for name, _ in _SECRET.findall(text) if not name.lower().endswith("_file")}
