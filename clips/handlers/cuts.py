"""Handlers of /videos/{video_id}/cuts and /clips/{clip_id}/renditions."""

from http import HTTPStatus

from clips.http.inputs.clips import ClipId, VideoId
from clips.http.inputs.cutting import CutItem, MalformedItem, NewCuts, NewRendition
from clips.http.openapi.operations import Operation, ResponseSpec, Tag
from clips.http.outputs import clips as clip_outputs
from clips.http.outputs import cutting as cutting_outputs
from clips.http.parsing import invalid_body
from clips.http.request import Request
from clips.http.response import Response
from clips.http.views import clips as clip_views
from clips.http.views import cutting as cutting_views
from shared.errors import (
    BlobArchived,
    BlobChanged,
    BlobMissing,
    CliplinkError,
    NotFound,
    SourceNotReady,
    StorageUnavailable,
    WrongState,
)
from shared.model.cutting import CutDraft


@Operation(
    tag=Tag.CUTTING,
    summary="Cut clips out of a source",
    description="The result has a clip or an error for each of `clips`, in their order. A cut "
    "that takes only moments is made within the call; other clips are `processing` until they "
    "have been cut. A repeated `client_id` returns the same clip. With `keyframe`, a clip begins "
    "at the keyframe at or before its start; `frame` is exact by encoding; `edit_list` is exact "
    "in players that honour edit lists, and the frames before the start stay in the file.",
    parameters=VideoId,
    body=NewCuts,
    example={"clips": [{"start_time": 12.5, "end_time": 20, "title": "Goal"}]},
    responses=(
        ResponseSpec(
            HTTPStatus.OK, "The clips.", list[clip_outputs.Clip | cutting_outputs.CutFailure]
        ),
    ),
    errors=(
        NotFound,
        SourceNotReady,
        BlobArchived,
        BlobChanged,
        BlobMissing,
        StorageUnavailable,
    ),
)
def create(request: Request, where: VideoId, wanted: NewCuts) -> Response:
    answers = request.services.cutting.cut(
        request.viewer,
        where.video_id,
        wanted.source.clip_id if wanted.source is not None else None,
        wanted.accuracy,
        [_draft(item) for item in wanted.items],
    )
    shown = [
        cutting_views.cut_failure(answer, item.client_id)
        if isinstance(answer, CliplinkError)
        else clip_views.clip(answer.clip, answer.poster_url)
        for answer, item in zip(answers, wanted.items, strict=True)
    ]
    return Response(HTTPStatus.OK, shown)


@Operation(
    tag=Tag.CUTTING,
    summary="Make a playable copy",
    description="Requests a copy that every browser plays, unless the clip itself plays or the "
    "copy is ready or being made. Links with `variant=play` open it.",
    parameters=ClipId,
    body=NewRendition,
    example={"kind": "play"},
    responses=(ResponseSpec(HTTPStatus.ACCEPTED, "The clip.", clip_outputs.Clip),),
    errors=(NotFound, WrongState, StorageUnavailable),
)
def rendition(request: Request, where: ClipId, _: NewRendition) -> Response:
    shown = request.services.renditions.request(request.viewer, where.clip_id)
    return Response(HTTPStatus.ACCEPTED, clip_views.clip(shown.clip, shown.poster_url))


def _draft(cut: CutItem | MalformedItem) -> CutDraft | CliplinkError:
    if isinstance(cut, MalformedItem):
        return invalid_body(cut.error)
    return CutDraft(
        start=cut.start_time,
        end=cut.end_time,
        title=cut.title,
        expires_at=cut.expires_at,
        client_id=cut.client_id,
    )
