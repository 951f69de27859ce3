"""Handlers of /clips/{clip_id}/shares, and of the addresses that they give: /s/{token}."""

from http import HTTPStatus

from clips.http import inputs, shapes, views
from clips.http.answers import Answer
from clips.http.calls import Call, OpenCall
from clips.http.operations import (
    LOCATION,
    NEXT_PAGE,
    REDIRECT,
    RETRY_AFTER,
    Header,
    Operation,
    Reply,
    Tag,
)
from clips.sharing import ShareTerms
from shared.errors import BlobMissing, DatabaseUnavailable, NotFound, StorageUnavailable, WrongState
from shared.model import Rehydration

# The page that the link leads to has no business with the secret in the address before it.
_NO_REFERRER = {"Referrer-Policy": "no-referrer"}
_REFERRER_POLICY = Header(
    "Referrer-Policy", "Keeps the secret from where the link leads.", {"const": "no-referrer"}
)


@Operation(
    tag=Tag.SHARES,
    summary="Share a clip",
    description="Makes an address that leads to the clip without a token, until it is revoked, "
    "expires or is used up. It is told in this answer only.",
    parameters=inputs.ClipId,
    body=inputs.NewShare,
    example={"expires_at": "2090-01-01T00:00:00Z", "max_views": 10},
    replies=(Reply(HTTPStatus.CREATED, "The new share.", shapes.Share, (LOCATION,)),),
    errors=(NotFound,),
)
def create(call: Call) -> Answer:
    where, wanted = call.parameters_and_body(inputs.ClipId, inputs.NewShare)
    terms = ShareTerms(expires_at=wanted.expires_at, max_views=wanted.max_views, ip=wanted.ip)
    opened_at = call.address_of("/api/s/")  # before there is a share that nobody learns of
    share, token = call.services.sharing.create(call.viewer(where), where.clip_id, terms)
    return Answer(
        HTTPStatus.CREATED,
        views.share(share, f"{opened_at}{token}"),
        {"Location": f"/api/clips/{share.clip_id}/shares/{share.id}"},
    )


@Operation(
    tag=Tag.SHARES,
    summary="List the shares of a clip",
    description="Newest first, also those that are over. Their addresses are not told again.",
    parameters=inputs.RecordPage,
    replies=(Reply(HTTPStatus.OK, "A page of shares.", list[shapes.Share], (NEXT_PAGE,)),),
    errors=(NotFound,),
)
def page(call: Call) -> Answer:
    wanted = call.parameters(inputs.RecordPage)
    found = call.services.sharing.page(
        call.viewer(wanted), wanted.clip_id, wanted.limit + 1, wanted.cursor
    )
    shown, headers = call.page(found, wanted.limit, lambda share: (share.created_at, share.id))
    return Answer(HTTPStatus.OK, [views.share(share, None) for share in shown], headers)


@Operation(
    tag=Tag.SHARES,
    summary="Revoke a share",
    description="It opens nothing from now on. A link that it gave before ends within minutes.",
    parameters=inputs.ShareId,
    replies=(Reply(HTTPStatus.OK, "It is revoked.", shapes.Message),),
    errors=(NotFound,),
)
def revoke(call: Call) -> Answer:
    where = call.parameters(inputs.ShareId)
    call.services.sharing.revoke(call.viewer(where), where.clip_id, where.share_id)
    return Answer(HTTPStatus.OK, views.message("Share revoked successfully"))


@Operation(
    tag=Tag.SHARES,
    summary="Open a share",
    description="Leads to the clip by a link of a few minutes, and counts a view. A share that "
    "is unknown, revoked, expired or used up is absent, and so is one whose clip is gone.",
    parameters=inputs.ShareToken,
    replies=(
        Reply(
            HTTPStatus.FOUND,
            "The link, good for five minutes.",
            shapes.Redirect,
            (REDIRECT, _REFERRER_POLICY),
        ),
        Reply(
            HTTPStatus.ACCEPTED,
            "The clip is in the archive and is being fetched. Ask again later.",
            shapes.Rehydrating,
            (RETRY_AFTER, _REFERRER_POLICY),
        ),
    ),
    errors=(NotFound, WrongState, BlobMissing, StorageUnavailable, DatabaseUnavailable),
)
def open_(call: OpenCall) -> Answer:
    opened = call.services.sharing.open(call.parameters(inputs.ShareToken).token)
    outcome = opened.outcome
    if isinstance(outcome, Rehydration):
        retry = {"Retry-After": str(outcome.retry_after)}
        view = views.rehydrating(opened.clip_id, outcome)
        return Answer(HTTPStatus.ACCEPTED, view, _NO_REFERRER | retry)
    return Answer(
        HTTPStatus.FOUND, views.redirect(outcome), _NO_REFERRER | {"Location": outcome.url}
    )
