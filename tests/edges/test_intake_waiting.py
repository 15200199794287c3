"""Long polls (IN3)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.edges.api import Api


def test_a_poll_ends_with_the_decision(api: Api) -> None:
    case = api.submit()
    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        poll = pool.submit(api.get, f"/v1/cases/{case['id']}?wait=20")
        with pytest.raises(TimeoutError):
            poll.result(0.4)
        api.hand_back(case["id"])
        answer = poll.result(10)

    assert answer.json()["state"] == "rejected"
    assert time.monotonic() - began < 5


def test_a_poll_ends_as_it_is_when_time_is_up(api: Api) -> None:
    case = api.submit()
    began = time.monotonic()
    answer = api.get(f"/v1/cases/{case['id']}?wait=0.3")

    assert answer.status_code == 200
    assert answer.json()["state"] == "pending"
    assert 0.3 <= time.monotonic() - began < 3


def test_a_decided_case_is_answered_at_once(api: Api) -> None:
    case = api.submit()
    api.hand_back(case["id"])
    began = time.monotonic()
    assert api.get(f"/v1/cases/{case['id']}?wait=60").json()["state"] == "rejected"
    assert time.monotonic() - began < 5


def test_a_superseded_case_ends_the_poll(api: Api) -> None:
    case = api.submit()
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(api.get, f"/v1/cases/{case['id']}?wait=20")
        successor = api.submit()
        answer = poll.result(10)
    assert answer.json()["superseded_by"] == successor["id"]


@pytest.mark.parametrize("wait", ["-1", "61", "nan", "inf", "soon", ""])
def test_a_wrong_wait_is_named(api: Api, wait: str) -> None:
    case = api.submit()
    answer = api.get(f"/v1/cases/{case['id']}?wait={wait}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "wait"


def test_many_polls_hold_up_nobody_else_and_end_when_the_server_stops(api: Api) -> None:
    case = api.submit()
    with ThreadPoolExecutor(60) as pool:
        polls = [pool.submit(api.get, f"/v1/cases/{case['id']}?wait=50") for _ in range(60)]
        time.sleep(0.5)
        began = time.monotonic()
        assert api.get("/v1/cases").status_code == 200
        assert api.submit(ticket={"id": "another"})["state"] == "pending"
        assert time.monotonic() - began < 5
        assert not any(poll.done() for poll in polls)
        api.app.state.desk.waiters.stop()
        answers = [poll.result(10) for poll in polls]
    assert {a.status_code for a in answers} == {200}
