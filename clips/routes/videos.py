"""Handlers of /videos."""

from http import HTTPStatus

from clips.http import cursors, inputs, views
from clips.http.answers import Answer
from clips.http.calls import Call
from shared.errors import DatabaseUnavailable, NotFound


def create(call: Call) -> Answer:
    new = call.body(inputs.NewVideo)
    video = call.services.videos.add(call.user.id, new.title, new.youtube_id)
    if video is None:  # the database was emptied or restored under our feet
        call.services.users.forget(call.user.subject)
        raise DatabaseUnavailable("The catalogue has just been replaced. Try again.")
    return Answer(HTTPStatus.CREATED, views.video(video), {"Location": f"/api/videos/{video.id}"})


def page(call: Call) -> Answer:
    wanted = call.parameters(inputs.VideoPage)
    # One more than asked for tells whether there is a next page.
    videos = call.services.videos.page(call.user.id, wanted.limit + 1, wanted.cursor)
    shown, more = videos[: wanted.limit], len(videos) > wanted.limit
    cursor = cursors.encode(shown[-1].created_at, shown[-1].id) if more else None
    return Answer(
        HTTPStatus.OK,
        [views.video(video) for video in shown],
        call.link_to_next(cursor) if cursor else {},
    )


def get(call: Call) -> Answer:
    wanted = call.parameters(inputs.VideoId)
    video = call.services.videos.get(call.viewer(wanted), wanted.video_id)
    if video is None:
        raise NotFound("There is no such video.")
    return Answer(HTTPStatus.OK, views.video(video))


def delete(call: Call) -> Answer:
    wanted = call.parameters(inputs.VideoId)
    call.services.deletion.delete_video(call.viewer(wanted), wanted.video_id)
    return Answer(HTTPStatus.OK, views.message("Video deleted successfully"))
