"""Handlers of the links to a clip: /clips/{clip_id}/access-url and its like."""

from datetime import timedelta
from http import HTTPStatus

from clips.access import AccessTerms
from clips.http import inputs, views
from clips.http.answers import Answer
from clips.http.calls import Call
from clips.thumbnails import Wanted
from shared.model import Rehydration

_SWITCHES = {"true": "", "1": "", "false": None, "0": None}


def thumbnail(call: Call) -> Answer:
    wanted = call.parameters(inputs.Thumbnail)
    link = call.services.thumbnails.link(
        call.viewer(wanted),
        wanted.clip_id,
        Wanted(time=wanted.time, width=wanted.width, image_format=wanted.format),
    )
    return Answer(HTTPStatus.FOUND, views.redirect(link), {"Location": link.url})


def access_url(call: Call) -> Answer:
    wanted = call.parameters(inputs.AccessUrl)
    terms = AccessTerms(
        life=timedelta(hours=wanted.expiry_hours),
        ip=wanted.ip,
        download=_file_name(wanted),
        variant=wanted.variant,
    )
    viewer = call.viewer(wanted)
    link = call.services.access.link(viewer, wanted.clip_id, terms, wanted.rehydrate)
    if isinstance(link, Rehydration):
        return Answer(
            HTTPStatus.ACCEPTED,
            views.rehydrating(wanted.clip_id, link),
            {"Retry-After": str(link.retry_after)},
        )
    return Answer(HTTPStatus.OK, views.access_url(wanted.clip_id, link, wanted.expiry_hours))


def access_urls(call: Call) -> Answer:
    where, wanted = call.parameters_and_body(inputs.Owned, inputs.AccessUrls)
    terms = AccessTerms(
        life=timedelta(hours=wanted.expiry_hours),
        ip=wanted.ip,
        download=_file_name(wanted),
        variant=wanted.variant,
    )
    answers = call.services.access.many(call.viewer(where), wanted.clip_ids, terms)
    return Answer(
        HTTPStatus.OK,
        [
            views.access_urls(clip_id, answer)
            for clip_id, answer in zip(wanted.clip_ids, answers, strict=True)
        ],
    )


def _file_name(wanted: inputs.AccessUrl | inputs.AccessUrls) -> str | None:
    """A switch or a name, as AccessTerms has it."""
    if isinstance(wanted.download, bool):
        return "" if wanted.download else None
    return _SWITCHES.get((wanted.download or "0").lower(), wanted.download)
