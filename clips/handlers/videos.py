"""Handlers of /videos."""

from http import HTTPStatus

from clips.http import inputs, outputs, views
from clips.http.openapi.operations import LOCATION, NEXT_PAGE, Operation, ResponseSpec, Tag
from clips.http.request import Request
from clips.http.response import Response
from clips.links.lookup import no_such_video
from shared.errors import DatabaseUnavailable, NotFound


@Operation(
    tag=Tag.VIDEOS,
    summary="Create a video",
    description="All fields are optional.",
    body=inputs.NewVideo,
    example={"title": "Holidays", "youtube_id": "dQw4w9WgXcQ"},
    responses=(ResponseSpec(HTTPStatus.CREATED, "The new video.", outputs.Video, (LOCATION,)),),
)
def create(request: Request) -> Response:
    new = request.body(inputs.NewVideo)
    video = request.services.videos.add(request.user.id, new.title, new.youtube_id)
    if video is None:  # the database was emptied or restored under our feet
        request.services.users.forget(request.user.subject)
        raise DatabaseUnavailable("The catalogue has just been replaced. Try again.")
    return Response(HTTPStatus.CREATED, views.video(video), {"Location": f"/api/videos/{video.id}"})


@Operation(
    tag=Tag.VIDEOS,
    summary="List videos",
    description="The caller's videos, newest first.",
    parameters=inputs.VideoPage,
    responses=(
        ResponseSpec(HTTPStatus.OK, "A page of videos.", list[outputs.Video], (NEXT_PAGE,)),
    ),
)
def page(request: Request) -> Response:
    wanted = request.parameters(inputs.VideoPage)
    videos = request.services.videos.page(request.user.id, wanted.limit + 1, wanted.cursor)
    shown, headers = request.page(videos, wanted.limit, lambda video: (video.created_at, video.id))
    return Response(HTTPStatus.OK, [views.video(video) for video in shown], headers)


@Operation(
    tag=Tag.VIDEOS,
    summary="Read a video",
    parameters=inputs.VideoId,
    responses=(ResponseSpec(HTTPStatus.OK, "The video.", outputs.Video),),
    errors=(NotFound,),
)
def get(request: Request) -> Response:
    wanted = request.parameters(inputs.VideoId)
    video = request.services.videos.get(request.viewer(wanted), wanted.video_id)
    if video is None:
        raise no_such_video()
    return Response(HTTPStatus.OK, views.video(video))


@Operation(
    tag=Tag.VIDEOS,
    summary="Delete a video",
    description="With all its clips. They are hidden at once; their blobs go in the same call, "
    "or with the next cleanup if storage is away.",
    parameters=inputs.VideoId,
    responses=(ResponseSpec(HTTPStatus.OK, "It is gone.", outputs.Message),),
    errors=(NotFound,),
)
def delete(request: Request) -> Response:
    wanted = request.parameters(inputs.VideoId)
    request.services.deletion.delete_video(request.viewer(wanted), wanted.video_id)
    return Response(HTTPStatus.OK, views.message("Video deleted successfully"))
