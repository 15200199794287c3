"""Several processes on one database: one order, nothing claimed twice, nothing committed lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain
from pathlib import Path

from app.core.audit import verify_log
from app.core.effects import PacketUpdate
from db.store import Store
from tests.db.steps import ALL, add, in_processes, nth_case, send
from tests.make import NOW, a_case

ROOT = Path(__file__).parents[2]
EACH = 12


def work(job: tuple[str, int]) -> list[str]:
    """Add cases of one's own with a delivery each, then claim until nothing is left; ids of what was claimed."""
    url, worker = job
    store = Store(url)
    for number in range(EACH):
        with store.writing() as unit:
            case = add(unit, nth_case(worker * 1000 + number), "CaseReceived", "CaseAssessed")
            send(unit, case, PacketUpdate(packet="p1"))
    claimed: list[str] = []
    while True:
        with store.writing() as unit:
            got = unit.claim(f"w{worker}", NOW, timedelta(hours=1), 3, ALL)
        if not got:
            break
        claimed += [d.id for d in got]
    store.close()
    return claimed


def check(store: Store, claimed: list[str], workers: int) -> None:
    assert len(claimed) == len(set(claimed)) == workers * EACH
    with store.reading() as reader:
        report = verify_log(reader.all_events(), [])
        assert (report.ok, report.events) == (True, workers * EACH * 3)
        assert reader.frontier().size == reader.event_count() == report.events
        assert reader.queue_counts(NOW)["support-review"].pending == workers * EACH


def test_processes_claim_disjoint_rows_and_keep_one_log(store: Store, database_url: str) -> None:
    results = in_processes(work, [(database_url, 1), (database_url, 2)])
    check(store, list(chain(*results)), 2)


def test_threads_claim_disjoint_rows_and_keep_one_log(store: Store, database_url: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(work, [(database_url, n) for n in (1, 2, 3)]))
    check(store, list(chain(*results)), 3)


def test_threads_share_one_store(store: Store) -> None:
    def one(number: int) -> int:
        with store.writing() as unit:
            add(unit, nth_case(number))
        with store.reading() as reader:
            return reader.event_count()

    with ThreadPoolExecutor(6) as pool:
        counts = list(pool.map(one, range(24)))
    assert max(counts) == 24


CHILD = """
import sys
from db.store import Store
from tests.db.steps import add, send
from tests.make import a_case, a_reply

store = Store(sys.argv[1])
with store.writing() as unit:
    case = add(unit, a_case(deliveries=0))
    send(unit, case, a_reply(case))
with store.writing() as unit:
    case = unit.case(case.id)
    send(unit, case, a_reply(case))
    print("in the second", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_keeps_what_it_committed_and_nothing_else(store: Store, database_url: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, database_url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdin
    assert child.stdout
    assert child.stdout.readline() == b"in the second\n"
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    child.stdin.close()
    child.stdout.close()
    with store.writing() as unit:
        case = unit.case(a_case().id)
        assert case is not None
        assert case.version == a_case().version + 1
        (delivery,) = unit.deliveries(case_id=case.id)
        assert delivery.status == "pending"
        assert verify_log(unit.all_events(), []).events == unit.frontier().size == 2
