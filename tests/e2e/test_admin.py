"""Admins act on the data of all users, only with `as=admin`, and each call is in the audit log."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.app import App, Caller, wait_for
from tests.e2e.test_bad_requests import problem

_numbers = itertools.count(1)

type Owned = tuple[Person, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Person(Caller):
    """A caller whose subject the test knows."""

    app: App
    subject: str

    def audit_lines(self) -> list[str]:
        """What is on record of what they did as an admin, oldest first."""
        return re.findall(rf"INFO clips\.audit: (Admin '{self.subject}' .*)", self.app.log)


@pytest.fixture
def admin(app: App) -> Iterator[Person]:
    """An admin of this test alone."""
    yield from person(app, ["admin"])


@pytest.fixture
def owner(app: App) -> Iterator[Person]:
    """A user of this test alone."""
    yield from person(app)


@pytest.fixture
def neighbour(app: App) -> Iterator[Person]:
    """Another one."""
    yield from person(app)


@pytest.fixture(scope="module")
def owned(app: App, film: bytes) -> Iterator[Owned]:
    """A ready clip that only its owner and admins can see, and its owner."""
    for member in person(app):
        yield member, member.uploaded(film, title="Theirs")


def person(app: App, roles: Sequence[str] = ()) -> Iterator[Person]:
    subject = f"person-{next(_numbers)}"
    with app.client(subject, roles) as client:
        yield Person(client, app, subject)


# What can be done to a video and a clip; those that end it come last.
ACTIONS: list[tuple[str, str, dict[str, object] | None, int]] = [
    ("GET", "/videos/{video}", None, 200),
    ("PATCH", "/videos/{video}", {"retention_days": 400}, 200),
    ("GET", "/videos/{video}/retention", None, 200),
    ("GET", "/videos/{video}/clips", None, 200),
    ("POST", "/videos/{video}/clips", {"start_time": 0, "end_time": 1}, 201),
    ("POST", "/videos/{video}/clips/{clip}/view", None, 201),
    ("GET", "/clips/{clip}", None, 200),
    ("PATCH", "/clips/{clip}", {"title": "Seen to"}, 200),
    ("GET", "/clips/{clip}/access-url", None, 200),
    ("GET", "/clips/{clip}/metadata", None, 200),
    ("GET", "/clips/{clip}/thumbnail", None, 302),
    ("GET", "/clips/{clip}/grants", None, 200),
    ("POST", "/clips/{clip}/shares", {}, 201),
    ("GET", "/clips/{clip}/shares", None, 200),
    ("DELETE", "/clips/{clip}/shares/{share}", None, 200),
    ("DELETE", "/clips/{clip}", None, 200),
    ("DELETE", "/videos/{video}", None, 200),
]
each_action = pytest.mark.parametrize(
    ("method", "path", "body", "status"), ACTIONS, ids=[f"{a[0]} {a[1]}" for a in ACTIONS]
)


def send(
    caller: Caller, method: str, path: str, body: object, clip: dict[str, Any], **query: str
) -> httpx.Response:
    filled = path.format(video=clip["video_id"], clip=clip["id"], share=clip.get("share"))
    return caller.http.request(method, filled, json=body, params=query)


class TestOnEveryPath:
    @each_action
    def test_acting_as_admin_needs_the_role(
        self, owned: Owned, method: str, path: str, body: object, status: int
    ) -> None:
        """The rule also holds for the caller's own data, where the role would change nothing."""
        owner, clip = owned
        clip = clip | {"share": uuid4()}
        problem(send(owner, method, path, body, clip, **{"as": "admin"}), 403, "missing_role")
        assert status < 400

    @each_action
    def test_role_alone_changes_nothing(
        self, owned: Owned, admin: Person, method: str, path: str, body: object, status: int
    ) -> None:
        _, clip = owned
        answer = send(admin, method, path, body, clip | {"share": uuid4()})
        assert problem(answer, 404, "not_found")["status"] != status
        assert admin.audit_lines() == []

    @each_action
    def test_acting_as_admin_with_the_role_is_allowed_and_logged(
        self,
        owner: Person,
        admin: Person,
        film: bytes,
        method: str,
        path: str,
        body: object,
        status: int,
    ) -> None:
        clip = owner.uploaded(film)
        share = owner.http.post(f"/clips/{clip['id']}/shares", json={}).json()
        answer = send(admin, method, path, body, clip | {"share": share["id"]}, **{"as": "admin"})
        assert answer.status_code == status, answer.text
        (line,) = wait_for(admin.audit_lines, "the line in the log")
        assert line == (
            f"Admin '{admin.subject}' acts on data of '{owner.subject}': "
            f"{method} {answer.request.url.path}"
        )


class TestManyAtOnce:
    def test_links_to_clips_of_several_owners_name_them_in_the_log(
        self, owner: Person, neighbour: Person, admin: Person, film: bytes
    ) -> None:
        clips = [owner.uploaded(film), neighbour.uploaded(film)]
        ids = [clip["id"] for clip in clips]
        body = {"clip_ids": ids}
        assert [link["error"]["code"] for link in post(admin, body).json()] == ["not_found"] * 2
        links = post(admin, body, **{"as": "admin"}).json()
        assert [link["error"] for link in links] == [None, None]
        (line,) = wait_for(admin.audit_lines, "the line in the log")
        for member, clip in zip((owner, neighbour), clips, strict=True):
            assert repr(member.subject) in line
            grants = member.http.get(f"/clips/{clip['id']}/grants").json()
            assert admin.subject in {grant["who"] for grant in grants}, "each link is on record"

    def test_missing_role_is_refused(self, owner: Person) -> None:
        problem(post(owner, {"clip_ids": [str(uuid4())]}, **{"as": "admin"}), 403, "missing_role")


def post(caller: Caller, body: object, **query: str) -> httpx.Response:
    return caller.http.post("/clips/access-urls", json=body, params=query)


class TestTheWord:
    def test_list_of_an_admin_has_only_their_own_videos(self, admin: Person, owner: Person) -> None:
        owner.video()
        mine = admin.video()
        assert [video["id"] for video in admin.http.get("/videos").json()] == [mine]
        problem(admin.http.get("/videos", params={"as": "admin"}), 400, "invalid_request")

    @pytest.mark.parametrize("word", ["root", "Admin", "alice"])
    def test_audit_line_exists(self, admin: Person, owned: Owned, word: str) -> None:
        _, clip = owned
        answer = admin.http.get(f"/clips/{clip['id']}", params={"as": word})
        problem(answer, 400, "invalid_request")

    def test_unknown_ids_are_absent_for_admins_too(self, admin: Person) -> None:
        answer = admin.http.get(f"/clips/{uuid4()}", params={"as": "admin"})
        problem(answer, 404, "not_found")
        (line,) = wait_for(admin.audit_lines, "the line in the log")
        assert "acts on data of no one: GET" in line

    def test_subject_cannot_forge_a_line(self, app: App, owned: Owned) -> None:
        """Subjects are quoted; what ends a line is in none of them, and in no path."""
        _, clip = owned
        subject = "eve' acts on data of 'nobody': GET /\u2028"
        with app.client(subject, ["admin"]) as client:
            assert client.get(f"/clips/{clip['id']}?as=admin").status_code == 401
        subject = "eve' acts on data of 'nobody': GET /x"
        with app.client(subject, ["admin"]) as client:
            assert client.get(f"/clips/{clip['id']}?as=admin").status_code == 200
        wait_for(lambda: f"Admin {subject!r} acts on" in app.log or None, "the line in the log")


class TestCleanupRuns:
    def test_runs_are_shown_newest_first_and_page_by_page(self, app: App, admin: Person) -> None:
        for _ in range(2):
            app.run_cleanup()
        found = admin.http.get("/cleanup/runs").raise_for_status().json()
        assert len(found) >= 2
        assert set(found[0]) == {"id", "started_at", "finished_at", "counts", "failures"}
        assert found[0]["started_at"] > found[1]["started_at"]
        assert found[0]["finished_at"] > found[0]["started_at"]
        assert next(iter(found[0]["counts"])) == "clips_expired"
        page = admin.http.get("/cleanup/runs", params={"limit": 1})
        assert page.json() == found[:1]
        assert admin.http.get(page.links["next"]["url"]).json()[0] == found[1]

    def test_runs_need_the_role(self, owner: Person) -> None:
        problem(owner.http.get("/cleanup/runs"), 403, "missing_role")
