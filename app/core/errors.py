"""The error tree.

CountersignError
├── Refused       a command the state, the policy or a person's rights do not allow; nothing changed
└── PolicyError   policy documents that cannot be used; carries every problem found, not only the first
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class CountersignError(Exception):
    """Base of every error this product raises on purpose."""


class Refused(CountersignError):
    """A refusal is an answer, not a fault: `code` is for machines, `sentence` for the person who asked."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class PolicyProblem(msgspec.Struct, frozen=True):
    """One mistake in a policy file. `key` is a path like `tiers[3].when`; `line` is 1-based, 0 if unknown."""

    file: str
    key: str
    message: str
    hint: str = ""
    line: int = 0

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.key}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class PolicyError(CountersignError):
    """A broken policy never loads and never half-loads."""

    def __init__(self, problems: Sequence[PolicyProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)
