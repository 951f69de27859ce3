"""Handlers of /videos/{video_id}/clips and /clips/{clip_id}."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

from clips.http import inputs, outputs, views
from clips.http.openapi.operations import LOCATION, NEXT_PAGE, Operation, ResponseSpec, Tag
from clips.http.request import Request
from clips.http.response import Response
from clips.links.lookup import find, no_such_clip, no_such_video
from shared import blob_names, media_types
from shared.catalogue import ClipChange, NewClip
from shared.errors import BlobMissing, NotFound, StorageUnavailable
from shared.model import Clip, Viewer

if TYPE_CHECKING:
    from clips.compose import Services


@Operation(
    tag=Tag.CLIPS,
    summary="Announce a clip",
    description="Makes a clip that waits for its bytes, and a link for these. Send them straight "
    "to storage with the method, address and headers in `upload`: in one request, or in blocks. "
    "The clip is `ready` once the file has been looked into.",
    parameters=inputs.VideoId,
    body=inputs.NewClip,
    example={"start_time": 12.5, "end_time": 20, "title": "Goal", "filename": "goal.mp4"},
    responses=(
        ResponseSpec(HTTPStatus.CREATED, "The new clip.", outputs.AnnouncedClip, (LOCATION,)),
    ),
    errors=(NotFound, StorageUnavailable),
)
def create(request: Request) -> Response:
    where, new = request.parameters_and_body(inputs.VideoId, inputs.NewClip)
    services, viewer, clip_id = request.services, request.viewer(where), uuid4()
    content_type = new.content_type or media_types.of_name(new.filename or "")
    extension = blob_names.extension_of(new.filename)
    blob_name = blob_names.clip_blob(where.video_id, clip_id, extension)
    clip = services.clips.add(
        viewer,
        NewClip(
            id=clip_id,
            video_id=where.video_id,
            title=new.title,
            start_time=new.start_time,
            end_time=new.end_time,
            blob_name=blob_name,
            blob_url=services.account.url(services.containers.clips, blob_name),
            content_type=content_type,
        ),
    )
    if clip is None:
        raise no_such_video()
    view = views.new_clip(clip, services.access.upload(viewer, clip))
    return Response(HTTPStatus.CREATED, view, {"Location": f"/api/clips/{clip.id}"})


@Operation(
    tag=Tag.CLIPS,
    summary="List the clips of a video",
    description="By `start_time`.",
    parameters=inputs.ClipPage,
    responses=(ResponseSpec(HTTPStatus.OK, "A page of clips.", list[outputs.Clip], (NEXT_PAGE,)),),
    errors=(NotFound, StorageUnavailable),
)
def page(request: Request) -> Response:
    wanted = request.parameters(inputs.ClipPage)
    services = request.services
    viewer = request.viewer(wanted)
    clips = services.clips.page(
        viewer, wanted.video_id, wanted.limit + 1, wanted.cursor, wanted.status
    )
    if not clips and services.videos.get(viewer, wanted.video_id) is None:
        raise no_such_video()
    shown, headers = request.page(clips, wanted.limit, lambda clip: (clip.start_time, clip.id))
    return Response(HTTPStatus.OK, _views(services, viewer, shown), headers)


@Operation(
    tag=Tag.CLIPS,
    summary="Read a clip",
    parameters=inputs.ClipId,
    responses=(ResponseSpec(HTTPStatus.OK, "The clip.", outputs.Clip),),
    errors=(NotFound, StorageUnavailable),
)
def get(request: Request) -> Response:
    where = request.parameters(inputs.ClipId)
    viewer = request.viewer(where)
    clip = find(request.services.clips, viewer, where.clip_id)
    return Response(HTTPStatus.OK, _views(request.services, viewer, [clip])[0])


@Operation(
    tag=Tag.CLIPS,
    summary="Change a clip",
    description="Changes what is named and leaves the rest; null clears.",
    parameters=inputs.ClipId,
    body=inputs.ClipChange,
    example={"title": "Own goal", "expires_at": "2090-01-01T00:00:00Z"},
    responses=(ResponseSpec(HTTPStatus.OK, "The clip as it is now.", outputs.Clip),),
    errors=(NotFound, StorageUnavailable),
)
def change(request: Request) -> Response:
    where, wanted = request.parameters_and_body(inputs.ClipId, inputs.ClipChange)
    viewer = request.viewer(where)
    clip = request.services.clips.change(
        viewer,
        where.clip_id,
        ClipChange(
            named=frozenset(wanted.model_fields_set),
            title=wanted.title,
            expires_at=wanted.expires_at,
        ),
    )
    if clip is None:
        raise no_such_clip()
    return Response(HTTPStatus.OK, _views(request.services, viewer, [clip])[0])


@Operation(
    tag=Tag.CLIPS,
    summary="Delete a clip",
    description="It is hidden at once; its blobs go in the same call, or with the next cleanup "
    "if storage is away.",
    parameters=inputs.ClipId,
    responses=(ResponseSpec(HTTPStatus.OK, "It is gone.", outputs.Message),),
    errors=(NotFound,),
)
def delete(request: Request) -> Response:
    where = request.parameters(inputs.ClipId)
    request.services.deletion.delete_clip(request.viewer(where), where.clip_id)
    return Response(HTTPStatus.OK, views.message("Clip deleted successfully"))


@Operation(
    tag=Tag.CLIPS,
    summary="Report a view",
    description="Counts in `view_count`, and is logged with who viewed and when.",
    parameters=inputs.ClipOfVideo,
    responses=(ResponseSpec(HTTPStatus.CREATED, "It is counted.", outputs.Message),),
    errors=(NotFound,),
)
def view(request: Request) -> Response:
    where = request.parameters(inputs.ClipOfVideo)
    if not request.services.view_log.add(request.viewer(where), where.video_id, where.clip_id):
        raise no_such_clip()
    return Response(HTTPStatus.CREATED, views.message("View recorded successfully"))


@Operation(
    tag=Tag.CLIPS,
    summary="Read what is known of a clip's file",
    parameters=inputs.ClipId,
    responses=(ResponseSpec(HTTPStatus.OK, "The metadata.", outputs.Metadata),),
    errors=(NotFound, StorageUnavailable),
)
def metadata(request: Request) -> Response:
    where = request.parameters(inputs.ClipId)
    clip = find(request.services.clips, request.viewer(where), where.clip_id)
    blob = None
    if clip.blob_name is not None:
        try:
            blob = request.services.blobs.get(request.services.containers.clips, clip.blob_name)
        except BlobMissing:
            blob = None  # not uploaded yet: shown as null
    return Response(HTTPStatus.OK, views.metadata(clip, blob))


def _views(services: "Services", viewer: Viewer, clips: Sequence[Clip]) -> list[outputs.Clip]:
    """Clips as they are shown, each with a link to its poster."""
    posters = services.access.posters(viewer, clips)
    return [views.clip(clip, poster) for clip, poster in zip(clips, posters, strict=True)]
