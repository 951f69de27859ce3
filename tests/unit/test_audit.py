"""The audit log has one line for each thing that an admin does, with any names in it."""

import logging
from collections.abc import Collection, Sequence
from uuid import UUID, uuid4

import azure.functions as func
import pytest

from clips.http import permissions
from clips.http.inputs.admin import NewMigration
from clips.http.inputs.base import Body, EmptyBody
from clips.http.inputs.clips import ClipId
from clips.http.inputs.links import AccessUrls
from shared.errors import Forbidden
from shared.model.user import User, Viewer

CLIP, OTHER = uuid4(), uuid4()
REQUEST = func.HttpRequest(
    method="PATCH", url=f"https://app.example.net/api/clips/{CLIP}?as=admin&x=secret", body=b""
)


class Owners:
    """Owners that the test sets; remembers the ids that it was called with."""

    def __init__(self, *subjects: str) -> None:
        self._subjects = subjects
        self.asked: Collection[UUID] = ()

    def of(self, ids: Collection[UUID]) -> Sequence[str]:
        self.asked = ids
        return self._subjects


def user(subject: str = "root", *roles: str) -> User:
    return User(uuid4(), subject, frozenset(roles))


def viewer(
    who: User, owners: Owners, acting_as: str | None = "admin", body: Body | None = None
) -> Viewer:
    where = ClipId.model_validate({"clip_id": str(CLIP), "as": acting_as})
    return permissions.viewer_of(who, REQUEST, where, body or EmptyBody(), owners.of)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "clips.audit"]


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "clips.audit")


def test_audit_line_names_admin_owners_method_and_path(caplog: pytest.LogCaptureFixture) -> None:
    """The path without its query; of everything that path and body name."""
    owners = Owners("alice", "bob")
    root = user("root", "admin")
    body = AccessUrls.model_validate({"clip_ids": [str(OTHER)]})
    assert viewer(root, owners, body=body) == Viewer(root.id, as_admin=True)
    assert said(caplog) == [f"Admin 'root' acts on data of 'alice', 'bob': PATCH /api/clips/{CLIP}"]
    assert list(owners.asked) == [CLIP, OTHER]


def test_request_for_own_data_looks_up_no_owners(caplog: pytest.LogCaptureFixture) -> None:
    owners = Owners("alice")
    root = user("root", "admin")
    assert viewer(root, owners, None) == Viewer(root.id)
    assert (said(caplog), owners.asked) == ([], ())


def test_user_without_the_role_is_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    owners = Owners("alice")
    with pytest.raises(Forbidden):
        viewer(user("mallory", "Admin", "user"), owners)
    assert (said(caplog), owners.asked) == ([], ())


def test_audit_line_escapes_line_breaks(caplog: pytest.LogCaptureFixture) -> None:
    """Subjects of the old service are not validated."""
    viewer(user("root", "admin"), Owners("a\nAdmin 'x'", "b\u2028"))
    (line,) = said(caplog)
    assert len(line.splitlines()) == 1
    assert line.startswith(r"""Admin 'root' acts on data of "a\nAdmin 'x'", 'b\u2028': """)


def test_audit_log_records_admin_operations(caplog: pytest.LogCaptureFixture) -> None:
    request = func.HttpRequest("POST", "https://app.example.net/api/migrate-clips", body=b"")
    where = NewMigration(local_clips_dir="season-2")
    permissions.record_admin_operation(user("ro'ot\n", "admin"), request, where)
    (line,) = said(caplog)
    assert line == (
        """Admin "ro'ot\\n" calls POST /api/migrate-clips """
        "with {'local_clips_dir': 'season-2', 'batch_size': 10}"
    )


def test_audit_line_counts_owners_from_the_21st_on(caplog: pytest.LogCaptureFixture) -> None:
    """A call for a thousand clips may name a thousand owners."""
    viewer(user("root", "admin"), Owners(*(f"u{n}" for n in range(1000))))
    (line,) = said(caplog)
    assert "'u19' and 980 more: PATCH" in line
