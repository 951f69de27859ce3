"""The endpoints. Run with `uvicorn bench.fastapi_app.main:app`."""

import os
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from bench.fastapi_app.answers import (
    AccessUrlOut,
    AccessUrlsIn,
    ClipOut,
    LinkError,
    LinkOut,
)
from bench.fastapi_app.links import Links
from bench.fastapi_app.tables import Clip, User, Video

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://")
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
links = Links(
    os.environ["AZURE_STORAGE_CONNECTION_STRING"], os.environ["AZURE_STORAGE_CONTAINER_NAME"]
)
keys = jwt.PyJWKClient(os.environ["AUTH_JWKS_URL"], cache_keys=True, lifespan=300)
bearer = HTTPBearer()
app = FastAPI()


async def caller(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    """The subject of the token."""
    token = credentials.credentials
    try:
        claims = jwt.decode(
            token,
            keys.get_signing_key_from_jwt(token),
            algorithms=["RS256"],
            audience=os.environ["AUTH_AUDIENCE"],
            issuer=os.environ["AUTH_ISSUER"],
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise HTTPException(401, "The token is not valid.") from error
    return str(claims["sub"])


async def opened() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Caller = Annotated[str, Depends(caller)]
Session = Annotated[AsyncSession, Depends(opened)]
Hours = Annotated[int, Query(ge=1, le=168)]
Limit = Annotated[int, Query(ge=1, le=1000)]


def visible_to(subject: str) -> ColumnElement[bool]:
    return and_(
        User.subject == subject,
        Video.deleted_at.is_(None),
        Clip.deleted_at.is_(None),
        or_(Clip.expires_at.is_(None), Clip.expires_at > func.now()),
    )


@app.get("/api/clips/{clip_id}")
async def get_clip(clip_id: UUID, subject: Caller, session: Session) -> ClipOut:
    query = select(Clip).join(Video).join(User).where(Clip.id == clip_id, visible_to(subject))
    clip = await session.scalar(query)
    if clip is None:
        raise HTTPException(404, "There is no such clip.")
    return ClipOut.of(clip, links.poster(clip.poster_name))


@app.get("/api/videos/{video_id}/clips")
async def list_clips(
    video_id: UUID, subject: Caller, session: Session, limit: Limit = 1000
) -> list[ClipOut]:
    query = (
        select(Clip)
        .join(Video)
        .join(User)
        .where(Clip.video_id == video_id, visible_to(subject))
        .order_by(Clip.start_time, Clip.id)
        .limit(limit)
    )
    clips = await session.scalars(query)
    return [ClipOut.of(clip, links.poster(clip.poster_name)) for clip in clips]


@app.get("/api/clips/{clip_id}/access-url")
async def access_url(
    clip_id: UUID, subject: Caller, session: Session, expiry_hours: Hours = 24
) -> AccessUrlOut:
    query = (
        select(Clip.blob_name, Clip.content_type, Clip.status)
        .join(Video, Clip.video_id == Video.id)
        .join(User)
        .where(Clip.id == clip_id, visible_to(subject))
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise HTTPException(404, "There is no such clip.")
    if found.status != "ready":
        raise HTTPException(409, "The clip is not ready.")
    link = links.clip(found.blob_name, found.content_type, expiry_hours)
    return AccessUrlOut(
        clip_id=clip_id,
        access_url=link.url,
        expires_in_hours=expiry_hours,
        expires_at=link.expires_at,
    )


@app.post("/api/clips/access-urls")
async def access_urls(wanted: AccessUrlsIn, subject: Caller, session: Session) -> list[LinkOut]:
    query = (
        select(Clip.id, Clip.blob_name, Clip.content_type, Clip.status)
        .join(Video, Clip.video_id == Video.id)
        .join(User)
        .where(Clip.id.in_(wanted.clip_ids), visible_to(subject))
    )
    found = {row.id: row for row in await session.execute(query)}
    answers = []
    for clip_id in wanted.clip_ids:
        row = found.get(clip_id)
        if row is None or row.status != "ready":
            code = "not_found" if row is None else "wrong_state"
            error = LinkError(code=code, detail="There is no link to this clip.")
            answers.append(LinkOut(clip_id=clip_id, access_url=None, expires_at=None, error=error))
            continue
        link = links.clip(row.blob_name, row.content_type, wanted.expiry_hours)
        answers.append(
            LinkOut(clip_id=clip_id, access_url=link.url, expires_at=link.expires_at, error=None)
        )
    return answers
