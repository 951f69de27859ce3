"""SQL in every text that the app takes: it is kept as it is, or refused, and never run."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import psycopg
import pytest
from azure.storage.blob import BlobServiceClient
from psycopg import sql

from tests.attacks.described import Place, places
from tests.e2e.app import App, Caller, wait_for
from tests.tokens import claims, token

# None begins or ends with a space: a title loses those.
TEXTS = [
    "'",
    "''",
    '"',
    "\\'",
    "' OR '1'='1",
    "' OR 1=1 --",
    "'; DROP TABLE clips CASCADE; --",
    "\\'; DELETE FROM videos; --",
    "1; UPDATE clips SET title = 'x'",
    "1) OR (1=1",
    "' || (SELECT version()) || '",
    "' UNION SELECT id, title, title, title, title, 1 FROM videos --",
    "') ON CONFLICT DO NOTHING; TRUNCATE users CASCADE; --",
    "$$; DELETE FROM users; $$",
    "E'\\047; DROP TABLE users; --",
    "'::uuid",
    "%(title)s %(user_id)s",
    "%s %b %t %%",
    "{title} {0.__class__}",
    ":title $1 ?1",
    "/* */ -- #",
    "\N{FULLWIDTH APOSTROPHE}; DROP TABLE clips; --",
    "\N{MODIFIER LETTER APOSTROPHE} OR 1=1 --",
    "Robert'); DROP TABLE students;--",
]

type Rows = dict[str, set[str]]

# Tables of background work: the app itself changes their rows when the work is done.
WORK = {"sidecar_outbox", "drift_runs", "cleanup_runs"}


@pytest.fixture(scope="module")
def rows_before(app: App) -> Rows:
    """All rows with a user's video and clip, before the first attack."""
    with app.client("victim") as client:
        victim = Caller(client)
        victim.announce(victim.video(), title="untouched")
    wait_for(lambda: is_at_rest(app) or None, "the clips of other tests to be processed")
    return rows(app)


def is_at_rest(app: App) -> bool:
    """Whether no function will change a row of clips any more."""
    with closing(psycopg.connect(app.environment["DATABASE_URL"])) as connection:
        found = connection.execute(
            "SELECT 1 FROM clips WHERE (status = 'processing' AND deleted_at IS NULL)"
            " OR rendition_state IN ('queued', 'processing')"
        ).fetchone()
    return found is None


@pytest.fixture(scope="module")
def attacker(app: App) -> Iterator[Caller]:
    """A user with every role, so that no request is refused for its role."""
    with app.client("attacker", ["admin"]) as client:
        yield Caller(client)


@pytest.fixture(scope="module")
def good(attacker: Caller) -> dict[str, object]:
    """What an operation takes where the attack is elsewhere."""
    clip = attacker.announce(attacker.video())
    share = attacker.http.post(f"/clips/{clip['id']}/shares", json={}).raise_for_status().json()
    return {
        "video_id": clip["video_id"],
        "clip_id": clip["id"],
        "clip_ids": [clip["id"]],
        "share_id": share["id"],
        "token": "x" * 43,
        "migration_id": clip["id"],
        "drift_id": clip["id"],
        "kinds": ["stuck_processing"],
        "start_time": 0,
        "end_time": 5,
        "clips": [{"start_time": 0, "end_time": 1}],
    }


@pytest.fixture(scope="module")
def every_place(attacker: Caller) -> list[Place]:
    return list(places(attacker.http.get("/openapi.json").raise_for_status().json()))


def rows(app: App) -> Rows:
    """Every row of every table."""
    with closing(psycopg.connect(app.environment["DATABASE_URL"])) as connection:
        found = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        read = sql.SQL("SELECT t::text FROM {} AS t")
        return {
            name: {row for (row,) in connection.execute(read.format(sql.Identifier(name)))}
            for (name,) in found
        }


def unharmed(app: App, before: Rows) -> None:
    """All tables exist, with all rows that no request had reason to change."""
    now = rows(app)
    assert now.keys() == before.keys()
    assert {name for name in before if not before[name] <= now[name]} - WORK == set()


def objection(place: Place, answer: httpx.Response, text: str) -> str | None:
    """What is wrong with an answer to SQL in a place, if anything."""
    if answer.status_code >= 500:
        return f"{place}: {answer.status_code} {answer.text}"
    if answer.is_client_error:
        is_problem = answer.headers["Content-Type"] == "application/problem+json"
        return None if is_problem else f"{place}: {answer.status_code} is no problem+json"
    body: Any = answer.json()
    kept = body.get(place.name, text) if isinstance(body, dict) else text
    return None if kept == text else f"{place}: {text!r} became {kept!r}"


def test_description_names_every_text_input(every_place: list[Place]) -> None:
    """The tests below take their inputs from the description."""
    inputs = {(place.kind, place.name) for place in every_place}
    assert inputs >= {
        *(("body", name) for name in ("title", "youtube_id", "filename", "content_type")),
        *(("body", name) for name in ("clip_ids", "ip", "download", "variant", "expires_at")),
        *(("query", name) for name in ("cursor", "status", "ip", "download", "variant", "as")),
        *(("path", name) for name in ("video_id", "clip_id", "share_id", "token")),
    }


@pytest.mark.parametrize("text", TEXTS)
def test_sql_in_every_text_input_is_harmless(
    app: App,
    rows_before: Rows,
    attacker: Caller,
    good: dict[str, object],
    every_place: list[Place],
    text: str,
) -> None:
    answers = [(place, place.send(attacker.http, good, text)) for place in every_place]
    found = [objection(place, answer, text) for place, answer in answers]
    assert [what for what in found if what] == []
    unharmed(app, rows_before)
    taken = {(place.method, place.name) for place, answer in answers if answer.is_success}
    assert taken >= {("POST", "title"), ("PATCH", "title"), ("POST", "filename")}


@pytest.mark.parametrize("text", TEXTS)
def test_title_is_read_as_it_was_written(attacker: Caller, text: str) -> None:
    video = attacker.http.post("/videos", json={"title": text}).raise_for_status().json()
    assert attacker.http.get(f"/videos/{video['id']}").json()["title"] == text
    clip = attacker.announce(video["id"], title=text, filename=f"{text}.mp4")
    assert attacker.clip(clip["id"])["title"] == text
    (listed,) = attacker.http.get(f"/videos/{video['id']}/clips").json()
    assert listed["title"] == text


@pytest.mark.parametrize("text", TEXTS)
def test_sql_in_a_cursor_is_refused(
    app: App, rows_before: Rows, attacker: Caller, text: str
) -> None:
    """It is opaque, but a client can forge one."""
    video_id = attacker.video()
    for key in (
        [text, video_id],
        ["2026-11-22T12:00:00+00:00", text],
        [f"2026-11-22T12:00:00+00:00{text}", video_id],
        [1.5, text],
        [{"$gt": text}, video_id],
    ):
        cursor = base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")
        for path in ("/videos", f"/videos/{video_id}/clips"):
            answer = attacker.http.get(path, params={"cursor": cursor})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    unharmed(app, rows_before)


@pytest.mark.parametrize("text", TEXTS)
def test_sql_in_a_token_is_harmless(app: App, rows_before: Rows, text: str) -> None:
    """In claims that a user may choose at an issuer: a name, an address, a role."""
    chosen = claims(sub=text, email=f"{text}@example.org", email_verified=True, roles=[text])
    headers = {"Authorization": f"Bearer {token(chosen)}"}
    with app.client(None) as client:
        made = client.post("/videos", json={}, headers=headers)
        assert made.status_code == 201, made.text
        listed = client.get("/videos", headers=headers).json()
        assert [video["id"] for video in listed] == [made.json()["id"]], "a user of their own"
        assert client.get("/videos?as=admin", headers=headers).status_code in {400, 403}
    with closing(psycopg.connect(app.environment["DATABASE_URL"])) as connection:
        query = "SELECT email FROM users WHERE subject = %s"
        assert connection.execute(query, [text]).fetchall() == [(f"{text}@example.org",)]
    unharmed(app, rows_before)


def test_sql_in_uploads_of_other_tools_is_harmless(
    app: App, rows_before: Rows, attacker: Caller, film: bytes
) -> None:
    """In a blob's name and in its metadata."""
    text = "'; DROP TABLE clips CASCADE; --"
    video_id = attacker.video()
    with BlobServiceClient.from_connection_string(app.account.connection_string) as client:
        container = client.get_container_client(f"{app.prefix}-clips")
        metadata = {"title": text, "start_time": "1; DELETE FROM users", "end_time": text}
        container.upload_blob(f"{video_id}/{text}.mp4", film, metadata=metadata)

    def landed() -> dict[str, Any] | None:
        clips = attacker.http.get(f"/videos/{video_id}/clips", params={"status": "ready"}).json()
        return clips[0] if clips else None

    clip = wait_for(landed, "the clip")
    assert (clip["title"], clip["start_time"]) == (text, 0)
    link = attacker.http.get(f"/clips/{clip['id']}/access-url").json()["access_url"]
    assert httpx.get(link).content == film
    unharmed(app, rows_before)


def test_no_attack_caused_an_internal_error(app: App) -> None:
    """Runs last: the log of the attacked app has no unexpected fault."""
    assert "Unexpected error" not in app.log
