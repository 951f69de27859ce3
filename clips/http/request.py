"""An HTTP request as handlers see it: who sent it, and its contents, parsed and validated.

Every bad field is reported at once, path, query and body together.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import azure.functions as func
from pydantic import BaseModel, ValidationError

from clips.http import cursors, urls
from clips.http.inputs import Body, NoParameters, Owned, Parameters
from shared.errors import (
    BodyTooLarge,
    FieldError,
    Forbidden,
    InvalidRequest,
    UnsupportedMediaType,
)
from shared.model import Role, User, Viewer

if TYPE_CHECKING:
    from clips.compose import Services

_audit = logging.getLogger("clips.audit")

_LARGEST_BODY = 64 * 1024
_MAX_OWNERS_NAMED = 20

type PageKey = tuple[datetime | float, UUID]


@dataclass(frozen=True, slots=True)
class AnonymousRequest:
    """A request without a known sender; handlers reach everything else through `services`."""

    services: "Services"
    http: func.HttpRequest

    def parameters[P: Parameters](self, kind: type[P]) -> P:
        """Path and query parameters; raises InvalidRequest."""
        fields: list[FieldError] = []
        value = self._collect_parameters(fields, kind)
        return _complete(fields, value)

    def body[B: Body](self, kind: type[B]) -> B:
        """The JSON body of a request without parameters; raises InvalidRequest."""
        return self.parameters_and_body(NoParameters, kind)[1]

    def parameters_and_body[P: Parameters, B: Body](
        self, parameters: type[P], body: type[B]
    ) -> tuple[P, B]:
        """Parameters and body; the bad fields of both are in one InvalidRequest."""
        self._check_body()
        fields: list[FieldError] = []
        first = self._collect_parameters(fields, parameters)
        second = _collect(fields, self._parse_body, body)
        return _complete(fields, first), _complete(fields, second)

    def url_of(self, path: str) -> str:
        """The absolute URL of a path of the API."""
        return urls.absolute(self.http, path)

    def page[Item](
        self, items: Sequence[Item], limit: int, key: Callable[[Item], PageKey]
    ) -> tuple[Sequence[Item], dict[str, str]]:
        """The items to show, and a `Link` header (RFC 8288) to the next page if there is one.

        The caller fetches one item more than `limit`: its presence says that there is more.
        `key` gives the sort key from which the next page goes on.
        """
        shown = items[:limit]
        if len(items) <= limit:
            return shown, {}
        cursor = cursors.encode(*key(shown[-1]))
        url = urls.with_query(self.http, {"cursor": cursor})
        return shown, {"Link": f'<{url}>; rel="next"'}

    def _collect_parameters[P: Parameters](
        self, fields: list[FieldError], kind: type[P]
    ) -> P | None:
        if kind.model_config.get("extra") == "forbid":
            path = self.http.route_params
            twice = (name for name in self.http.params if name in path)
            fields += [FieldError("stands in the path", parameter=name) for name in twice]
        return _collect(fields, self._parse_parameters, kind)

    def _parse_parameters[P: Parameters](self, kind: type[P]) -> P:
        return kind.model_validate({**self.http.params, **self.http.route_params})

    def _parse_body[B: Body](self, kind: type[B]) -> B:
        return kind.model_validate_json(self.http.get_body() or b"{}")

    def _check_body(self) -> None:
        if len(self.http.get_body()) > _LARGEST_BODY:
            raise BodyTooLarge(f"The body may have up to {_LARGEST_BODY} bytes.")
        media_type = self.http.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in {"", "application/json"} and not media_type.endswith("+json"):
            raise UnsupportedMediaType(
                "Send the body as JSON, with the header Content-Type: application/json."
            )


@dataclass(frozen=True, slots=True)
class Request(AnonymousRequest):
    """A request whose bearer token is valid: `user` sent it."""

    user: User

    def viewer(self, where: Owned, clip_ids: Collection[UUID] = ()) -> Viewer:
        """Whose data the request may touch: the user's own or, with `as=admin`, anybody's.

        An admin's request is written to the audit log together with the owners of everything it
        names: in its path, and as `clip_ids` in its body. Raises Forbidden for `as=admin`
        without the role.
        """
        if where.acting_as is None:
            return Viewer(self.user.id)
        self.require(Role.ADMIN)
        owners = self.services.owners.of([*where.ids, *clip_ids])
        _audit.info(
            "Admin %r acts on what belongs to %s: %s %s",
            self.user.subject,
            _names(owners),
            self.http.method,
            urls.path_of(self.http),
        )
        return Viewer(self.user.id, as_admin=True)

    def record(self, deed: str) -> None:
        """Writes to the audit log what an admin is about to do that touches no single owner."""
        _audit.info("Admin %r %s", self.user.subject, deed)

    def require(self, role: Role) -> None:
        """Raises Forbidden unless the token has the role."""
        if role not in self.user.roles:
            raise Forbidden(f"This needs the role {role}.")


def _names(subjects: Sequence[str]) -> str:
    """The subjects on one line of a log: quoted, and counted from the 21st on."""
    named = ", ".join(map(repr, subjects[:_MAX_OWNERS_NAMED])) or "nobody"
    more = len(subjects) - _MAX_OWNERS_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _collect[M: BaseModel](
    fields: list[FieldError], parse: Callable[[type[M]], M], kind: type[M]
) -> M | None:
    try:
        return parse(kind)
    except ValidationError as error:
        in_body = issubclass(kind, Body)
        fields += [_field(problem, in_body=in_body) for problem in error.errors()]
        return None


def _complete[M: BaseModel](fields: list[FieldError], value: M | None) -> M:
    if value is None or fields:
        names = sorted({(field.pointer or field.parameter or "") for field in fields})
        named = ", ".join(name for name in names if name)
        detail = f"Look at: {named}" if named else f"The request does not fit: {fields[0].detail}"
        raise InvalidRequest(f"{detail.rstrip('.')}.", tuple(fields))
    return value


def _field(problem: Any, *, in_body: bool) -> FieldError:  # noqa: ANN401 - pydantic's ErrorDetails
    path = [str(part) for part in problem["loc"]]
    if not in_body:
        return FieldError(problem["msg"], parameter=".".join(path))
    escaped = (part.replace("~", "~0").replace("/", "~1") for part in path)
    return FieldError(problem["msg"], pointer="".join(f"/{part}" for part in escaped))
