"""Watches the policy directory: what changed and loads is offered, what does not load changes nothing (RI1, RI9)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from app.core.errors import PolicyError
from app.core.policy import Policy
from app.edges.policy_files import FILES, INTENTS, load_policy
from app.engine import Engine

log = logging.getLogger("countersign.policy")

Look = tuple[tuple[str, int, int], ...]


class PolicyWatch:
    """`prepare` is called with a policy before it is offered, and raises PolicyError where it cannot be used."""

    def __init__(self, engine: Engine, directory: Path, prepare: Callable[[Policy], object] = lambda _: None) -> None:
        self.engine = engine
        self.directory = directory
        self.problems: tuple[str, ...] = ()  # of the directory as it is now; the policy in force has none
        self._prepare = prepare
        self._loaded: Look | None = None
        self._seen: Look | None = None

    def look(self) -> None:
        """One round. A directory counts once two rounds saw the same: somebody may be in the middle of saving."""
        self.engine.follow()
        seen = self._look()
        settled, self._seen = seen == self._seen, seen
        if settled and seen != self._loaded:
            self.load()

    def load(self) -> None:
        """Offer the directory as it is now."""
        seen = self._look()
        try:
            policy = load_policy(self.directory)
            self._prepare(policy)
        except PolicyError as error:
            self._loaded = seen
            self.problems = tuple(map(str, error.problems))
            log.error("the changed policy does not load, so the one in force stays:")
            for problem in self.problems:
                log.error("  %s", problem)
            return
        if self._look() != seen:
            return  # it changed while it was read: the next round looks again
        self._loaded, self.problems = seen, ()
        if self.engine.offer(policy, by="system:policy-files"):
            log.info("policy %s is in force", policy.snapshot[:12])
        else:
            log.warning(
                "policy %s of %s waits for sign-off; %s stays in force",
                policy.snapshot[:12],
                self.directory,
                self.engine.policy.snapshot[:12],
            )

    def _look(self) -> Look:
        found = []
        for name in (*FILES, INTENTS):
            try:
                status = (self.directory / name).stat()
            except OSError:
                found.append((name, 0, -1))
            else:
                found.append((name, status.st_mtime_ns, status.st_size))
        return tuple(found)
