"""One HTTP call: who calls, and what they sent, parsed with every bad field named at once."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import azure.functions as func
from pydantic import BaseModel, ValidationError

from clips.http import addresses, cursors
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
_MOST_OWNERS_NAMED = 20

type PageKey = tuple[datetime | float, UUID]


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call of nobody in particular; handlers reach everything else through `services`."""

    services: "Services"
    request: func.HttpRequest

    def parameters[P: Parameters](self, kind: type[P]) -> P:
        """Path and query parameters; raises InvalidRequest."""
        fields: list[FieldError] = []
        value = self._collect_parameters(fields, kind)
        return _complete(fields, value)

    def body[B: Body](self, kind: type[B]) -> B:
        """The JSON body of a call without parameters; raises InvalidRequest."""
        return self.parameters_and_body(NoParameters, kind)[1]

    def parameters_and_body[P: Parameters, B: Body](
        self, parameters: type[P], body: type[B]
    ) -> tuple[P, B]:
        """Both, with the bad fields of both in one InvalidRequest."""
        self._check_body()
        fields: list[FieldError] = []
        first = self._collect_parameters(fields, parameters)
        second = _collect(fields, self._parse_body, body)
        return _complete(fields, first), _complete(fields, second)

    def address_of(self, path: str) -> str:
        """The complete address of a path of the API."""
        return addresses.here(self.request, path)

    def page[Item](
        self, items: Sequence[Item], limit: int, key: Callable[[Item], PageKey]
    ) -> tuple[Sequence[Item], dict[str, str]]:
        """What to show of `items`, and the header that leads on if there is more.

        That there is more is told by one item too many.
        """
        shown = items[:limit]
        if len(items) <= limit:
            return shown, {}
        return shown, self.link_to_next(cursors.encode(*key(shown[-1])))

    def link_to_next(self, cursor: str) -> dict[str, str]:
        """The header that leads to the next page: RFC 8288."""
        return {"Link": f'<{addresses.here_with(self.request, {"cursor": cursor})}>; rel="next"'}

    def _collect_parameters[P: Parameters](
        self, fields: list[FieldError], kind: type[P]
    ) -> P | None:
        if kind.model_config.get("extra") == "forbid":
            path = self.request.route_params
            twice = (name for name in self.request.params if name in path)
            fields += [FieldError("stands in the path", parameter=name) for name in twice]
        return _collect(fields, self._parse_parameters, kind)

    def _parse_parameters[P: Parameters](self, kind: type[P]) -> P:
        return kind.model_validate({**self.request.params, **self.request.route_params})

    def _parse_body[B: Body](self, kind: type[B]) -> B:
        return kind.model_validate_json(self.request.get_body() or b"{}")

    def _check_body(self) -> None:
        if len(self.request.get_body()) > _LARGEST_BODY:
            raise BodyTooLarge(f"The body may have up to {_LARGEST_BODY} bytes.")
        media_type = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in {"", "application/json"} and not media_type.endswith("+json"):
            raise UnsupportedMediaType(
                "Send the body as JSON, with the header Content-Type: application/json."
            )


@dataclass(frozen=True, slots=True)
class Call(OpenCall):
    """A call of `user`, by a token that holds."""

    user: User

    def viewer(self, where: Owned, clip_ids: Collection[UUID] = ()) -> Viewer:
        """Through whose eyes the caller looks: their own, or explicitly an admin's.

        `clip_ids` are those that the body names. Raises Forbidden for `as=admin` without the
        role. What an admin is about to do is on record, and whose things it is about.
        """
        if where.acting_as is None:
            return Viewer(self.user.id)
        self.require(Role.ADMIN)
        owners = self.services.owners.of([*where.ids, *clip_ids])
        _audit.info(
            "Admin %r acts on what belongs to %s: %s %s",
            self.user.subject,
            _names(owners),
            self.request.method,
            addresses.path_of(self.request),
        )
        return Viewer(self.user.id, as_admin=True)

    def record(self, deed: str) -> None:
        """Puts on record what an admin is about to do, if it is about nobody's things alone."""
        _audit.info("Admin %r %s", self.user.subject, deed)

    def require(self, role: Role) -> None:
        """Raises Forbidden unless the token has the role."""
        if role not in self.user.roles:
            raise Forbidden(f"This needs the role {role}.")


def _names(subjects: Sequence[str]) -> str:
    """For one line of a log, whatever the subjects are and however many."""
    named = ", ".join(map(repr, subjects[:_MOST_OWNERS_NAMED])) or "nobody"
    more = len(subjects) - _MOST_OWNERS_NAMED
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
