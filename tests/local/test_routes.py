"""Route templates, as ASP.NET reads them, and the order in which they are tried."""

import pytest

from local.host.routes import BadTemplate, RouteTable, compile_route, decode_path

_GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("videos", "/videos", {}),
        ("videos", "/VIDEOS/", {}),
        ("videos/{id}", "/videos", None),
        ("videos/{id}", "/videos/1", {"id": "1"}),
        ("videos/{id}", "/videos/1/clips", None),
        ("videos/{id}", "/videos//", None),
        ("{id:guid}", f"/{_GUID}", {"id": _GUID}),
        ("{id:guid}", f"/{_GUID.replace('-', '')}", {"id": _GUID.replace("-", "")}),
        ("{id:guid}", "/1", None),
        ("{n:int}", "/-12", {"n": "-12"}),
        ("{n:int}", "/2147483648", None),
        ("{n:long}", "/2147483648", {"n": "2147483648"}),
        ("{n:min(2):max(4)}", "/4", {"n": "4"}),
        ("{n:min(2):max(4)}", "/5", None),
        ("{n:range(2,4)}", "/1", None),
        ("{b:bool}", "/True", {"b": "True"}),
        ("{a:alpha}", "/abc1", None),
        ("{f:double}", "/1.5", {"f": "1.5"}),
        ("{d:datetime}", "/2026-03-01", {"d": "2026-03-01"}),
        ("{d:datetime}", "/yesterday", None),
        ("{s:length(3)}", "/abcd", None),
        ("{s:length(3,4)}", "/abcd", {"s": "abcd"}),
        ("{s:minlength(2)}", "/a", None),
        ("{s:maxlength(2)}", "/ab", {"s": "ab"}),
        (r"{s:regex(^\d{{3}}$)}".replace("{{", "{").replace("}}", "}"), "/123", {"s": "123"}),
        ("{s:regex(^(a|b)$)}", "/c", None),
        ("a/{x?}", "/a", {}),
        ("a/{x:int?}", "/a/b", None),
        ("a/{x=1}", "/a", {"x": "1"}),
        ("files/{*path}", "/files", {}),
        ("files/{*path}", "/files/a/b.txt", {"path": "a/b.txt"}),
        ("{name}.{ext}", "/a.b.c", {"name": "a.b", "ext": "c"}),
        ("{x}", "/%C3%A9%20%25", {"x": "é %"}),
        ("{x}", "/%2525", {"x": "%25"}),
        ("{x}", "/a%2Fb", {"x": "a%2Fb"}),
        ("{x}", "/%FF", {"x": "%FF"}),
        ("v%C3%A9", "/v", None),
    ],
)
def test_templates_match_paths(template: str, path: str, parameters: dict[str, str] | None) -> None:
    """Parameters are decoded once; a slash that was encoded stays encoded."""
    assert compile_route("f", template, []).match("GET", decode_path(path)) == parameters


@pytest.mark.parametrize("template", ["{x:odd}", "{x:length(a)}", "{x:range(1)}", "{x", "{a-b}"])
def test_malformed_templates_are_refused(template: str) -> None:
    """A mistake in a route is reported at the start."""
    with pytest.raises(BadTemplate):
        compile_route("f", template, [])


def test_first_function_by_name_wins_over_the_specific_template() -> None:
    """azure-functions-host#9876: the first function by name wins, where its methods fit."""
    table = RouteTable()
    table.add("zz_special", "items/special", ["GET", "PUT"])
    table.add("Aa_any", "items/{name}", ["get"])
    assert table.find("GET", "items/special") == ("Aa_any", {"name": "special"})
    assert table.find("PUT", "items/special") == ("zz_special", {})
    assert table.find("POST", "items/special") is None
