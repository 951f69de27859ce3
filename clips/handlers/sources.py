"""Handlers of /videos/{video_id}/source."""

from http import HTTPStatus

from clips.http.inputs.clips import VideoId
from clips.http.inputs.cutting import NewSource
from clips.http.openapi.operations import LOCATION, Operation, ResponseSpec, Tag
from clips.http.outputs import cutting as outputs
from clips.http.outputs.base import Message
from clips.http.request import Request
from clips.http.response import Response
from clips.http.views import cutting as views
from clips.http.views.base import message
from shared.errors import NotFound, StorageUnavailable
from shared.model.cutting import ShownSource


@Operation(
    tag=Tag.CUTTING,
    summary="Upload a source",
    description="Creates a link to upload the file of the whole video, once, so that clips can be "
    "cut out of it. A source that exists stays until the new file has been uploaded.",
    parameters=VideoId,
    body=NewSource,
    example={"filename": "match.mp4"},
    responses=(
        ResponseSpec(HTTPStatus.CREATED, "The source.", outputs.AnnouncedSource, (LOCATION,)),
    ),
    errors=(NotFound, StorageUnavailable),
)
def create(request: Request, where: VideoId, new: NewSource) -> Response:
    source = request.services.sources.announce(
        request.viewer, where.video_id, new.filename, new.content_type
    )
    location = request.location_of(f"/api/videos/{where.video_id}/source")
    return Response(HTTPStatus.CREATED, _view(source), {"Location": location})


@Operation(
    tag=Tag.CUTTING,
    summary="Read the source of a video",
    description="While `status` is `awaiting_upload`, `upload` is the link to upload the file.",
    parameters=VideoId,
    responses=(ResponseSpec(HTTPStatus.OK, "The source.", outputs.AnnouncedSource),),
    errors=(NotFound, StorageUnavailable),
)
def get(request: Request, where: VideoId) -> Response:
    source = request.services.sources.read(request.viewer, where.video_id)
    return Response(HTTPStatus.OK, _view(source))


@Operation(
    tag=Tag.CUTTING,
    summary="Delete the source of a video",
    description="Deletes the source and frees its storage. Clips that were cut from it stay.",
    parameters=VideoId,
    responses=(ResponseSpec(HTTPStatus.OK, "The source is deleted.", Message),),
    errors=(NotFound, StorageUnavailable),
)
def delete(request: Request, where: VideoId) -> Response:
    request.services.sources.delete(request.viewer, where.video_id)
    return Response(HTTPStatus.OK, message("Source deleted successfully"))


def _view(shown: ShownSource) -> outputs.AnnouncedSource:
    return views.source(shown.source, shown.storyboard_url, shown.upload)
