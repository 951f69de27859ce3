"""Handlers of /videos."""

from http import HTTPStatus

from clips.http import inputs, shapes, views
from clips.http.answers import Answer
from clips.http.calls import Call
from clips.http.operations import LOCATION, NEXT_PAGE, Operation, Reply, Tag
from clips.lookup import no_such_video
from shared.errors import DatabaseUnavailable, NotFound


@Operation(
    tag=Tag.VIDEOS,
    summary="Create a video",
    description="All fields are optional.",
    body=inputs.NewVideo,
    example={"title": "Holidays", "youtube_id": "dQw4w9WgXcQ"},
    replies=(Reply(HTTPStatus.CREATED, "The new video.", shapes.Video, (LOCATION,)),),
)
def create(call: Call) -> Answer:
    new = call.body(inputs.NewVideo)
    video = call.services.videos.add(call.user.id, new.title, new.youtube_id)
    if video is None:  # the database was emptied or restored under our feet
        call.services.users.forget(call.user.subject)
        raise DatabaseUnavailable("The catalogue has just been replaced. Try again.")
    return Answer(HTTPStatus.CREATED, views.video(video), {"Location": f"/api/videos/{video.id}"})


@Operation(
    tag=Tag.VIDEOS,
    summary="List videos",
    description="The caller's videos, newest first.",
    parameters=inputs.VideoPage,
    replies=(Reply(HTTPStatus.OK, "A page of videos.", list[shapes.Video], (NEXT_PAGE,)),),
)
def page(call: Call) -> Answer:
    wanted = call.parameters(inputs.VideoPage)
    videos = call.services.videos.page(call.user.id, wanted.limit + 1, wanted.cursor)
    shown, headers = call.page(videos, wanted.limit, lambda video: (video.created_at, video.id))
    return Answer(HTTPStatus.OK, [views.video(video) for video in shown], headers)


@Operation(
    tag=Tag.VIDEOS,
    summary="Read a video",
    parameters=inputs.VideoId,
    replies=(Reply(HTTPStatus.OK, "The video.", shapes.Video),),
    errors=(NotFound,),
)
def get(call: Call) -> Answer:
    wanted = call.parameters(inputs.VideoId)
    video = call.services.videos.get(call.viewer(wanted), wanted.video_id)
    if video is None:
        raise no_such_video()
    return Answer(HTTPStatus.OK, views.video(video))


@Operation(
    tag=Tag.VIDEOS,
    summary="Delete a video",
    description="With all its clips. They are hidden at once; their blobs go in the same call, "
    "or with the next cleanup if storage is away.",
    parameters=inputs.VideoId,
    replies=(Reply(HTTPStatus.OK, "It is gone.", shapes.Message),),
    errors=(NotFound,),
)
def delete(call: Call) -> Answer:
    wanted = call.parameters(inputs.VideoId)
    call.services.deletion.delete_video(call.viewer(wanted), wanted.video_id)
    return Answer(HTTPStatus.OK, views.message("Video deleted successfully"))
