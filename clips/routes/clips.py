"""Handlers of /videos/{video_id}/clips and /clips/{clip_id}."""

from http import HTTPStatus
from uuid import uuid4

from clips.http import cursors, inputs, views
from clips.http.answers import Answer
from clips.http.calls import Call
from clips.lookup import find
from shared import blob_names, media_types
from shared.catalogue import ClipChange, NewClip
from shared.errors import BlobMissing, NotFound
from shared.model import Clip


def create(call: Call) -> Answer:
    where, new = call.parameters_and_body(inputs.VideoId, inputs.NewClip)
    services, clip_id = call.services, uuid4()
    content_type = new.content_type or media_types.of_name(new.filename or "")
    extension = blob_names.extension_of(new.filename)
    blob_name = blob_names.clip_blob(where.video_id, clip_id, extension)
    clip = services.clips.add(
        call.user.id,
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
        raise NotFound("There is no such video.")
    view = views.new_clip(clip, services.access.upload(clip))
    return Answer(HTTPStatus.CREATED, view, {"Location": f"/api/clips/{clip.id}"})


def page(call: Call) -> Answer:
    wanted = call.parameters(inputs.ClipPage)
    services = call.services
    # One more than asked for tells whether there is a next page.
    clips = services.clips.page(
        call.user.id, wanted.video_id, wanted.limit + 1, wanted.cursor, wanted.status
    )
    if not clips and services.videos.get(call.user.id, wanted.video_id) is None:
        raise NotFound("There is no such video.")
    shown, more = clips[: wanted.limit], len(clips) > wanted.limit
    cursor = cursors.encode(shown[-1].start_time, shown[-1].id) if more else None
    return Answer(
        HTTPStatus.OK,
        [views.clip(clip, services.access.thumbnail(clip)) for clip in shown],
        call.link_to_next(cursor) if cursor else {},
    )


def get(call: Call) -> Answer:
    clip = _find(call, call.parameters(inputs.ClipId))
    return Answer(HTTPStatus.OK, views.clip(clip, call.services.access.thumbnail(clip)))


def change(call: Call) -> Answer:
    where, wanted = call.parameters_and_body(inputs.ClipId, inputs.ClipChange)
    clip = call.services.clips.change(
        call.user.id,
        where.clip_id,
        ClipChange(
            named=frozenset(wanted.model_fields_set),
            title=wanted.title,
            expires_at=wanted.expires_at,
        ),
    )
    if clip is None:
        raise NotFound("There is no such clip.")
    return Answer(HTTPStatus.OK, views.clip(clip, call.services.access.thumbnail(clip)))


def delete(call: Call) -> Answer:
    where = call.parameters(inputs.ClipId)
    call.services.deletion.delete_clip(call.user.id, where.clip_id)
    return Answer(HTTPStatus.OK, views.message("Clip deleted successfully"))


def metadata(call: Call) -> Answer:
    clip = _find(call, call.parameters(inputs.ClipId))
    blob = None
    if clip.blob_name is not None:
        try:
            blob = call.services.blobs.get(call.services.containers.clips, clip.blob_name)
        except BlobMissing:
            blob = None  # not uploaded yet: shown as null
    return Answer(HTTPStatus.OK, views.metadata(clip, blob))


def _find(call: Call, where: inputs.ClipId) -> Clip:
    return find(call.services.clips, call.user.id, where.clip_id)
