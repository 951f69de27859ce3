"""Handlers of /clips/{clip_id}/access-url."""

from datetime import timedelta
from http import HTTPStatus

from clips.access import AccessTerms
from clips.http import inputs, views
from clips.http.answers import Answer
from clips.http.calls import Call

_SWITCHES = {"true": "", "1": "", "false": None, "0": None}


def access_url(call: Call) -> Answer:
    wanted = call.parameters(inputs.AccessUrl)
    link = call.services.access.link(
        call.user.id,
        wanted.clip_id,
        AccessTerms(
            life=timedelta(hours=wanted.expiry_hours),
            ip=wanted.ip,
            download=_SWITCHES.get(wanted.download or "0", wanted.download),
            variant=wanted.variant,
        ),
    )
    return Answer(HTTPStatus.OK, views.access_url(wanted.clip_id, link, wanted.expiry_hours))
