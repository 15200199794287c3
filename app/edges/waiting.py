"""Long polls: many callers wait for a decision, none of them holds a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool

from app.core.case import UNDECIDED_STATES, Case
from app.engine import Engine

MAX_WAITERS = 200
# A waiter looks this often whether anything was committed here, and reads the case if so;
# at least once in `_READ_EVERY`, for what other replicas commit.
_LOOK_EVERY = 0.1
_READ_EVERY = 1.0

Gone = Callable[[], Awaitable[bool]]


class Waiters:
    """Over the limit, and once stopped, callers get their answer at once: a shorter poll is still a right one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._commits = 0
        self._waiting = 0
        self._stopped = False
        engine.listeners.append(self._committed)

    def stop(self) -> None:
        """Let every waiter go, so that the server can shut down. Safe from any thread."""
        self._stopped = True

    async def decided(self, case_id: str, timeout: float, gone: Gone) -> Case | None:
        """The case once people are no longer asked, or as it is when time is up or the caller has gone."""
        deadline = time.monotonic() + timeout
        if timeout <= 0 or self._waiting >= MAX_WAITERS:
            return await run_in_threadpool(self._read, case_id)
        self._waiting += 1
        try:
            while True:
                seen = self._commits
                case = await run_in_threadpool(self._read, case_id)
                if case is None or case.state not in UNDECIDED_STATES:
                    return case
                if not await self._news(seen, deadline) or await gone():
                    return case
        finally:
            self._waiting -= 1

    async def _news(self, seen: int, deadline: float) -> bool:
        """False when there is no time left."""
        look_again = time.monotonic() + _READ_EVERY
        while not self._stopped:
            now = time.monotonic()
            if now >= deadline:
                return False
            await asyncio.sleep(min(_LOOK_EVERY, deadline - now))
            if self._commits != seen or now >= look_again:
                return True
        return False

    def _committed(self) -> None:
        self._commits += 1

    def _read(self, case_id: str) -> Case | None:
        with self._engine.store.reading() as reader:
            return reader.case(case_id)
