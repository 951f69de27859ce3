"""Handlers of /videos/{video_id}/source."""

from http import HTTPStatus

from clips.http import inputs, outputs, views
from clips.http.openapi.operations import LOCATION, Operation, ResponseSpec, Tag
from clips.http.request import Request
from clips.http.response import Response
from shared.errors import NotFound, StorageUnavailable
from shared.model import ShownSource


@Operation(
    tag=Tag.CUTTING,
    summary="Upload a source",
    description="Creates a link to upload the file of the whole video, once, so that clips can be "
    "cut out of it. A source that exists stays until the new file has been uploaded.",
    parameters=inputs.VideoId,
    body=inputs.NewSource,
    example={"filename": "match.mp4"},
    responses=(
        ResponseSpec(HTTPStatus.CREATED, "The source.", outputs.AnnouncedSource, (LOCATION,)),
    ),
    errors=(NotFound, StorageUnavailable),
)
def create(request: Request, where: inputs.VideoId, new: inputs.NewSource) -> Response:
    source = request.services.sources.announce(
        request.viewer, where.video_id, new.filename, new.content_type
    )
    location = request.location_of(f"/api/videos/{where.video_id}/source")
    return Response(HTTPStatus.CREATED, _view(source), {"Location": location})


@Operation(
    tag=Tag.CUTTING,
    summary="Read the source of a video",
    description="`upload` is the link to upload its file, while `status` is `awaiting_upload`.",
    parameters=inputs.VideoId,
    responses=(ResponseSpec(HTTPStatus.OK, "The source.", outputs.AnnouncedSource),),
    errors=(NotFound, StorageUnavailable),
)
def get(request: Request, where: inputs.VideoId) -> Response:
    source = request.services.sources.read(request.viewer, where.video_id)
    return Response(HTTPStatus.OK, _view(source))


@Operation(
    tag=Tag.CUTTING,
    summary="Delete the source of a video",
    description="Frees its storage. The clips that were cut out of it stay.",
    parameters=inputs.VideoId,
    responses=(ResponseSpec(HTTPStatus.OK, "It is deleted.", outputs.Message),),
    errors=(NotFound, StorageUnavailable),
)
def delete(request: Request, where: inputs.VideoId) -> Response:
    request.services.sources.delete(request.viewer, where.video_id)
    return Response(HTTPStatus.OK, views.message("Source deleted successfully"))


def _view(shown: ShownSource) -> outputs.AnnouncedSource:
    return views.source(shown.source, shown.storyboard_url, shown.upload)
