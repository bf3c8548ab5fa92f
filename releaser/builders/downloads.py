"""One file by https, as a server sends it, with limits."""

import hashlib
import time
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from releaser.builders.entries import MOST
from releaser.model.build import without_query
from releaser.model.errors import BuildFailed
from releaser.planning.redact import printable
from releaser.ports.building import Tell

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_CHUNK = 1 << 20
_REDIRECTS = 5
_CONNECT, _READ, _WHOLE = 5.0, 30.0, 900.0
"""Seconds until a server takes the connection, sends more, and has sent all."""


def download(url: str, file: IO[bytes], tell: Tell) -> str:
    """Write what the URL has; gives its sha256. Raises BuildFailed.

    The connections are the registry's, as the same holds here: the proxy that the environment names, and no answer that
    sends us to this machine or to a metadata service.
    """
    from urllib3.exceptions import HTTPError, ProxyError  # noqa: PLC0415 - few builds have a package of elsewhere

    from releaser.registry.addresses import Forbidden  # noqa: PLC0415

    shown = _shown(url)
    hint = f"see: curl -fI {shown}"
    try:
        with ExitStack() as stack:
            return _followed(url, file, tell, stack)
    except Forbidden as error:
        raise BuildFailed(f"the package {shown} is not fetched: {error}", hint=hint) from error
    except ProxyError as error:
        why = getattr(error, "original_error", None) or error
        raise BuildFailed(
            f"the package {shown} cannot be fetched through the proxy: {printable(str(why))}",
            hint="check HTTPS_PROXY and NO_PROXY",
        ) from error
    except HTTPError as error:
        why = printable(str(getattr(error, "reason", None) or error))
        raise BuildFailed(f"the package {shown} cannot be fetched: {why}", hint=hint) from error
    except ValueError as error:  # of URLs, also of those that a server names
        raise BuildFailed(f"the package {shown} cannot be fetched: it is no URL: {error}", hint=hint) from error


def _shown(url: str) -> str:
    """A URL for people, also one that a server sends us to: those often have a signature behind `?`."""
    return printable(without_query(url))


def _followed(url: str, file: IO[bytes], tell: Tell, stack: ExitStack) -> str:
    from urllib3 import Timeout  # noqa: PLC0415

    from releaser.registry.addresses import AddressRule  # noqa: PLC0415
    from releaser.registry.connections import Pools  # noqa: PLC0415

    end = time.monotonic() + _WHOLE
    pools = Pools(AddressRule(own=urlsplit(url).hostname or ""), ca=None)
    for _ in range(_REDIRECTS + 1):
        if urlsplit(url).scheme != "https":
            raise BuildFailed(f"the package {_shown(url)} is not fetched: it is no https", hint="name an https URL")
        pool = pools.at(url)
        stack.callback(pool.clear)
        response = pool.request(
            *("GET", url),
            headers={"Accept-Encoding": "identity"},
            redirect=False,
            retries=False,
            preload_content=False,
            timeout=Timeout(connect=_CONNECT, read=_READ),
        )
        stack.callback(response.close)
        target = response.headers.get("location")
        if response.status not in {301, 302, 303, 307, 308} or not target:
            return _written(url, response, file, tell, end)
        url = urljoin(url, target)
    raise BuildFailed(f"the package's server sends us on more than {_REDIRECTS} times", hint="name the last URL")


def _written(url: str, response: "BaseHTTPResponse", file: IO[bytes], tell: Tell, end: float) -> str:
    shown = _shown(url)
    if response.status != 200:
        raise BuildFailed(f"the server of the package {shown} answers {response.status}", hint=f"see: curl -fI {shown}")
    digest, size = hashlib.sha256(), 0
    whole = response.headers.get("content-length", "")
    # What is there, and as it is sent: a server that is slow is seen, and so is Ctrl-C; and a packed tar stays packed.
    while chunk := response.read1(_CHUNK, decode_content=False):
        digest.update(chunk)
        file.write(chunk)
        size += len(chunk)
        tell(f"fetching {shown}, {size >> 20} MiB")
        if size > MOST or time.monotonic() > end:
            raise BuildFailed(f"the package {shown} has more than {MOST >> 20} MiB, or takes more than {_WHOLE:g}s")
    if whole.isdecimal() and size != int(whole):
        raise BuildFailed(f"the package {shown} was cut short: {size} of {whole} bytes", hint="build again")
    return digest.hexdigest()
