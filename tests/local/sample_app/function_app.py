"""A function app with every trigger that the local host emulates; it records its calls.

A call appends a line of JSON to the file that the setting RECORD names. A blob or message
whose content begins with "fail" makes its function raise; "slow" makes it take its time.
"""

import json
import logging
import os
import time
from pathlib import Path

import azure.functions as func
from azurefunctions.extensions.bindings import blob

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


def record(function: str, **facts: object) -> None:
    """Appends one line, whole or not at all."""
    line = json.dumps({"function": function, "time": time.time(), **facts}) + "\n"
    descriptor = os.open(os.environ["RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def behave(content: bytes) -> None:
    """Does what the content asks for."""
    if content.startswith(b"fail"):
        raise RuntimeError("as the test wished")
    if content.startswith(b"slow"):
        flag = Path(os.environ["RECORD"]).with_name("release")
        while not flag.exists():
            time.sleep(0.02)


def _answer(req: func.HttpRequest, function: str) -> func.HttpResponse:
    facts = {
        "function": function,
        "url": req.url,
        "method": req.method,
        "params": dict(req.params),
        "route": dict(req.route_params),
        "headers": dict(req.headers),
        "body": req.get_body().decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(facts), mimetype="application/json")


@app.route(route="hello", methods=["GET"])
def hello(req: func.HttpRequest) -> func.HttpResponse:
    """Answers at once."""
    del req
    return func.HttpResponse("hello")


@app.route(route="health", methods=["GET"])
def health(req: func.HttpRequest) -> func.HttpResponse:
    """Say that all is well."""
    del req
    return func.HttpResponse("ok")


@app.route(route="items/{id:guid}", methods=["GET"])
def item_by_id(req: func.HttpRequest) -> func.HttpResponse:
    """Takes GUIDs only."""
    return _answer(req, "item_by_id")


@app.route(route="items/{name}", methods=["GET", "POST"])
def b_item_by_name(req: func.HttpRequest) -> func.HttpResponse:
    """Come before item_by_special_name in the alphabet, and so win."""
    return _answer(req, "b_item_by_name")


@app.route(route="items/special", methods=["GET", "PUT"])
def item_by_special_name(req: func.HttpRequest) -> func.HttpResponse:
    """Be reached with PUT only."""
    return _answer(req, "item_by_special_name")


@app.route(route="optional/{first}/{second?}")
async def optional(req: func.HttpRequest) -> func.HttpResponse:
    """Be asynchronous."""
    return _answer(req, "optional")


@app.route(route="files/{*path}", methods=["GET"])
def files(req: func.HttpRequest) -> func.HttpResponse:
    """Takes the rest of the path."""
    return _answer(req, "files")


@app.route(route="echo", methods=["POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Gives the bytes back, with a header and two cookies."""
    response = func.HttpResponse(req.get_body(), status_code=201)
    response.headers["X-Length"] = str(len(req.get_body()))
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly; Max-Age=60")
    response.headers.add("Set-Cookie", "b=2; Secure; SameSite=Lax")
    return response


@app.route(route="broken", methods=["GET"])
def broken(req: func.HttpRequest) -> func.HttpResponse:
    """Fail."""
    logging.getLogger("sample").info("about to break")
    raise RuntimeError(f"broken on purpose: {req.method}")


@app.route(route="wait", methods=["GET"])
def wait(req: func.HttpRequest) -> func.HttpResponse:
    """Blocks a thread for half a second."""
    del req
    time.sleep(0.5)
    return func.HttpResponse("waited")


@app.route(route="send", methods=["POST"])
@app.queue_output(arg_name="out", queue_name="%QUEUE%", connection="Storage")
def send(req: func.HttpRequest, out: func.Out[str]) -> func.HttpResponse:
    """Puts the body into the queue."""
    out.set(req.get_body().decode())
    return func.HttpResponse(status_code=202)


@app.blob_trigger(arg_name="client", path="%PREFIX%-in/{name}", connection="AzureWebJobsStorage")
def take_blob(client: blob.BlobClient) -> None:
    """Takes a client, as the real app does."""
    content = client.download_blob().readall()
    record("take_blob", blob=client.blob_name, content=content[:20].decode())
    behave(content)


@app.blob_trigger(arg_name="stream", path="%PREFIX%-text/{name}.txt", connection="Storage")
def take_text(stream: func.InputStream) -> None:
    """Takes the bytes, of text files only."""
    content = stream.read()
    record("take_text", blob=stream.name, content=content.decode(), length=stream.length)


@app.blob_trigger(
    arg_name="client",
    path="%PREFIX%-events/{name}",
    connection="AzureWebJobsStorage",
    source=func.BlobSource.EVENT_GRID,
)
def take_event(client: blob.BlobClient) -> None:
    """Receives events of Event Grid."""
    record("take_event", blob=client.blob_name)


@app.queue_trigger(arg_name="msg", queue_name="%QUEUE%", connection="Storage")
@app.queue_output(arg_name="$return", queue_name="%QUEUE%-done", connection="Storage")
def take_message(msg: func.QueueMessage) -> str:
    """Takes a message, and puts another one out."""
    content = msg.get_body()
    record("take_message", content=content.decode(), dequeue_count=msg.dequeue_count, id=msg.id)
    behave(content)
    return f"done {content.decode()}"


@app.timer_trigger(arg_name="timer", schedule="%TICK%", run_on_startup=False)
def tick(timer: func.TimerRequest) -> None:
    """Runs every second, and takes longer than that."""
    record("tick", past_due=timer.past_due, phase="begin")
    time.sleep(1.2)
    record("tick", past_due=timer.past_due, phase="end")


@app.timer_trigger(arg_name="timer", schedule="0 0 * * * *", run_on_startup=False)
def hourly(timer: func.TimerRequest) -> None:
    """Runs once an hour."""
    record("hourly", past_due=timer.past_due)
