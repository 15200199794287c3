"""The API is what its OpenAPI says: requests made up from it never break it, wrong ones are refused."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.edges.api import Api, a_body

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 10
OPERATIONS = 8


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
def test_requests_made_up_from_openapi_never_break_the_api(api: Api, mode: GenerationMode) -> None:
    case_id = api.submit(requested_action={"type": "refund", "amount": 5, "currency": "EUR"})["id"]
    description = deepcopy(api.app.openapi())
    del description["components"]["securitySchemes"]  # every request here has a good key; others are tested elsewhere
    for path in description["paths"].values():
        for operation in path.values():
            del operation["security"]
    schema = schemathesis.openapi.from_dict(description)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == OPERATIONS
    statuses: set[int] = set()
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not (list(operation.body) or list(operation.query)):
            continue  # nothing in it can be wrong

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Any) -> None:
            if mode is GenerationMode.POSITIVE:
                if "case_id" in (case.path_parameters or {}):
                    case.path_parameters["case_id"] = case_id
                if "wait" in (case.query or {}):
                    case.query["wait"] = 0
            request = case.as_transport_kwargs(base_url="http://countersign.test")
            answer = api.call(
                request["method"],
                request["url"],
                params=request.get("params") or {},
                headers=dict(request.get("headers") or {}),
                **{name: request[name] for name in ("json", "content") if request.get(name) is not None},
                **({"content": request["data"]} if request.get("data") is not None else {}),
            )
            statuses.add(answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        check()
    assert max(statuses) < 500
    assert statuses & ({202} if mode is GenerationMode.POSITIVE else {422})


def test_the_description_is_whole(api: Api) -> None:
    document = api.get("/openapi.json", secret=None).json()
    schemas = document["components"]["schemas"]

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"].rpartition("/")[2]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    used = references(document)
    assert used <= set(schemas)
    assert set(schemas) <= used
    operations = [o for path in document["paths"].values() for o in path.values()]
    assert all(o["security"] == [{"ApiKey": []}] for o in operations)
    assert all({"401", "403", "422", "503"} <= set(o["responses"]) for o in operations)
    assert schemas["NewCase"]["required"] == ["ticket", "customer", "messages"]
    assert schemas["NewCase"]["additionalProperties"] is False


def test_the_example_in_the_description_is_a_case(api: Api) -> None:
    example = api.app.openapi()["components"]["schemas"]["NewCase"]["examples"][0]
    assert api.post("/v1/cases", example).status_code == 202
    assert set(a_body()) <= set(example)
