"""Handlers of /bin, of restoring, and of deleting many clips."""

from http import HTTPStatus

from clips.http.inputs.base import NoParameters, Owned
from clips.http.inputs.clips import BinPage, ClipId, ClipIds, DeletedClips, VideoId
from clips.http.openapi.operations import NEXT_PAGE, Operation, ResponseSpec, Tag
from clips.http.outputs import clips as outputs
from clips.http.request import Request
from clips.http.response import Response
from clips.http.views import clips as views
from shared.errors import BlobMissing, GoneForGood, NotFound, StorageUnavailable, VideoInBin


@Operation(
    tag=Tag.BIN,
    summary="List the recycle bin",
    description="The caller's clips or videos in the recycle bin, most recently deleted first. "
    "Clips that were deleted with their video are not listed: they are restored with it.",
    parameters=BinPage,
    responses=(
        ResponseSpec(
            HTTPStatus.OK,
            "A page of the bin.",
            list[outputs.BinClip | outputs.BinVideo],
            (NEXT_PAGE,),
        ),
    ),
)
def page(request: Request, where: BinPage) -> Response:
    bin_ = request.services.bin
    if where.kind == "video":
        videos = bin_.videos(request.viewer, where.limit + 1, where.cursor)
        shown_videos, headers = request.page(
            videos, where.limit, lambda video: (views.deleted_at(video), video.id)
        )
        return Response(HTTPStatus.OK, [views.bin_video(video) for video in shown_videos], headers)
    clips = bin_.clips(request.viewer, where.limit + 1, where.cursor)
    shown, headers = request.page(
        clips, where.limit, lambda clip: (views.deleted_at(clip), clip.id)
    )
    return Response(HTTPStatus.OK, [views.bin_clip(clip) for clip in shown], headers)


@Operation(
    tag=Tag.BIN,
    summary="Restore a clip",
    description="Takes the clip out of the recycle bin, with its shares, views and dates. Its "
    "bytes are moved back, and it is `processing` until its images are made again. A clip that is "
    "not deleted stays as it is.",
    parameters=ClipId,
    responses=(ResponseSpec(HTTPStatus.OK, "The clip.", outputs.Clip),),
    errors=(NotFound, GoneForGood, VideoInBin, BlobMissing, StorageUnavailable),
)
def restore_clip(request: Request, where: ClipId) -> Response:
    shown = request.services.bin.restore_clip(request.viewer, where.clip_id)
    return Response(HTTPStatus.OK, views.clip(shown.clip, shown.poster_url))


@Operation(
    tag=Tag.BIN,
    summary="Restore a video",
    description="Takes the video out of the recycle bin with the clips that were deleted with it; "
    "clips that were deleted before the video stay in the bin.",
    parameters=VideoId,
    responses=(ResponseSpec(HTTPStatus.OK, "The video.", outputs.Video),),
    errors=(NotFound, GoneForGood),
)
def restore_video(request: Request, where: VideoId) -> Response:
    video = request.services.bin.restore_video(request.viewer, where.video_id)
    return Response(HTTPStatus.OK, views.video(video))


@Operation(
    tag=Tag.BIN,
    summary="Restore many clips",
    description="The response has a result for each clip, in the order of `clip_ids`. If `error` "
    "is null, the clip is restored.",
    parameters=Owned,
    body=ClipIds,
    example={"clip_ids": ["0190a5c4-2222-7000-8000-00000000000b"]},
    responses=(ResponseSpec(HTTPStatus.OK, "The results.", list[outputs.ClipOutcome]),),
    errors=(StorageUnavailable,),
)
def restore_many(request: Request, _: Owned, body: ClipIds) -> Response:
    outcomes = request.services.bin.restore_clips(request.viewer, body.clip_ids)
    return Response(HTTPStatus.OK, views.clip_outcomes(body.clip_ids, outcomes))


@Operation(
    tag=Tag.BIN,
    summary="Empty the recycle bin",
    description="Permanently deletes everything in the caller's recycle bin. None of it can be "
    "restored from then on; the blobs are deleted in the background.",
    parameters=NoParameters,
    responses=(
        ResponseSpec(
            HTTPStatus.ACCEPTED, "How many clips and videos are being deleted.", outputs.Emptied
        ),
    ),
)
def empty(request: Request, _: NoParameters) -> Response:
    count = request.services.bin.empty(request.viewer)
    return Response(HTTPStatus.ACCEPTED, views.emptied(count))


@Operation(
    tag=Tag.CLIPS,
    summary="Delete many clips",
    description="Deletes each of the clips. The response has a result for each, in the order of "
    "`clip_ids`. If `error` is null, the clip is deleted.",
    parameters=Owned,
    body=DeletedClips,
    example={"clip_ids": ["0190a5c4-2222-7000-8000-00000000000b"], "permanent": False},
    responses=(ResponseSpec(HTTPStatus.OK, "The results.", list[outputs.ClipOutcome]),),
)
def delete_many(request: Request, _: Owned, body: DeletedClips) -> Response:
    outcomes = request.services.bin.delete_clips(
        request.viewer, body.clip_ids, permanent=body.permanent
    )
    return Response(HTTPStatus.OK, views.clip_outcomes(body.clip_ids, outcomes))
