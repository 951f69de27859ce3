"""docs/api.md names every endpoint, parameter and field of the app, and none besides."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

from clips.http import inputs, views
from shared.model import (
    AudioTrack,
    Blob,
    Clip,
    ClipStatus,
    Failure,
    Media,
    Migration,
    MigrationReport,
    RecordedGrant,
    Role,
    Share,
    SignedLink,
    Upload,
    Variant,
    Video,
    VideoTrack,
)
from tests.docs.pages import ROOT, Page, coded, page
from tests.unit.described import describe

API = page("docs/api.md")


def blank[Kind](kind: type[Kind]) -> Kind:
    """A value of which only the names of its fields count."""
    hints = get_type_hints(kind)
    assert is_dataclass(kind)
    values = {field.name: _blank_value(hints[field.name]) for field in fields(kind)}
    return cast("type[Kind]", kind)(**values)


def _blank_value(hint: Any) -> object:  # noqa: ANN401 - a type hint may be anything
    if get_origin(hint) is Mapping:
        return {}
    return blank(hint) if isinstance(hint, type) and is_dataclass(hint) else None


CLIP = blank(Clip)


@pytest.fixture(scope="module")
def routes() -> list[str]:
    """`METHOD /path` of every endpoint."""
    return [
        f"{method} /{path}"
        for methods, path in describe().functions.values()
        for method in methods
        if not path.startswith("{*")  # answers what is no endpoint
    ]


def endpoint(title: str) -> Page:
    return API.section(f"`{title}`")


def field_names(model: type) -> list[str]:
    return [field.name for field in fields(model)]


def test_every_endpoint_has_its_section_and_no_other(routes: list[str]) -> None:
    documented = [heading.strip("`") for heading in API.headings if heading.startswith("`")]
    assert sorted(documented) == sorted(routes)


def test_every_section_shows_a_call_and_says_what_is_answered(routes: list[str]) -> None:
    for title in routes:
        section, (method, path) = endpoint(title), title.split()
        shown = section.blocks[0]
        assert shown.language == "sh", title
        assert re.search(r"Answers [23]0\d", section.prose), title
        last = path.rpartition("/")[2]
        assert last.startswith("{") or last in shown.text, title
        assert method not in {"PATCH", "DELETE"} or f"-X {method}" in shown.text, title


@pytest.mark.parametrize(
    ("title", "column", "model"),
    [
        ("POST /videos", "field", inputs.NewVideo),
        ("GET /videos", "parameter", inputs.VideoPage),
        ("POST /videos/{video_id}/clips", "field", inputs.NewClip),
        ("GET /videos/{video_id}/clips", "parameter", inputs.ClipPage),
        ("PATCH /clips/{clip_id}", "field", inputs.ClipChange),
        ("GET /clips/{clip_id}/access-url", "parameter", inputs.AccessUrl),
        ("POST /clips/access-urls", "field", inputs.AccessUrls),
        ("GET /clips/{clip_id}/thumbnail", "parameter", inputs.Thumbnail),
        ("GET /clips/{clip_id}/grants", "parameter", inputs.RecordPage),
        ("POST /clips/{clip_id}/shares", "field", inputs.NewShare),
        ("GET /clips/{clip_id}/shares", "parameter", inputs.RecordPage),
        ("POST /migrate-clips", "parameter", inputs.NewMigration),
    ],
)
def test_every_input_is_documented(title: str, column: str, model: type[BaseModel]) -> None:
    table = endpoint(title).table(column)
    taken = {
        name: field
        for name, field in model.model_fields.items()
        if f"{{{name}}}" not in title and name not in inputs.Owned.model_fields
    }
    assert sorted(table.names()) == sorted(taken)
    for name, default in table.column("default").items() if "default" in table.header else ():
        actual = taken[name].default
        if isinstance(actual, int):
            assert default == str(actual), name
        elif isinstance(actual, str):
            assert coded(default) == [actual], name


def test_every_field_of_an_answer_is_documented() -> None:
    clip, metadata = views.clip(CLIP, None), views.metadata(CLIP, blank(Blob))
    blob = metadata["azure_metadata"]
    assert isinstance(blob, dict)
    media, about_metadata = API.section("media"), API.section("metadata")
    announced = endpoint("POST /videos/{video_id}/clips")
    link = endpoint("GET /clips/{clip_id}/access-url")
    links = endpoint("POST /clips/access-urls")
    grants = endpoint("GET /clips/{clip_id}/grants")
    documented = {
        "video": API.section("Video").table("field"),
        "clip": API.section("Clip").table("field"),
        "media": media.table("field"),
        "media.video": media.table("field of `video`"),
        "media.audio": media.table("field of `audio`"),
        "metadata": about_metadata.table("field"),
        "metadata.azure_metadata": about_metadata.table("field of `azure_metadata`"),
        "upload": announced.table("field of `upload`"),
        "link": link.table("field"),
        "links": links.tables[1],
        "redirect": endpoint("GET /clips/{clip_id}/thumbnail").table("field"),
        "grant": grants.table("field"),
        "share": API.section("Share").table("field"),
        "migration": API.section("Migration").table("field"),
    }
    emitted = {
        "video": list(views.video(blank(Video))),
        "clip": list(clip),
        "media": field_names(Media),
        "media.video": field_names(VideoTrack),
        "media.audio": field_names(AudioTrack),
        "metadata": list(metadata),
        "metadata.azure_metadata": list(blob),
        "upload": field_names(Upload),
        "link": list(views.access_url(CLIP.id, blank(SignedLink), 1)),
        "links": list(views.access_urls(CLIP.id, blank(SignedLink))),
        "redirect": list(views.redirect(blank(SignedLink))),
        "grant": list(views.grant(blank(RecordedGrant))),
        "share": list(views.share(blank(Share), None)),
        "migration": list(views.migration(MigrationReport(blank(Migration), (), (), ()))),
    }
    for name, table in documented.items():
        assert sorted(table.names()) == sorted(emitted[name]), name


def test_what_stands_inside_a_cell_is_documented() -> None:
    meanings = API.section("Clip").table("field").column("meaning")
    assert set(coded(meanings["status"])) == set(ClipStatus)
    assert coded(meanings["failure"])[:2] == field_names(Failure)
    asked = endpoint("GET /clips/{clip_id}/access-url").table("parameter").column("meaning")
    assert set(coded(asked["variant"])) == set(Variant)
    assert set(views.new_clip(CLIP, blank(Upload))) - set(views.clip(CLIP, None)) == {"upload"}


def test_the_word_of_admins_is_documented_once_for_all() -> None:
    (word,) = inputs.Owned.model_fields.values()
    section = API.section("Admins")
    assert f"{word.alias}={Role.ADMIN}" in coded(section.text)
    assert "missing_role" in coded(section.text)


def test_a_line_of_the_log_is_shown_as_it_is_written() -> None:
    written = (ROOT / "clips/http/request.py").read_text()
    (line,) = re.findall(r'"(Admin %r acts on .+)"', written)
    shown = line.replace("%r", "'root'", 1) % ("'alice'", "GET", "/api/clips/")
    assert shown in API.section("Admins").text


def test_messages_are_those_of_the_app() -> None:
    handlers = "".join(path.read_text() for path in (ROOT / "clips/handlers").glob("*.py"))
    messages = re.findall(r'views\.message\("(.+)"\)', handlers)
    assert len(messages) >= 4
    for message in messages:
        assert f'`{{"message": "{message}"}}`' in API.text, message
