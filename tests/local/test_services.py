"""Postgres, Azurite and the issuer on their own."""

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import jwt
import psycopg
import pytest
import trustme
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient

from local import azurite, locks, ports, postgres, processes
from local.issuer import AUDIENCE, ISSUER, Issuer


def test_postgres_survives_being_killed(tmp_path: Path) -> None:
    """Its data is there again, and a stale postmaster.pid with a living number does not matter."""
    directory = tmp_path / "postgres"
    with postgres.running(directory, ports.free_port()) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept (what text)")
        os.kill(server.child.process.pid, signal.SIGKILL)
        server.child.process.wait()
    pid_file = directory / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    with (
        postgres.running(directory, ports.free_port()) as server,
        psycopg.connect(server.url) as connection,
    ):
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_folder_serves_one_server_at_a_time(tmp_path: Path) -> None:
    """Two would destroy the data."""
    with (
        locks.hold(tmp_path / "data"),
        pytest.raises(locks.FolderInUse),
        locks.hold(tmp_path / "data", timeout=0),
    ):
        pass


def test_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The end of its log is in the message."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(processes.ChildFailed, match="Address already in use"),
            postgres.running(tmp_path / "postgres", port),
        ):
            pass


def test_azurite_keeps_its_blobs(tmp_path: Path) -> None:
    """Stopped and started on other ports."""
    for upload in (True, False):
        with (
            azurite.running(
                tmp_path / "azurite",
                blob_port=ports.free_port(),
                queue_port=ports.free_port(),
            ) as account,
            BlobServiceClient.from_connection_string(account.connection_string) as client,
        ):
            if upload:
                client.create_container("kept").upload_blob("blob", b"content")
            blob = client.get_blob_client("kept", "blob")
            assert blob.download_blob().readall() == b"content"


def test_azurite_serves_https_and_accepts_bearer_tokens(tmp_path: Path) -> None:
    """So that the app's managed identity can be tested."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    files = azurite.Certificate(tmp_path / "cert", tmp_path / "key", tmp_path / "authority")
    certificate.cert_chain_pems[0].write_to_path(files.cert)
    certificate.private_key_pem.write_to_path(files.key)
    authority.cert_pem.write_to_path(files.authority)

    class Credential:
        def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
            token = jwt.encode(
                {
                    "aud": "https://storage.azure.com",
                    "iss": "https://sts.windows.net/tenant/",
                    "nbf": 0,
                    "iat": 0,
                    "exp": 2**32,
                },
                "any key works, because no one checks it",
            )
            return AccessToken(token, 2**32)

    with (
        azurite.running(
            tmp_path / "azurite",
            blob_port=ports.free_port(),
            queue_port=ports.free_port(),
            certificate=files,
            in_memory=True,
        ) as account,
        BlobServiceClient(
            account.blob_endpoint, Credential(), connection_verify=str(files.authority)
        ) as client,
    ):
        client.create_container("made-with-a-token")
        assert [c.name for c in client.list_containers()] == ["made-with-a-token"]


def test_token_is_valid_for_every_client_of_the_keys(tmp_path: Path) -> None:
    """By the addresses that OpenID Connect discovery names."""
    issuer = Issuer(tmp_path / "key.pem")
    token = issuer.token("alice", ["admin"], "alice@example.com")
    port = ports.free_port()
    with issuer.serving(port) as jwks_url:
        discovery = f"http://127.0.0.1:{port}/.well-known/openid-configuration"
        with urllib.request.urlopen(discovery) as response:
            description = json.load(response)
        assert description["jwks_uri"] == jwks_url
        key = jwt.PyJWKClient(jwks_url).get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, ["RS256"], audience=AUDIENCE, issuer=description["issuer"])
    assert (claims["iss"], claims["sub"], claims["roles"]) == (ISSUER, "alice", ["admin"])
    assert (claims["email"], claims["email_verified"]) == ("alice@example.com", True)
    assert claims["exp"] - claims["iat"] == 12 * 3600


def test_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    """Several programs may need it at the same moment."""
    path = tmp_path / "new" / "key.pem"
    with ThreadPoolExecutor(4) as threads:
        issuers = list(threads.map(lambda _: Issuer(path), range(4)))
    assert len({issuer.key_id for issuer in issuers}) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_free_port_is_for_one_caller() -> None:
    """Callers that need any port get another one; a caller that names this port gets it."""
    given = [ports.free_port() for _ in range(50)]
    with ExitStack() as stack:
        others = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(50)]
        assert len({*given, *(other.getsockname()[1] for other in others)}) == 100
        for port in given:
            stack.enter_context(socket.create_server(("127.0.0.1", port)))


def chosen(preferred: Mapping[str, int], memory: Path) -> dict[str, int]:
    with ports.chosen(preferred, memory) as choice:
        return choice


def test_ports_are_remembered_while_they_are_free(tmp_path: Path) -> None:
    """A taken one is replaced, and the replacement is remembered."""
    memory = tmp_path / "ports.json"
    preferred = {"one": ports.free_port(), "two": ports.free_port()}
    assert chosen(preferred, memory) == preferred
    with socket.create_server(("127.0.0.1", preferred["two"])):
        second = chosen(preferred, memory)
    assert second["one"] == preferred["one"]
    assert second["two"] != preferred["two"]
    assert chosen(preferred, memory) == second
    memory.write_text("no JSON")
    assert chosen(preferred, memory) == preferred


def test_copies_that_start_together_choose_different_ports(tmp_path: Path) -> None:
    """Each keeps its choice before anything listens there; afterwards it is free again."""
    preferred = {"one": ports.free_port()}
    with (
        ports.chosen(preferred, tmp_path / "first.json") as first,
        ports.chosen(preferred, tmp_path / "second.json") as second,
        ports.chosen(preferred, tmp_path / "third.json") as third,
    ):
        assert first == preferred
        assert len({first["one"], second["one"], third["one"]}) == 3
    assert chosen(preferred, tmp_path / "fourth.json") == preferred
