"""The API's description as a page for people: plain HTML, without scripts, from one request.

The page loads nothing, and its content security policy forbids the browser to load anything.
"""

import json
import re
import shlex
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from html import escape
from pathlib import Path

from clips.http.openapi.page_schemas import (
    about,
    code,
    fields,
    inline,
    kind,
    parameters,
    prose,
    table,
)
from clips.http.openapi.schemas import Schema

_STYLE = Path(__file__).with_suffix(".css")
_PROBLEM = "application/problem+json"

type Operations = list[tuple[str, str, Schema]]


def page(document: Schema) -> str:
    """The page of a document that `document.py` made."""
    info = document["info"]
    chapters = list(_chapters(document))
    schemas = document["components"]["schemas"]
    problems = {name for name in schemas if name.endswith("Problem")}
    shown = "".join(_chapter(document, name, text, listed) for name, text, listed in chapters)
    objects = "".join(_object(name, schemas[name]) for name in sorted(schemas.keys() - problems))
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(info["title"])} API</title>
<style>{_style()}</style>
<nav aria-label="Operations">{"".join(_contents(name, listed) for name, _, listed in chapters)}
<h2><a href="#objects">Objects</a></h2><h2><a href="#problems">Errors</a></h2></nav>
<main>
<h1>{escape(info["title"])} API <small>{escape(info["version"])}</small></h1>
{prose(info["description"])}
<p>For programs: <a href="openapi.json">openapi.json</a>, in OpenAPI
{escape(document["openapi"])}. The calls below take the address of the API from <code>$API</code>
and a token from <code>$TOKEN</code>.</p>
{shown}
<section id="objects"><h2>Objects</h2>{objects}</section>
<section id="problems"><h2>Errors</h2>{_problems(schemas[name] for name in sorted(problems))}
</section>
</main>
</html>
"""


def security_policy() -> str:
    """Allows a browser to apply the page's style sheet, and nothing else."""
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _style() -> str:
    return _STYLE.read_text()


def _chapters(document: Schema) -> Iterator[tuple[str, str, Operations]]:
    """The tags that are in use, each with its operations as (method, path, operation)."""
    every = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for tag in document["tags"]:
        listed = [entry for entry in every if tag["name"] in entry[2]["tags"]]
        if listed:
            yield tag["name"], tag["description"], listed


def _contents(name: str, listed: Operations) -> str:
    lines = "".join(
        f'<li><a href="#{operation["operationId"]}">{_method(method)} '
        f"{inline(operation['summary'])}</a></li>"
        for method, _, operation in listed
    )
    return f'<h2><a href="#{escape(name)}">{escape(name)}</a></h2><ul>{lines}</ul>'


def _chapter(document: Schema, name: str, text: str, listed: Operations) -> str:
    shown = "".join(_operation(document, *entry) for entry in listed)
    return f'<section id="{escape(name)}"><h2>{escape(name)}</h2>{prose(text)}{shown}</section>'


def _operation(document: Schema, method: str, path: str, operation: Schema) -> str:
    body = operation.get("requestBody")
    parts = [
        f'<article id="{operation["operationId"]}"><h3>{inline(operation["summary"])}</h3>',
        f'<p class="call">{_method(method)} {code(f"/api{path}")} {_who(operation)}</p>',
        prose(operation.get("description", "")),
    ]
    if "parameters" in operation:
        parts += ["<h4>Parameters</h4>", parameters(operation["parameters"])]
    if body:
        schema = _resolved(document, body["content"]["application/json"]["schema"])
        optional = "" if body["required"] else " <small>optional</small>"
        rules = about(schema)
        parts += [f"<h4>Body{optional}</h4>", f"<p>{rules}</p>" if rules else "", fields(schema)]
    parts += ["<h4>Call</h4>", f"<pre>{escape(_curl(method, path, operation))}</pre>"]
    parts += ["<h4>Responses</h4>", _answers(document, operation["responses"]), "</article>"]
    return "".join(parts)


def _answers(document: Schema, responses: Schema) -> str:
    return table(
        ("status", "meaning", "body", "headers"),
        (
            (code(status), inline(answer["description"]), _content(answer), _headers(answer))
            for status, answer in (
                (status, _resolved(document, answer)) for status, answer in responses.items()
            )
        ),
    )


def _content(answer: Schema) -> str:
    return "".join(
        '<a href="#problems">problem</a>' if media == _PROBLEM else kind(content["schema"])
        for media, content in answer["content"].items()
    )


def _headers(answer: Schema) -> str:
    return "<br>".join(
        f"{code(name)} {inline(value['description'])}"
        for name, value in answer.get("headers", {}).items()
    )


def _object(name: str, schema: Schema) -> str:
    text = prose(schema.get("description", ""))
    return f'<article id="{escape(name)}"><h3>{escape(name)}</h3>{text}{fields(schema)}</article>'


def _problems(schemas: Iterable[Schema]) -> str:
    every = (schema["properties"] for schema in schemas)
    return table(
        ("code", "status", "title"),
        (
            (code(of["code"]["const"]), code(of["status"]["const"]), escape(of["title"]["const"]))
            for of in every
        ),
    )


def _who(operation: Schema) -> str:
    asked = operation.get("security", [{"bearer": []}])
    if not asked:
        return '<span class="who">no token</span>'
    roles = "".join(f" with the role {code(role)}" for role in asked[0]["bearer"])
    return f'<span class="who">token{roles}</span>'


def _method(method: str) -> str:
    return f'<b class="method {method.lower()}">{method}</b>'


def _curl(method: str, path: str, operation: Schema) -> str:
    """The call as a command, with a variable for each part of the path."""
    words = ["curl -sS"]
    if method not in {"GET", "POST"} or (method == "POST" and "requestBody" not in operation):
        words.append(f"-X {method}")
    if operation.get("security") != []:
        words.append('-H "Authorization: Bearer $TOKEN"')
    if body := operation.get("requestBody"):
        example = body["content"]["application/json"].get("example", {})
        words.append("-H 'Content-Type: application/json' \\\n ")
        words.append(f"-d {shlex.quote(json.dumps(example))} \\\n ")
    variables = re.sub(r"\{(\w+)\}", lambda found: f"${found[1].upper()}", path)
    return " ".join([*words, f'"$API{variables}"'])


def _resolved(document: Schema, schema: Schema) -> Schema:
    """The schema that a reference leads to, or the schema itself if it is no reference."""
    if "$ref" not in schema:
        return schema
    _, _, folder, name = schema["$ref"].split("/")
    found: Schema = document["components"][folder][name]
    return found
