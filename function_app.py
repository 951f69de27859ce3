"""Cliplink clip service: every function of the app, as the Functions host finds it.

A table of contents: what each trigger does is in `clips/`, which builds on `shared/`.
"""

import gc

gc.disable()  # imports leave no garbage: collecting would take a tenth of the startup

# ruff: noqa: E402 - the imports have to come after that line
import logging
from typing import List  # noqa: UP035 - see migration_batch
from uuid import UUID

import azure.functions as func

from clips import handlers
from clips.compose import compose
from clips.http.openapi.description import Description
from clips.http.routes import Routes
from clips.ingest.blob_binding import BlobName
from shared.blob_names.containers import Containers
from shared.outages import stopping_event
from shared.settings import read_environment

_log = logging.getLogger(__name__)

settings = read_environment()  # the app does not start with wrong settings, and names all of them
containers = Containers(settings.container_prefix)
services = compose(settings, stopping=stopping_event())  # connects to nothing yet

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)  # tokens are checked in code

routes = Routes(app, services, settings.public_url)
routes.add("videos_create", "POST", "videos", lambda: handlers.videos.create)
routes.add("videos_list", "GET", "videos", lambda: handlers.videos.page)
routes.add("videos_get", "GET", "videos/{video_id}", lambda: handlers.videos.get)
routes.add("videos_change", "PATCH", "videos/{video_id}", lambda: handlers.videos.change)
routes.add("videos_delete", "DELETE", "videos/{video_id}", lambda: handlers.videos.delete)
routes.add(
    "videos_retention", "GET", "videos/{video_id}/retention", lambda: handlers.videos.retention
)
routes.add("sources_create", "POST", "videos/{video_id}/source", lambda: handlers.sources.create)
routes.add("sources_get", "GET", "videos/{video_id}/source", lambda: handlers.sources.get)
routes.add("sources_delete", "DELETE", "videos/{video_id}/source", lambda: handlers.sources.delete)
routes.add("cuts_create", "POST", "videos/{video_id}/cuts", lambda: handlers.cuts.create)
routes.add(
    "renditions_create", "POST", "clips/{clip_id}/renditions", lambda: handlers.cuts.rendition
)
routes.add("clips_create", "POST", "videos/{video_id}/clips", lambda: handlers.clips.create)
routes.add("clips_list", "GET", "videos/{video_id}/clips", lambda: handlers.clips.page)
routes.add("clips_get", "GET", "clips/{clip_id}", lambda: handlers.clips.get)
routes.add("clips_change", "PATCH", "clips/{clip_id}", lambda: handlers.clips.change)
routes.add("clips_delete", "DELETE", "clips/{clip_id}", lambda: handlers.clips.delete)
routes.add("clips_delete_many", "POST", "clips/delete", lambda: handlers.bin.delete_many)
routes.add("clips_restore", "POST", "clips/{clip_id}/restore", lambda: handlers.bin.restore_clip)
routes.add(
    "videos_restore", "POST", "videos/{video_id}/restore", lambda: handlers.bin.restore_video
)
routes.add("bin_list", "GET", "bin", lambda: handlers.bin.page)
routes.add("bin_restore", "POST", "bin/restore", lambda: handlers.bin.restore_many)
routes.add("bin_empty", "POST", "bin/empty", lambda: handlers.bin.empty)
routes.add("clips_metadata", "GET", "clips/{clip_id}/metadata", lambda: handlers.clips.metadata)
routes.add(
    "clips_access_url", "GET", "clips/{clip_id}/access-url", lambda: handlers.links.access_url
)
routes.add("clips_access_urls", "POST", "clips/access-urls", lambda: handlers.links.access_urls)
routes.add("clips_thumbnail", "GET", "clips/{clip_id}/thumbnail", lambda: handlers.links.thumbnail)
routes.add("clips_grants", "GET", "clips/{clip_id}/grants", lambda: handlers.links.grants)
routes.add(
    "clips_view", "POST", "videos/{video_id}/clips/{clip_id}/view", lambda: handlers.clips.view
)
routes.add("shares_create", "POST", "clips/{clip_id}/shares", lambda: handlers.shares.create)
routes.add("shares_list", "GET", "clips/{clip_id}/shares", lambda: handlers.shares.page)
routes.add(
    "shares_revoke", "DELETE", "clips/{clip_id}/shares/{share_id}", lambda: handlers.shares.revoke
)
routes.add_public("shares_open", "GET", "s/{token}", lambda: handlers.shares.open_)
routes.add("migrations_start", "POST", "migrate-clips", lambda: handlers.migrations.start)
routes.add("migrations_get", "GET", "migrations/{migration_id}", lambda: handlers.migrations.get)
routes.add("drift_start", "POST", "drift", lambda: handlers.drift.start)
routes.add("drift_get", "GET", "drift/{drift_id}", lambda: handlers.drift.get)
routes.add("drift_repair", "POST", "drift/{drift_id}/repair", lambda: handlers.drift.repair)
routes.add("cleanup_runs", "GET", "cleanup/runs", lambda: handlers.cleanup.runs)
routes.add_public("health", "GET", "health", lambda: handlers.system.health)
description = Description(routes.described)
routes.add_public("openapi", "GET", "openapi.json", lambda: handlers.docs.openapi(description))
routes.add_public("docs", "GET", "docs", lambda: handlers.docs.page(description))
routes.add_fallback()


@app.function_name("clip_landed")
@app.blob_trigger(
    arg_name="blob",
    path=f"{containers.clips}/{{name}}",
    connection=settings.storage.trigger_connection,
    source=func.BlobSource(settings.blob_trigger_source),
)
def clip_landed(blob: BlobName) -> None:
    """A blob was written to the clips container."""
    services.ingest.landed(blob.name, services.outage_wait)
    services.sidecars.after_landing(blob.name)


@app.function_name("source_landed")
@app.blob_trigger(
    arg_name="blob",
    path=f"{containers.videos}/{{name}}",
    connection=settings.storage.trigger_connection,
    source=func.BlobSource(settings.blob_trigger_source),
)
def source_landed(blob: BlobName) -> None:
    """A blob was written to the videos container."""
    services.outage_wait.through(lambda: services.source_ingest.landed(blob.name))


@app.function_name("clip_cut")
@app.queue_trigger(
    arg_name="message",
    queue_name=containers.cuts_queue,
    connection=settings.storage.trigger_connection,
)
def clip_cut(message: func.QueueMessage) -> None:
    """A clip is to be cut out of its source."""
    services.cut_worker.work(UUID(message.get_body().decode()))


@app.function_name("clip_rendition")
@app.queue_trigger(
    arg_name="message",
    queue_name=containers.renditions_queue,
    connection=settings.storage.trigger_connection,
)
def clip_rendition(message: func.QueueMessage) -> None:
    """A copy of a clip is to be made that every browser plays."""
    clip_id = UUID(message.get_body().decode())
    services.renditions.work(clip_id)
    services.sidecars.after_rendition(clip_id)


@app.function_name("migration_batch")
@app.queue_trigger(
    arg_name="message",
    queue_name=containers.migrations_queue,
    connection=settings.storage.trigger_connection,
)
@app.queue_output(  # not by a client of the app's own: this wakes the trigger
    arg_name="following",
    queue_name=containers.migrations_queue,
    connection=settings.storage.trigger_connection,
)
def migration_batch(
    message: func.QueueMessage,
    following: func.Out[List[str]],  # noqa: UP006 - the worker does not know list[str]
) -> None:
    """A migration waits to be planned, or a batch of its files to be uploaded."""
    messages = services.migrations.work(
        message.get_body().decode(), message.id, services.outage_wait
    )
    if messages:
        following.set(list(messages))


@app.function_name("deletion_batch")
@app.queue_trigger(
    arg_name="message",
    queue_name=containers.deletions_queue,
    connection=settings.storage.trigger_connection,
)
@app.queue_output(
    arg_name="following",
    queue_name=containers.deletions_queue,
    connection=settings.storage.trigger_connection,
)
def deletion_batch(
    message: func.QueueMessage,
    following: func.Out[List[str]],  # noqa: UP006 - as above
) -> None:
    """What deletions and restores left to do: bytes to be moved, blobs and rows to be deleted."""
    messages = services.deletions.work(message.get_body().decode())
    if messages:
        following.set(list(messages))


@app.function_name("drift_run")
@app.queue_trigger(
    arg_name="message",
    queue_name=containers.drift_queue,
    connection=settings.storage.trigger_connection,
)
@app.queue_output(  # as of migration_batch
    arg_name="following",
    queue_name=containers.drift_queue,
    connection=settings.storage.trigger_connection,
)
def drift_run(
    message: func.QueueMessage,
    following: func.Out[List[str]],  # noqa: UP006 - as of migration_batch
) -> None:
    """A drift report is to be written, or what it lists to be repaired: a step of it."""
    messages = services.drift.work(message.get_body().decode())
    if messages:
        following.set(list(messages))


@app.function_name("cleanup")
@app.timer_trigger(arg_name="timer", schedule=settings.cleanup_schedule)
def cleanup(timer: func.TimerRequest) -> None:
    """Deletes what is due, and repairs differences between storage and catalogue."""
    if timer.past_due:
        _log.info("The cleanup is late")
    services.cleanup.run()


# Everything loaded so far stays in use; only later objects can become garbage.
gc.freeze()
gc.enable()
