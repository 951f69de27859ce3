"""Handlers of /clips/{clip_id}/access-url and /clips/{clip_id}/thumbnail."""

from datetime import timedelta
from http import HTTPStatus

from clips.access import AccessTerms
from clips.http import inputs, views
from clips.http.answers import Answer
from clips.http.calls import Call
from clips.thumbnails import Wanted

_SWITCHES = {"true": "", "1": "", "false": None, "0": None}


def thumbnail(call: Call) -> Answer:
    wanted = call.parameters(inputs.Thumbnail)
    link = call.services.thumbnails.link(
        call.user.id,
        wanted.clip_id,
        Wanted(time=wanted.time, width=wanted.width, image_format=wanted.format),
    )
    return Answer(HTTPStatus.FOUND, views.redirect(link), {"Location": link.url})


def access_url(call: Call) -> Answer:
    wanted = call.parameters(inputs.AccessUrl)
    link = call.services.access.link(
        call.user.id,
        wanted.clip_id,
        AccessTerms(
            life=timedelta(hours=wanted.expiry_hours),
            ip=wanted.ip,
            download=_SWITCHES.get((wanted.download or "0").lower(), wanted.download),
            variant=wanted.variant,
        ),
    )
    return Answer(HTTPStatus.OK, views.access_url(wanted.clip_id, link, wanted.expiry_hours))
