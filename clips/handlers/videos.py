"""Handlers of /videos."""

from http import HTTPStatus

from clips.http.inputs.base import NoParameters
from clips.http.inputs.clips import (
    DeletedVideo,
    NewVideo,
    VideoChange,
    VideoId,
    VideoPage,
    VideoRetention,
)
from clips.http.openapi.operations import LOCATION, NEXT_PAGE, Operation, ResponseSpec, Tag
from clips.http.outputs import clips as outputs
from clips.http.outputs.base import Message
from clips.http.request import Request
from clips.http.response import Response
from clips.http.views import clips as views
from clips.http.views.base import message
from shared.errors import NotFound, Pinned, WrongState
from shared.model.video import VideoUpdate


@Operation(
    tag=Tag.VIDEOS,
    summary="Create a video",
    description="All fields are optional.",
    parameters=NoParameters,
    body=NewVideo,
    example={"title": "Holidays", "youtube_id": "dQw4w9WgXcQ"},
    responses=(ResponseSpec(HTTPStatus.CREATED, "The new video.", outputs.Video, (LOCATION,)),),
    errors=(WrongState,),
    retry_key=True,
)
def create(request: Request, _: NoParameters, new: NewVideo) -> Response:
    video = request.services.library.create_video(
        request.user, new.title, new.youtube_id, request.retry_key
    )
    return Response(
        HTTPStatus.CREATED,
        views.video(video),
        {"Location": request.location_of(f"/api/videos/{video.id}")},
    )


@Operation(
    tag=Tag.VIDEOS,
    summary="List videos",
    description="The caller's videos, newest first.",
    parameters=VideoPage,
    responses=(
        ResponseSpec(HTTPStatus.OK, "A page of videos.", list[outputs.Video], (NEXT_PAGE,)),
    ),
)
def page(request: Request, where: VideoPage) -> Response:
    videos = request.services.library.list_videos(request.viewer, where.limit + 1, where.cursor)
    shown, headers = request.page(videos, where.limit, lambda video: (video.created_at, video.id))
    return Response(HTTPStatus.OK, [views.video(video) for video in shown], headers)


@Operation(
    tag=Tag.VIDEOS,
    summary="Read a video",
    parameters=VideoId,
    responses=(ResponseSpec(HTTPStatus.OK, "The video.", outputs.Video),),
    errors=(NotFound,),
)
def get(request: Request, where: VideoId) -> Response:
    video = request.services.library.read_video(request.viewer, where.video_id)
    return Response(HTTPStatus.OK, views.video(video))


@Operation(
    tag=Tag.VIDEOS,
    summary="Change a video",
    description="Changes only the fields in the request; null clears a field. With "
    "`retention_days` the cleanup permanently deletes each clip of the video that many days of 24 "
    "hours after its creation, unless it is pinned. A retention that is new or shorter than "
    "before deletes nothing for seven days.",
    parameters=VideoId,
    body=VideoChange,
    example={"title": "Holidays in May", "retention_days": 365},
    responses=(ResponseSpec(HTTPStatus.OK, "The changed video.", outputs.Video),),
    errors=(NotFound,),
)
def change(request: Request, where: VideoId, change: VideoChange) -> Response:
    update = VideoUpdate(named=frozenset(change.model_fields_set), **dict(change))
    video = request.services.library.change_video(request.viewer, where.video_id, update)
    return Response(HTTPStatus.OK, views.video(video))


@Operation(
    tag=Tag.VIDEOS,
    summary="Read what a retention will delete",
    description="Shows how many clips of the video its retention will delete, and when. With "
    "`retention_days` in the query it shows what that retention would delete if it were set now; "
    "nothing is changed.",
    parameters=VideoRetention,
    responses=(ResponseSpec(HTTPStatus.OK, "What will be deleted.", outputs.Retention),),
    errors=(NotFound,),
)
def retention(request: Request, where: VideoRetention) -> Response:
    forecast = request.services.library.forecast_retention(
        request.viewer, where.video_id, where.retention_days
    )
    return Response(HTTPStatus.OK, views.retention(forecast))


@Operation(
    tag=Tag.VIDEOS,
    summary="Delete a video",
    description="Moves the video with all its clips to the recycle bin. They are hidden at once, "
    "and their links end when their bytes are moved. With `permanent=true` they are deleted "
    "permanently, even if they are in the bin.",
    parameters=DeletedVideo,
    responses=(ResponseSpec(HTTPStatus.OK, "The video is deleted.", Message),),
    errors=(NotFound, Pinned),
)
def delete(request: Request, where: DeletedVideo) -> Response:
    request.services.bin.delete_video(request.viewer, where.video_id, permanent=where.permanent)
    return Response(HTTPStatus.OK, message("Video deleted successfully"))
