"""`python -m tests.sim --seeds 200`: plays seeds, and tells of the first that fails as short as it can."""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from multiprocessing import Pool
from tempfile import TemporaryDirectory

from tests.sim.plants import PLANTS, no_plant
from tests.sim.replica import in_memory, keep_files_in
from tests.sim.run import Result, run
from tests.sim.shrink import shortest

PROCESSES = 2
MOST_TOLD = 10


def play(seed: int, plant: str) -> Result:
    with PLANTS.get(plant, no_plant)() as parts:
        return run(seed, parts=parts)


def tell(failing: Result, plant: str) -> None:
    with PLANTS.get(plant, no_plant)() as parts:
        short = shortest(failing, lambda: parts)
    print(f"\nSeed {short.seed}: {short.problem}\nIts shortest history ({short.steps} steps):")
    print("\n".join(f"  {line}" for line in short.history))
    print(f"\nThe whole of it: python -m tests.sim --seed {short.seed} --verbose{f' --plant {plant}' if plant else ''}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many to play")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="this one only")
    parser.add_argument("--plant", choices=sorted(PLANTS), default="", help="a planted bug, which has to be found")
    parser.add_argument("--verbose", action="store_true", help="print histories as they are")
    chosen = parser.parse_args()
    seeds = range(chosen.start, chosen.start + chosen.seeds) if chosen.seed is None else (chosen.seed,)
    began, failing = time.monotonic(), []
    with (
        TemporaryDirectory(prefix="countersign-sim-", dir=in_memory(), ignore_cleanup_errors=True) as files,
        Pool(min(PROCESSES, len(seeds)), keep_files_in, (files,)) as pool,
    ):
        for result in pool.imap(partial(play, plant=chosen.plant), seeds, chunksize=1):
            if chosen.verbose:
                print("\n".join((f"Seed {result.seed}", *result.history, result.problem or "All invariants held.")))
            if result.problem:
                failing.append(result)
                if len(failing) <= MOST_TOLD:
                    print(f"FAILED seed {result.seed}: {result.problem}", flush=True)
                if chosen.plant:
                    break
    print(f"{len(seeds)} seeds, {len(failing)} failed, {time.monotonic() - began:.0f} s")
    if failing and not (chosen.verbose and chosen.seed is not None):
        tell(failing[0], chosen.plant)
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
