"""HTTP through the real host: a subprocess that runs the sample app on the worker library."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.host import child
from tests.local.sample import Sample, request, wait_until

_GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def test_request_reaches_its_function_unchanged(shared_host: child.Host) -> None:
    """Header names in lower case, repeated query values joined, empty ones gone."""
    path = f"/api/items/{_GUID}?a=1&A=2&b=&c=%C3%A9+x"
    answer = request(shared_host, "GET", path, headers={"X-Thing": "yes"})
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    assert answer.facts["route"]["id" if answer.facts["function"] == "item_by_id" else "name"]
    assert answer.facts["params"] == {"a": "1,2", "c": "é x"}
    assert answer.facts["url"] == f"http://127.0.0.1:{shared_host.port}{path}"
    assert answer.facts["headers"]["x-thing"] == "yes"


def test_first_function_by_name_answers(shared_host: child.Host) -> None:
    """b_item_by_name is less specific than item_by_special_name, but earlier."""
    assert request(shared_host, "GET", "/api/items/special").facts["function"] == "b_item_by_name"
    put = request(shared_host, "PUT", "/api/items/special")
    assert put.facts["function"] == "item_by_special_name"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/absent"),
        ("DELETE", "/api/hello"),
        ("GET", "/hello"),
        ("GET", "/"),
        ("GET", "/apix/hello"),
        ("GET", "/admin/absent"),
        ("POST", "/admin/functions/absent"),
    ],
)
def test_unknown_path_is_404_without_a_body(
    shared_host: child.Host, method: str, path: str
) -> None:
    """The real host says no more than that."""
    answer = request(shared_host, method, path)
    assert (answer.status, answer.body) == (404, b"")


def test_optional_and_catch_all_parameters_are_passed(shared_host: child.Host) -> None:
    """An absent optional parameter is not among the route parameters."""
    assert request(shared_host, "GET", "/api/optional/a").facts["route"] == {"first": "a"}
    both = request(shared_host, "PATCH", "/api/optional/a/b").facts["route"]
    assert both == {"first": "a", "second": "b"}
    rest = request(shared_host, "GET", "/api/files/x/%C3%A9/z%2Fq").facts["route"]
    assert rest == {"path": "x/é/z%2Fq"}


def test_nul_in_the_path_is_400(shared_host: child.Host) -> None:
    """The real server gives the same answer."""
    assert request(shared_host, "GET", "/api/items/a%00b").status == 400


def test_bytes_headers_and_cookies_come_back(shared_host: child.Host) -> None:
    """Bodies are bytes; several cookies are several header fields."""
    body = bytes(range(256)) * 1000
    answer = request(shared_host, "POST", "/api/echo", body)
    assert answer.status == 201
    assert answer.body == body
    assert answer.header("x-length") == "256000"
    cookies = [value for name, value in answer.headers if name == "set-cookie"]
    assert cookies == ["a=1; Max-Age=60; Path=/; HttpOnly", "b=2; Secure; SameSite=Lax"]


def test_body_in_chunks_is_one_body(shared_host: child.Host) -> None:
    """A client need not know the length beforehand."""
    answer = request(shared_host, "POST", "/api/echo", iter([b"ab", b"cd"]))
    assert answer.body == b"abcd"


def test_more_than_100_mb_is_413(shared_host: child.Host) -> None:
    """It is refused by its announced length, before it is sent."""
    headers = {"Content-Length": str(100 * 1024 * 1024 + 1)}
    assert request(shared_host, "POST", "/api/echo", None, headers).status == 413


def test_function_that_raises_is_500_without_a_body(
    shared_host: child.Host, shared_sample: Sample
) -> None:
    """The trace and the app's own lines are in the log; the query string is not."""
    answer = request(shared_host, "GET", "/api/broken?secret=sig123")
    assert (answer.status, answer.body) == (500, b"")
    wait_until(lambda: "broken on purpose: GET" in shared_sample.log, "the trace in the log")
    assert "INFO sample: about to break" in shared_sample.log
    assert "sig123" not in shared_sample.log


def test_calls_run_side_by_side(shared_host: child.Host) -> None:
    """Four blocking functions together take about as long as one."""
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: request(shared_host, "GET", "/api/wait"), range(4)))
    assert [answer.body for answer in answers] == [b"waited"] * 4


def test_pages_of_any_origin_may_call(shared_host: child.Host) -> None:
    """`Host.CORS` is `*` unless local.settings.json has another value."""
    headers = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    preflight = request(shared_host, "OPTIONS", "/api/hello", headers=headers)
    assert preflight.status == 204
    assert preflight.header("access-control-allow-origin") == "*"
    assert preflight.header("access-control-allow-methods") == "PATCH"
    assert preflight.header("access-control-allow-headers") == "authorization,content-type"
    answer = request(shared_host, "GET", "/api/hello", headers={"Origin": "https://page.example"})
    assert answer.header("access-control-allow-origin") == "*"
    assert request(shared_host, "GET", "/api/hello").header("access-control-allow-origin") is None


def test_unknown_paths_get_the_same_answer(shared_host: child.Host) -> None:
    """No field of one answer is in the next, least of all those for a page of another origin."""
    asked = {"Origin": "https://page.example"}
    for path in ("/", "/api", "/admin/absent"):
        first, second = (request(shared_host, "GET", path, headers=asked) for _ in range(2))
        plain = request(shared_host, "GET", path)
        assert {each.status for each in (first, second, plain)} == {404}
        names = [name for name, _ in second.headers]
        assert names == [name for name, _ in first.headers]
        assert names.count("content-length") == 1
        assert plain.header("access-control-allow-origin") is None


def test_functions_are_listed(shared_host: child.Host) -> None:
    """With their settings filled in."""
    listed = json.loads(request(shared_host, "GET", "/admin/functions").body)
    paths = {f["name"]: f["config"]["bindings"][0].get("path") for f in listed}
    assert paths["take_blob"] == "shared-in/{name}"
    assert {"hello", "tick", "take_message"} <= set(paths)
