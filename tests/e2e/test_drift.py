"""Drift reports by the running app: started by a call, written by a queue."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from shared.model.drift import DriftKind
from tests.e2e.app import App, Caller, wait_for
from tests.e2e.test_bad_requests import places, problem

type Json = dict[str, Any]


@pytest.fixture
def admin(app: App) -> Iterator[httpx.Client]:
    with app.client("drift-admin", ["admin"]) as client:
        yield client


def finished(admin: httpx.Client) -> Json:
    """Makes a new report and waits for its end."""
    answer = admin.post("/drift")
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    begun: Json = answer.json()
    assert answer.headers["Location"] == f"/api/drift/{begun['id']}"

    def done() -> Json | None:
        found: Json = admin.get(f"/drift/{begun['id']}").raise_for_status().json()
        return found if found["status"] == "done" else None

    return wait_for(done, "the drift report")


def test_report_counts_samples_and_links_lines(app: App, admin: httpx.Client) -> None:
    app.put_blob(f"{uuid4()}/stray.mp4", b"of no video")
    report = finished(admin)
    assert set(report["counts"]) == set(report["samples"]) == set(DriftKind)
    lines = [json.loads(line) for line in httpx.get(report["lines_url"]).text.splitlines()]
    assert len(lines) == sum(report["counts"].values())
    for kind, samples in report["samples"].items():
        assert samples == [line for line in lines if line["kind"] == kind][:20]
    assert report["progress"] == 1
    assert report["repair"] is None


def test_repair_shows_its_results(admin: httpx.Client) -> None:
    report = finished(admin)
    answer = admin.post(f"/drift/{report['id']}/repair", json={"kinds": ["size_differs"]})
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text

    def done() -> Json | None:
        repair: Json = admin.get(f"/drift/{report['id']}").json()["repair"]
        return repair if repair["status"] == "done" else None

    repair = wait_for(done, "the repair")
    assert (repair["kinds"], repair["counts"]) == (["size_differs"], {})


def test_drift_requires_the_admin_role(alice: Caller, admin: httpx.Client) -> None:
    drift_id = finished(admin)["id"]
    problem(alice.http.post("/drift"), 403, "missing_role")
    problem(alice.http.get(f"/drift/{drift_id}"), 403, "missing_role")
    body = {"kinds": ["size_differs"]}
    problem(alice.http.post(f"/drift/{drift_id}/repair", json=body), 403, "missing_role")


def test_unknown_reports_and_kinds_are_refused(admin: httpx.Client) -> None:
    nowhere = f"/drift/{UUID(int=0)}"
    problem(admin.get(nowhere), 404, "not_found")
    problem(admin.post(f"{nowhere}/repair", json={"kinds": ["etag_differs"]}), 404, "not_found")
    assert places(problem(admin.get("/drift/one"), 400, "invalid_request")) == {"drift_id"}
    for kinds in ([], ["everything"], "etag_differs"):
        body = {"kinds": kinds}
        problem(admin.post(f"{nowhere}/repair", json=body), 400, "invalid_request")
