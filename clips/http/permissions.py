"""What a user may do: roles, acting as an admin, and the audit log of what admins do."""

import logging
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import azure.functions as func

from clips.http import urls
from clips.http.inputs.base import Body, Owned, Parameters
from shared.errors import Forbidden
from shared.model.user import Role, User, Viewer

_audit = logging.getLogger("clips.audit")

_MAX_OWNERS_NAMED = 20

type OwnersOf = Callable[[Collection[UUID]], Sequence[str]]


def check_role(user: User, role: Role) -> None:
    """Raises Forbidden unless the token has the role."""
    if role not in user.roles:
        raise Forbidden(f"This call needs the role {role}.")


def viewer_of(
    user: User, request: func.HttpRequest, where: Parameters, body: Body, owners_of: OwnersOf
) -> Viewer:
    """Whose data the request may use: the user's own or, with `as=admin`, everyone's.

    An admin's request is written to the audit log together with the owners of all videos and
    clips that its path and body name. Raises Forbidden for `as=admin` without the role.
    """
    if not isinstance(where, Owned) or where.acting_as is None:
        return Viewer(user.id)
    check_role(user, Role.ADMIN)
    owners = owners_of([*where.ids, *body.ids])
    _audit.info(
        "Admin %r acts on data of %s: %s %s",
        user.subject,
        _names(owners),
        request.method,
        urls.path_of(request),
    )
    return Viewer(user.id, as_admin=True)


def record_admin_operation(user: User, request: func.HttpRequest, where: Parameters) -> None:
    """Writes to the audit log an admin's operation on data that has no single owner."""
    if request.method not in {"GET", "HEAD"}:
        _audit.info(
            "Admin %r calls %s %s with %r",
            user.subject,
            request.method,
            urls.path_of(request),
            where.model_dump(mode="json", exclude_none=True),
        )


def _names(subjects: Sequence[str]) -> str:
    """The subjects on one line of a log: quoted, and counted from the 21st on."""
    named = ", ".join(map(repr, subjects[:_MAX_OWNERS_NAMED])) or "no one"
    more = len(subjects) - _MAX_OWNERS_NAMED
    return f"{named} and {more} more" if more > 0 else named
