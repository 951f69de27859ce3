"""Handlers of /videos/{video_id}/clips and /clips/{clip_id}."""

from http import HTTPStatus

from clips.http.inputs.clips import (
    ClipChange,
    ClipId,
    ClipOfVideo,
    ClipPage,
    DeletedClip,
    NewClip,
    VideoId,
)
from clips.http.openapi.operations import LOCATION, NEXT_PAGE, Operation, ResponseSpec, Tag
from clips.http.outputs import clips as outputs
from clips.http.outputs.base import Message
from clips.http.request import Request
from clips.http.response import Response
from clips.http.views import clips as views
from clips.http.views.base import message
from shared.errors import NotFound, Pinned, StorageUnavailable, WrongState
from shared.model.clip import ClipDraft, ClipUpdate, ShownClip


@Operation(
    tag=Tag.CLIPS,
    summary="Announce a clip",
    description="Creates a clip that waits for its file, and a link to upload it. Send the bytes "
    "directly to storage with the method, URL and headers in `upload`: in one request, or in "
    "blocks. The clip is `ready` once the file has been processed.",
    parameters=VideoId,
    body=NewClip,
    example={"start_time": 12.5, "end_time": 20, "title": "Goal", "filename": "goal.mp4"},
    responses=(
        ResponseSpec(HTTPStatus.CREATED, "The new clip.", outputs.AnnouncedClip, (LOCATION,)),
    ),
    errors=(NotFound, StorageUnavailable, WrongState),
    retry_key=True,
)
def create(request: Request, where: VideoId, new: NewClip) -> Response:
    draft = ClipDraft(
        video_id=where.video_id,
        start_time=new.start_time,
        end_time=new.end_time,
        title=new.title,
        filename=new.filename,
        content_type=new.content_type,
    )
    announced = request.services.library.announce(request.viewer, draft, request.retry_key)
    view = views.new_clip(announced.clip, announced.upload)
    return Response(
        HTTPStatus.CREATED,
        view,
        {"Location": request.location_of(f"/api/clips/{announced.clip.id}")},
    )


@Operation(
    tag=Tag.CLIPS,
    summary="List the clips of a video",
    description="The clips are in order of `start_time`.",
    parameters=ClipPage,
    responses=(ResponseSpec(HTTPStatus.OK, "A page of clips.", list[outputs.Clip], (NEXT_PAGE,)),),
    errors=(NotFound, StorageUnavailable),
)
def page(request: Request, where: ClipPage) -> Response:
    clips = request.services.library.list_clips(
        request.viewer, where.video_id, where.limit + 1, where.cursor, where.status
    )
    shown, headers = request.page(
        clips, where.limit, lambda shown: (shown.clip.start_time, shown.clip.id)
    )
    return Response(HTTPStatus.OK, [_view(clip) for clip in shown], headers)


@Operation(
    tag=Tag.CLIPS,
    summary="Read a clip",
    parameters=ClipId,
    responses=(ResponseSpec(HTTPStatus.OK, "The clip.", outputs.Clip),),
    errors=(NotFound, StorageUnavailable),
)
def get(request: Request, where: ClipId) -> Response:
    return Response(
        HTTPStatus.OK, _view(request.services.library.read(request.viewer, where.clip_id))
    )


@Operation(
    tag=Tag.CLIPS,
    summary="Change a clip",
    description="Changes only the fields in the request; null clears a field.",
    parameters=ClipId,
    body=ClipChange,
    example={"title": "Own goal", "expires_at": "2090-01-01T00:00:00Z"},
    responses=(ResponseSpec(HTTPStatus.OK, "The changed clip.", outputs.Clip),),
    errors=(NotFound, StorageUnavailable),
)
def change(request: Request, where: ClipId, change: ClipChange) -> Response:
    update = ClipUpdate(named=frozenset(change.model_fields_set), **dict(change))
    clip = request.services.library.change(request.viewer, where.clip_id, update)
    return Response(HTTPStatus.OK, _view(clip))


@Operation(
    tag=Tag.CLIPS,
    summary="Delete a clip",
    description="Moves the clip to the recycle bin. It is hidden at once, and its links end when "
    "its bytes are moved, usually in the same call. With `permanent=true` it is deleted "
    "permanently, even if it is in the bin.",
    parameters=DeletedClip,
    responses=(ResponseSpec(HTTPStatus.OK, "The clip is deleted.", Message),),
    errors=(NotFound, Pinned),
)
def delete(request: Request, where: DeletedClip) -> Response:
    request.services.bin.delete_clip(request.viewer, where.clip_id, permanent=where.permanent)
    return Response(HTTPStatus.OK, message("Clip deleted successfully"))


@Operation(
    tag=Tag.CLIPS,
    summary="Report a view",
    description="Increases `view_count`, and records who viewed the clip and when.",
    parameters=ClipOfVideo,
    responses=(ResponseSpec(HTTPStatus.CREATED, "The view is counted.", Message),),
    errors=(NotFound,),
)
def view(request: Request, where: ClipOfVideo) -> Response:
    request.services.library.record_view(request.viewer, where.video_id, where.clip_id)
    return Response(HTTPStatus.CREATED, message("View recorded successfully"))


@Operation(
    tag=Tag.CLIPS,
    summary="Read the metadata of a clip's file",
    parameters=ClipId,
    responses=(ResponseSpec(HTTPStatus.OK, "The metadata.", outputs.Metadata),),
    errors=(NotFound, StorageUnavailable),
)
def metadata(request: Request, where: ClipId) -> Response:
    found = request.services.library.metadata(request.viewer, where.clip_id)
    return Response(HTTPStatus.OK, views.metadata(found.clip, found.blob))


def _view(shown: ShownClip) -> outputs.Clip:
    return views.clip(shown.clip, shown.poster_url)
