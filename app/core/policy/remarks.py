"""What a review says of a policy, one remark at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec.structs import replace

from app.core.errors import PolicyProblem
from app.core.shape import Lines, with_line

Level = Literal["error", "warning", "info"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info")


class Remark(PolicyProblem, frozen=True, kw_only=True):
    """An error lets something go that must not; a warning is likely a mistake; an info says what is so."""

    level: Level


def placed(remarks: Iterable[Remark], lines: Lines) -> tuple[Remark, ...]:
    """The gravest first, each with its line."""
    found = [replace(remark, line=with_line(remark, lines).line) for remark in remarks]
    return tuple(sorted(found, key=lambda remark: LEVELS.index(remark.level)))


def listed(words: Iterable[str], *, most: int = 12) -> str:
    """`a, b and c`; a long list ends in how many more there are."""
    given = list(words)
    if len(given) > most:
        given = [*given[:most], f"{len(given) - most} more"]
    return " and ".join([", ".join(given[:-1]), given[-1]]) if len(given) > 1 else "".join(given)
