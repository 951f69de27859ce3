"""The handler of /cleanup/runs."""

from http import HTTPStatus

from clips.http.inputs.admin import CleanupRunPage
from clips.http.openapi.operations import NEXT_PAGE, Operation, ResponseSpec, Tag
from clips.http.outputs import admin as outputs
from clips.http.request import Request
from clips.http.response import Response
from clips.http.views import admin as views
from shared.model.user import Role


@Operation(
    tag=Tag.SERVICE,
    summary="List runs of the cleanup",
    description="The runs of the last 30 days, newest first: when each ran, what it did and what "
    "failed.",
    parameters=CleanupRunPage,
    responses=(
        ResponseSpec(HTTPStatus.OK, "A page of runs.", list[outputs.CleanupRun], (NEXT_PAGE,)),
    ),
    role=Role.ADMIN,
)
def runs(request: Request, where: CleanupRunPage) -> Response:
    found = request.services.cleanup.runs(where.limit + 1, where.cursor)
    shown, headers = request.page(found, where.limit, lambda run: (run.started_at, run.id))
    return Response(HTTPStatus.OK, [views.cleanup_run(run) for run in shown], headers)
