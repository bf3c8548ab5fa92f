"""Connections to checked addresses only, directly or through the proxy that the environment names."""

import ipaddress
import os
import socket
import ssl
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from releaser.registry.addresses import AddressRule
from releaser.registry.references import is_loopback


class Pools:
    """Kept connections of one registry, made when they are needed."""

    def __init__(self, rule: AddressRule, ca: Path | None) -> None:
        self._rule = rule
        self._ca = ca
        self._context: ssl.SSLContext | None = None
        self._managers: dict[tuple[str, str | None], urllib3.PoolManager] = {}

    def at(self, url: str) -> urllib3.PoolManager:
        """The connections to an address. Raises Forbidden for one that is never asked."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        proxy = _proxy(parts.scheme, host)
        if proxy is not None:
            self._rule.check_name(host)
        key = (parts.scheme, proxy)
        if key not in self._managers:
            # Reading the authorities takes longer than a request on a local network, so only TLS pays for it.
            tls = self._tls() if "https" in {parts.scheme, (proxy or "").partition(":")[0]} else None
            self._managers[key] = self._direct(tls) if proxy is None else _through(proxy, tls)
        return self._managers[key]

    def _direct(self, tls: ssl.SSLContext | None) -> urllib3.PoolManager:
        manager = urllib3.PoolManager(ssl_context=tls)
        manager.pool_classes_by_scheme = _checked_pools(self._rule)
        return manager

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            context = ssl.create_default_context()
            known = ssl.get_default_verify_paths()
            if not known.cafile and not known.capath:  # a Python that brings no list of its own
                context.load_verify_locations(certifi.where())
            if self._ca is not None:
                context.load_verify_locations(self._ca)
            self._context = context
        return self._context


def _through(proxy: str, tls: ssl.SSLContext | None) -> urllib3.ProxyManager:
    # Its address is the user's own choice, so it is not checked.
    parts = urlsplit(proxy)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, ssl_context=tls)


def _checked_pools(rule: AddressRule) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, rule)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, rule)

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _connect(connection: HTTPConnection, rule: AddressRule) -> socket.socket:
    """A socket to an address that was checked: the name is resolved once, so that it cannot change in between."""
    port = connection.port or connection.default_port
    try:
        addresses = rule.resolve(connection.host, port)
    except (socket.gaierror, UnicodeError) as error:
        cause = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(connection.host, connection, cause) from error
    failure: Exception = NewConnectionError(connection, "no address")
    for address in addresses:
        try:
            return create_connection((address, port), connection.timeout, socket_options=connection.socket_options)
        except TimeoutError as error:
            failure = ConnectTimeoutError(connection, "no connection in time")
            failure.__cause__ = error
        except OSError as error:
            failure = NewConnectionError(connection, "no connection")
            failure.__cause__ = error
    raise failure


def _proxy(scheme: str, host: str) -> str | None:
    if is_loopback(host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(host) or _excluded(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _excluded(host: str) -> bool:
    """Whether NO_PROXY has a network, as 10.0.0.0/8, that the host's address is in."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for entry in (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(","):
        try:
            if address in ipaddress.ip_network(entry.strip(), strict=False):
                return True
        except ValueError:
            continue
    return False
