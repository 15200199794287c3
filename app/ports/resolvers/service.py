"""A service of your own: one GET, one JSON answer."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, get_args

import httpx
import msgspec

from app.core.policy.rolesfile import Resolver as Kind
from app.core.policy.rolesfile import User
from app.ports.callbacks import address_problem
from app.ports.errors import GiveUp, Misconfigured
from app.ports.http import HttpDestination, header_value
from app.ports.resolvers import MOST_USERS, Question

URL_SETTING = "COUNTERSIGN_RESOLVER"
CREDENTIAL_SETTING = "COUNTERSIGN_RESOLVER_TOKEN"
TIMEOUT = httpx.Timeout(5.0, connect=3.0)
TOTAL_SECONDS = 8.0  # a step waits ten


class _Answer(msgspec.Struct, frozen=True):
    users: Annotated[list[User], msgspec.Meta(max_length=MOST_USERS)]


class HttpResolver:
    """`GET url?kind=…&customer_id=…` answers `{"users": ["U…" or an e-mail]}`; an empty list is nobody."""

    name = "http"
    kinds: frozenset[Kind] = frozenset(get_args(Kind))

    def __init__(
        self,
        url: str,
        token: str = "",
        allowed_hosts: Collection[str] = (),
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if problem := address_problem(url, allowed_hosts):
            raise Misconfigured(URL_SETTING, problem)
        self._url = httpx.URL(url)
        self._http = HttpDestination(
            "The resolver",
            headers={"authorization": f"Bearer {header_value(token, CREDENTIAL_SETTING)}"} if token else None,
            url_setting=URL_SETTING,
            credential_setting=CREDENTIAL_SETTING,
            transport=transport,
            timeout=TIMEOUT,
            total=TOTAL_SECONDS,
        )

    def resolve(self, kind: Kind, question: Question) -> tuple[str, ...]:
        asked = {"kind": kind, **msgspec.to_builtins(question, str_keys=True)}
        url = self._url.copy_merge_params({name: value for name, value in asked.items() if value})
        answer = self._http.request("GET", str(url))
        try:
            return tuple(msgspec.json.decode(answer.body, type=_Answer).users)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise GiveUp(
                f'The resolver\'s answer is not {{"users": [Slack ids or e-mails, at most {MOST_USERS}]}}',
                f"Look at what {URL_SETTING} answers",
                code="answer",
            ) from None

    def close(self) -> None:
        self._http.close()
