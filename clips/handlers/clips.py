"""Handlers of /videos/{video_id}/clips and /clips/{clip_id}."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

from clips.http import inputs, shapes, views
from clips.http.answers import Answer
from clips.http.calls import Call
from clips.http.operations import LOCATION, NEXT_PAGE, Operation, Reply, Tag
from clips.lookup import find, no_such_clip, no_such_video
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
    replies=(Reply(HTTPStatus.CREATED, "The new clip.", shapes.AnnouncedClip, (LOCATION,)),),
    errors=(NotFound, StorageUnavailable),
)
def create(call: Call) -> Answer:
    where, new = call.parameters_and_body(inputs.VideoId, inputs.NewClip)
    services, viewer, clip_id = call.services, call.viewer(where), uuid4()
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
    return Answer(HTTPStatus.CREATED, view, {"Location": f"/api/clips/{clip.id}"})


@Operation(
    tag=Tag.CLIPS,
    summary="List the clips of a video",
    description="By `start_time`.",
    parameters=inputs.ClipPage,
    replies=(Reply(HTTPStatus.OK, "A page of clips.", list[shapes.Clip], (NEXT_PAGE,)),),
    errors=(NotFound, StorageUnavailable),
)
def page(call: Call) -> Answer:
    wanted = call.parameters(inputs.ClipPage)
    services = call.services
    viewer = call.viewer(wanted)
    clips = services.clips.page(
        viewer, wanted.video_id, wanted.limit + 1, wanted.cursor, wanted.status
    )
    if not clips and services.videos.get(viewer, wanted.video_id) is None:
        raise no_such_video()
    shown, headers = call.page(clips, wanted.limit, lambda clip: (clip.start_time, clip.id))
    return Answer(HTTPStatus.OK, _views(services, viewer, shown), headers)


@Operation(
    tag=Tag.CLIPS,
    summary="Read a clip",
    parameters=inputs.ClipId,
    replies=(Reply(HTTPStatus.OK, "The clip.", shapes.Clip),),
    errors=(NotFound, StorageUnavailable),
)
def get(call: Call) -> Answer:
    where = call.parameters(inputs.ClipId)
    viewer = call.viewer(where)
    clip = find(call.services.clips, viewer, where.clip_id)
    return Answer(HTTPStatus.OK, _views(call.services, viewer, [clip])[0])


@Operation(
    tag=Tag.CLIPS,
    summary="Change a clip",
    description="Changes what is named and leaves the rest; null clears.",
    parameters=inputs.ClipId,
    body=inputs.ClipChange,
    example={"title": "Own goal", "expires_at": "2090-01-01T00:00:00Z"},
    replies=(Reply(HTTPStatus.OK, "The clip as it is now.", shapes.Clip),),
    errors=(NotFound, StorageUnavailable),
)
def change(call: Call) -> Answer:
    where, wanted = call.parameters_and_body(inputs.ClipId, inputs.ClipChange)
    viewer = call.viewer(where)
    clip = call.services.clips.change(
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
    return Answer(HTTPStatus.OK, _views(call.services, viewer, [clip])[0])


@Operation(
    tag=Tag.CLIPS,
    summary="Delete a clip",
    description="It is hidden at once; its blobs go in the same call, or with the next cleanup "
    "if storage is away.",
    parameters=inputs.ClipId,
    replies=(Reply(HTTPStatus.OK, "It is gone.", shapes.Message),),
    errors=(NotFound,),
)
def delete(call: Call) -> Answer:
    where = call.parameters(inputs.ClipId)
    call.services.deletion.delete_clip(call.viewer(where), where.clip_id)
    return Answer(HTTPStatus.OK, views.message("Clip deleted successfully"))


@Operation(
    tag=Tag.CLIPS,
    summary="Report a view",
    description="Counts in `view_count`, and is logged with who viewed and when.",
    parameters=inputs.ClipOfVideo,
    replies=(Reply(HTTPStatus.CREATED, "It is counted.", shapes.Message),),
    errors=(NotFound,),
)
def view(call: Call) -> Answer:
    where = call.parameters(inputs.ClipOfVideo)
    if not call.services.view_log.add(call.viewer(where), where.video_id, where.clip_id):
        raise no_such_clip()
    return Answer(HTTPStatus.CREATED, views.message("View recorded successfully"))


@Operation(
    tag=Tag.CLIPS,
    summary="Read what is known of a clip's file",
    parameters=inputs.ClipId,
    replies=(Reply(HTTPStatus.OK, "The metadata.", shapes.Metadata),),
    errors=(NotFound, StorageUnavailable),
)
def metadata(call: Call) -> Answer:
    where = call.parameters(inputs.ClipId)
    clip = find(call.services.clips, call.viewer(where), where.clip_id)
    blob = None
    if clip.blob_name is not None:
        try:
            blob = call.services.blobs.get(call.services.containers.clips, clip.blob_name)
        except BlobMissing:
            blob = None  # not uploaded yet: shown as null
    return Answer(HTTPStatus.OK, views.metadata(clip, blob))


def _views(services: "Services", viewer: Viewer, clips: Sequence[Clip]) -> list[shapes.Clip]:
    """Clips as they are shown, each with a link to its poster."""
    posters = services.access.posters(viewer, clips)
    return [views.clip(clip, poster) for clip, poster in zip(clips, posters, strict=True)]
