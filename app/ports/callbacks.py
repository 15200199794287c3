"""Callbacks to integrators: signed per API key, and never a way into our own network.

The host is resolved once, every address of it is judged, and the connection goes to a judged address, so that a name
cannot change its mind between the check and the request.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import socket
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from app.ports.errors import GiveUp, RetryLater, SendResult
from app.ports.http import CONNECT, LIMITS, HttpDestination, utc_now
from app.ports.standard_webhooks import PREFIX, envelope, secret_key, sign

HOSTS_SETTING = "COUNTERSIGN_CALLBACK_HOSTS"
MOST_ADDRESSES = 3
_LABEL = b"countersign callback secret v1"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PORTS = {"https": 443, "http": 80}

Resolve = Callable[[str, int], Sequence[str]]


def derive_callback_secret(api_key_secret: str) -> str:
    """The `whsec_…` secret that signs the callbacks of cases submitted with this API key."""
    key = hmac.digest(api_key_secret.encode(), _LABEL, hashlib.sha256)
    return PREFIX + base64.b64encode(key).decode()


def resolve(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[4][0]) for address in found))


def is_public(address: str) -> bool:
    """False for private, loopback, link-local, multicast and reserved addresses, also inside an IPv6 wrapping."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in _NAT64:
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        wrapped = [i for i in inner if i is not None]
        if wrapped:
            return all(is_public(str(i)) for i in wrapped)
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast


def callback_problem(url: str, allowed_hosts: Collection[str]) -> str:
    """Why this callback_url can never be used, without looking anything up; empty if nothing speaks against it.

    `allowed_hosts` are names or addresses, each with or without a port, for which plain http and private addresses
    are right.
    """
    problem = address_problem(url, allowed_hosts)
    return f"callback_url {problem}" if problem else ""


def address_problem(url: str, allowed_hosts: Collection[str]) -> str:
    """As `callback_problem`, of any address; what is said completes a sentence that begins with its name."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "cannot be read as a URL"
    if parsed.scheme not in _PORTS or not parsed.host:
        return "must be a whole https URL"
    if parsed.userinfo:
        return "must not carry a user name or password"
    if _named(parsed, {h.strip().casefold() for h in allowed_hosts}):
        return ""
    if parsed.scheme != "https":
        return f"must be https: its host is not in {HOSTS_SETTING}"
    if _is_address(parsed.host) and not is_public(parsed.host):
        return f"must not be a private address that is not in {HOSTS_SETTING}"
    return ""


class CallbackPort:
    """`secrets` maps an API key's name to its `whsec_…` secret. Receivers drop repeats by `webhook-id`."""

    idempotent = frozenset({"Callback"})

    def __init__(
        self,
        secrets: Mapping[str, str],
        allowed_hosts: Collection[str] = (),
        *,
        clock: Callable[[], datetime] = utc_now,
        resolve: Resolve = resolve,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        self._keys = {name: secret_key(s, f"callback secret of {name}") for name, s in secrets.items()}
        self._allowed = frozenset(h.strip().casefold() for h in allowed_hosts)
        self._clock = clock
        self._resolve = resolve
        # Its own transport: no proxy of the environment may choose the address, and no connection made under one
        # host's certificate is reused for another host at the same address.
        self._http = HttpDestination(
            "The callback receiver",
            url_setting="the case's callback_url",
            credential_setting="the callback secret at the receiver (`countersign doctor --secrets`)",
            transport=httpx.HTTPTransport(verify=verify, limits=LIMITS, trust_env=False),
            clock=clock,
        )

    def send(self, delivery_id: str, url: str, key: str, type: str, data: Mapping[str, Any]) -> SendResult:
        """Posts `{type, timestamp, data}`; `key` is the name of the API key that submitted the case."""
        problem = callback_problem(url, self._allowed)
        if problem:
            raise GiveUp(problem, "Submit cases with another callback_url, or name its host")
        secret = self._keys.get(key)
        if secret is None:
            raise GiveUp(
                "the API key that submitted the case is gone, so its callbacks cannot be signed",
                "Restore it in COUNTERSIGN_API_KEYS and redrive, or read the case with GET /v1/cases/{id}",
            )
        target = httpx.URL(url)
        now = self._clock()
        body = envelope(type, now, data)
        headers = {**sign(secret, delivery_id, now, body), "host": target.netloc.decode("ascii")}
        self._post(target, self._addresses(target), body, headers, delivery_id)
        return SendResult(remote_id=delivery_id)

    def close(self) -> None:
        self._http.close()

    def _addresses(self, target: httpx.URL) -> Sequence[str]:
        try:
            found = self._resolve(target.raw_host.decode("ascii"), target.port or _PORTS[target.scheme])
        except OSError:
            raise RetryLater("the callback receiver's host cannot be resolved", code=CONNECT) from None
        except UnicodeError:
            found = ()
        if not found:
            raise GiveUp("the callback receiver's host has no address", "Check the case's callback_url")
        if not _named(target, self._allowed) and not all(is_public(a) for a in found):
            raise GiveUp(
                "the callback receiver's host leads to a private address",
                f"Name the host in {HOSTS_SETTING} if that is meant",
                code="private_address",
            )
        return found[:MOST_ADDRESSES]

    def _post(
        self, target: httpx.URL, addresses: Sequence[str], body: bytes, headers: Mapping[str, str], delivery: str
    ) -> None:
        """To the first address that takes a connection; certificate and SNI stay those of the host's name."""
        for tried, address in enumerate(addresses, start=1):
            try:
                self._http.request(
                    "POST",
                    str(target.copy_with(host=address)),
                    content=body,
                    headers=headers,
                    look_at=f"the receiver's log, for webhook-id {delivery}",
                    read=False,
                    extensions={} if _is_address(target.host) else {"sni_hostname": target.raw_host.decode("ascii")},
                )
                return
            except RetryLater as exc:
                if exc.code != CONNECT or tried == len(addresses):
                    raise


def _named(url: httpx.URL, allowed: Collection[str]) -> bool:
    host = url.host.casefold().rstrip(".")
    port = url.port or _PORTS[url.scheme]
    return any(h in allowed for h in (host, f"[{host}]", f"{host}:{port}", f"[{host}]:{port}"))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
