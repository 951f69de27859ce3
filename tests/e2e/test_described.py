"""The running app does what its OpenAPI document says, tested by schemathesis.

One run over all operations: examples, boundary values and random data, good and bad. The same
requests every time. The tests check the answers.
"""

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.engine import StopReason, events, from_schema
from schemathesis.openapi.checks import RejectedPositiveData

from tests.e2e.app import App, Caller, wait_for

SEED = 4
EXAMPLES = 10
# How often random data is about something that is there.
KNOWN_IDS = 0.4

# Rules that JSON Schema has no words for. Each is said in the description of its field.
RULES_OUTSIDE_THE_SCHEMA = {
    "must be a cursor from the Link header of the previous page",
    "must be greater than start_time",
    "must be a video/... or audio/... type, or application/octet-stream",
    "must be in the future",
    "must be before the end of the year 9999",
    "must be a range from a lower to a higher address",
    "must be a folder below MIGRATION_ROOT",
}

# No ids of answers go into later calls: one of them would delete what others need.
_OWN_DATA = {"extra-data-sources": {"responses": False}}
# TRACE never reaches the app: the host refuses it.
_METHODS = ["PUT", "POST", "DELETE", "OPTIONS", "PATCH"]
_ONLY_METHODS_OF_NO_CLIP = {"coverage": _OWN_DATA | {"unexpected-methods": ["PUT", "OPTIONS"]}}

type Known = Mapping[str, Mapping[str, str]]


@dataclass
class Outcome:
    """What a run came to.

    `statuses` are what each operation answered, by its operationId; `failures` are each reported
    once, with the call that shows them.
    """

    statuses: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    failures: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    cases: int = 0
    stopped: StopReason | None = None


def known_ids(owner: Caller, film: bytes) -> Known:
    """Makes the objects for the run; those that a call may change are made for each call.

    Parameters by operationId; under "" those of all others.
    """

    def share(clip_id: str) -> dict[str, Any]:
        answer = owner.http.post(f"/clips/{clip_id}/shares", json={})
        made: dict[str, Any] = answer.raise_for_status().json()
        return made

    ready, changed, dropped = (owner.uploaded(film) for _ in range(3))
    kept, revoked = (share(ready["id"]) for _ in range(2))
    migration = owner.http.post("/migrate-clips").raise_for_status().json()
    drift = finished_drift(owner)
    return {
        "": {
            "video_id": ready["video_id"],
            "clip_id": ready["id"],
            "share_id": kept["id"],
            "token": kept["url"].rpartition("/")[2],
            "migration_id": migration["id"],
            "drift_id": drift["id"],
        },
        "videos_delete": {"video_id": owner.video()},
        "clips_change": {"clip_id": changed["id"]},
        "clips_delete": {"clip_id": dropped["id"]},
        "shares_revoke": {"clip_id": ready["id"], "share_id": revoked["id"]},
    }


def finished_drift(admin: Caller) -> dict[str, Any]:
    """A finished drift report: only such a report can be repaired."""
    begun = admin.http.post("/drift").raise_for_status().json()

    def done() -> dict[str, Any] | None:
        found: dict[str, Any] = admin.http.get(f"/drift/{begun['id']}").raise_for_status().json()
        return found if found["status"] == "done" else None

    return wait_for(done, "the drift report")


@pytest.fixture(scope="module")
def document(app: App) -> dict[str, Any]:
    """The OpenAPI document as it is served."""
    with app.client(None) as anonymous:
        served: dict[str, Any] = anonymous.get("/openapi.json").raise_for_status().json()
        return served


@pytest.fixture(scope="module")
def outcome(app: App, film: bytes, document: dict[str, Any]) -> Outcome:
    with app.client("described", roles=["admin"]) as client:
        known = known_ids(Caller(client), film)
        schema = schemathesis.openapi.from_dict(
            with_known_ids(closed(document), known),
            config=configuration(app, client.headers, known),
        )
        schema.hook(filter_failure)
        return watch(from_schema(schema).execute())


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """The same document without unnamed fields, so that answers may have no other field."""
    changed = copy.deepcopy(document)
    for schema in changed["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return changed


def with_known_ids(document: dict[str, Any], known: Known) -> dict[str, Any]:
    """The same document with examples of existing ids."""
    for operation in operations(document):
        values = {**known[""], **known.get(operation["operationId"], {})}
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                parameter["example"] = values[parameter["name"]]
        if operation["operationId"] == "clips_access_urls":
            body = operation["requestBody"]["content"]["application/json"]
            body["example"] = body["example"] | {"clip_ids": [values["clip_id"]]}
        if operation["operationId"] == "cuts_create":
            body = operation["requestBody"]["content"]["application/json"]
            body["example"] = {
                "source": {"clip_id": values["clip_id"]},
                "clips": [{"start_time": 0, "end_time": 1}],
            }
    return document


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (operation for methods in document["paths"].values() for operation in methods.values())


def configuration(app: App, headers: Mapping[str, str], known: Known) -> schemathesis.Config:
    return schemathesis.Config.from_dict(
        {
            "seed": SEED,
            "base-url": f"http://127.0.0.1:{app.port}/api",
            "headers": {"Authorization": headers["Authorization"]},
            "continue-on-failure": True,
            "generation": {
                "deterministic": True,
                "database": "none",
                "max-examples": EXAMPLES,
                "no-shrink": True,
            },
            "checks": {"enabled": True},
            "phases": {
                "examples": _OWN_DATA,
                "coverage": _OWN_DATA | {"unexpected-methods": _METHODS},
                "fuzzing": _OWN_DATA,
                "stateful": {"enabled": False},
            },
            "dictionaries": {
                _dictionary(operation, name): {"values": [value]}
                for operation, values in known.items()
                for name, value in values.items()
            },
            "parameters": _drawn("", known[""]),
            "operations": [
                # Under another method their paths are those of a clip: one with a malformed id.
                *(
                    {"include-operation-id": operation, "phases": _ONLY_METHODS_OF_NO_CLIP}
                    for operation in ("clips_access_urls", "clips_delete_many")
                ),
                *(
                    {"include-operation-id": operation, "parameters": _drawn(operation, values)}
                    for operation, values in known.items()
                    if operation
                ),
            ],
        }
    )


def _drawn(operation: str, values: Mapping[str, str]) -> dict[str, object]:
    return {
        f"path.{name}": {"dictionary": _dictionary(operation, name), "probability": KNOWN_IDS}
        for name in values
    }


def _dictionary(operation: str, name: str) -> str:
    return f"{operation or 'any'}-{name}"


def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:  # noqa: ANN401, ARG001 - schemathesis calls it by these names
    """Ignores differences that are not failures.

    Not the refusal of good data by a rule that no schema can say, nor that a blank text counts
    as null.
    """
    if isinstance(failure, AcceptedNegativeData) and isinstance(case.body, dict):
        return not any(isinstance(v, str) and not v.strip() for v in case.body.values())
    if not isinstance(failure, RejectedPositiveData) or response.status_code not in {400, 422}:
        return True
    if response.status_code == 422:  # the same key with other data
        return bool(response.json()["code"] != "idempotency_key_reused")
    return not {bad["detail"] for bad in response.json()["errors"]} <= RULES_OUTSIDE_THE_SCHEMA


def watch(stream: Iterator[Any]) -> Outcome:
    """Runs to the end and records the answers."""
    found = Outcome()
    for event in stream:
        match event:
            case events.ScenarioFinished(recorder=recorder):
                found.cases += len(recorder.interactions)
                for case_id, interaction in recorder.interactions.items():
                    if interaction.response is not None:
                        operation = recorder.cases[case_id].value.operation
                        name = operation.definition.raw["operationId"]
                        found.statuses[name].add(interaction.response.status_code)
                for info in (
                    check.failure_info for each in recorder.checks.values() for check in each
                ):
                    if info is not None:
                        failure = f"{recorder.label}: {info.failure}"
                        found.failures.setdefault(failure, info.code_sample)
            case events.NonFatalError(value=value) | events.FatalError(exception=value):
                found.errors.append(repr(value))
            case events.EngineFinished(stop_reason=reason):
                found.stopped = reason
    return found


def test_every_answer_is_described_and_none_is_an_error(outcome: Outcome) -> None:
    assert outcome.failures == {}


def test_run_of_random_requests_completed(outcome: Outcome) -> None:
    assert (outcome.errors, outcome.stopped) == ([], StopReason.COMPLETED)
    assert outcome.cases > 1000


def test_every_operation_succeeded_at_least_once(
    outcome: Outcome, document: dict[str, Any]
) -> None:
    """Otherwise the run would have tested only refusals."""
    for operation in operations(document):
        promised = {int(status) for status in operation["responses"] if status < "400"}
        assert outcome.statuses[operation["operationId"]] & promised, operation["operationId"]


def test_every_operation_refuses_malformed_input(
    outcome: Outcome, document: dict[str, Any]
) -> None:
    for operation in operations(document):
        if "400" in operation["responses"] and "parameters" in operation:
            assert 400 in outcome.statuses[operation["operationId"]], operation["operationId"]
