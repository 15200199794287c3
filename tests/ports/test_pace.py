from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from app.ports.pace import MOST_KEYS, Pace


def test_of_many_threads_one_gets_the_channel() -> None:
    pace = Pace(lambda: 5.0)
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(pace.claim, ["C1"] * 32))
    assert sorted(waits)[0] == 0.0
    assert sorted(waits)[1:] == [1.0] * 31


def test_a_hold_never_shortens_another() -> None:
    pace = Pace(lambda: 5.0)
    pace.hold("C1", 30)
    pace.hold("C1")
    assert pace.ready_at("C1") == 35.0


def test_channels_long_free_are_forgotten() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    for n in range(MOST_KEYS):
        pace.claim(f"C{n}")
    now = 10.0
    pace.claim("C-new")
    assert pace.ready_at("C0") == now
    assert len(pace._ready) == 1
