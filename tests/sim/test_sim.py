"""The simulation holds on some seeds, replays exactly, and finds every planted bug."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.docs.pages import ROOT, section
from tests.sim.found import FOUND_AT
from tests.sim.plants import PLANTS, no_plant
from tests.sim.run import Result, run
from tests.sim.shrink import shortest
from tests.sim.steps import WEIGHTS

SEEDS = range(12)
MOST_SEEDS = 120


@pytest.mark.parametrize("seed", SEEDS)
def test_every_invariant_holds(seed: int) -> None:
    result = unplanted(seed)
    assert not result.problem, "\n".join((*result.history, result.problem))


def test_a_seed_replays_one_history() -> None:
    assert unplanted(7).history == run(7).history


def test_leaving_a_kind_of_step_out_leaves_the_others_as_they_are() -> None:
    whole, without = run(3, steps=25), run(3, steps=25, without=set(WEIGHTS) - {"case"})
    cases = [line for line in without.history if "a case comes in" in line]
    assert cases[:2] == [line for line in whole.history if "a case comes in" in line][:2]


@cache
def unplanted(seed: int) -> Result:
    with no_plant() as parts:
        return run(seed, parts=parts)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_found(name: str) -> None:
    """A seed where each was found once is tried first, which saves time and proves nothing by itself."""
    first = FOUND_AT[name]
    with PLANTS[name]() as parts:
        failing = next((r for seed in range(first, first + MOST_SEEDS) if (r := run(seed, parts=parts)).problem), None)
    assert failing is not None, f"{name} went unnoticed for {MOST_SEEDS} seeds"
    assert "An unexpected" not in failing.problem, "the plant itself does not work any more"
    assert not unplanted(failing.seed).problem


def test_a_failing_history_is_told_short() -> None:
    with PLANTS["approve_old_text"]() as parts:
        first = FOUND_AT["approve_old_text"]
        failing = next(r for seed in range(first, first + MOST_SEEDS) if (r := run(seed, parts=parts)).problem)
        short = shortest(failing, lambda: parts)
    assert short.problem
    assert short.steps <= failing.steps
    assert len(short.history) < len(failing.history)


def test_the_page_lists_every_plant_with_what_it_does() -> None:
    table = section(ROOT / "docs" / "simulation.md", "## Planted bugs")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE))
    assert rows == {name: plant.__doc__ for name, plant in PLANTS.items()}
