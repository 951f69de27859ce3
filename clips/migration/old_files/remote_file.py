"""Files at https addresses as sources of uploads: streamed, and complete or not stored."""

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from urllib.parse import urljoin

from clips.migration.moving.mover import CountBytes, FileMover
from clips.migration.old_files.address_check import Target, resolve
from clips.migration.outcomes import PlanItem, VerifiedFile
from clips.migration.reasons import Reason, not_migratable
from clips.transfer.faults import FileFault, unusable
from shared.network.strict_http import StrictHTTPResponse
from shared.storage.files.stored import Digests
from shared.storage.rest import RetryPolicy

_MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_TEMPORARY = {408, 429, 500, 502, 503, 504}
# What a blob holds in blocks of 8 MB: without a known size, blocks cannot be made larger.
_MAX_SIZE = 50_000 * 8 * 1024 * 1024
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "cliplink"}


class _TemporaryFailure(Exception):
    """The server or the connection failed; another attempt may succeed."""


class RemoteFile:
    """The body of a response; a Source of shared.storage."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self._md5 = response.getheader("Content-MD5")
        length = response.getheader("Content-Length")
        self.size = int(length) if length and length.isdecimal() else None
        if self.size == 0:
            raise unusable(FileFault.EMPTY)
        if self.size is not None and self.size > _MAX_SIZE:
            raise unusable(FileFault.TOO_LARGE)
        if response.headers.get_content_type() in {"text/html", "application/xhtml+xml"}:
            raise not_migratable(Reason.DOWNLOAD_FAILED, "the response is a web page")
        self._left = _MAX_SIZE

    def read_into(self, view: memoryview) -> int:
        try:
            length = self._response.readinto(view)
        except (OSError, http.client.HTTPException) as error:
            raise _TemporaryFailure(str(error) or type(error).__name__) from error
        self._left -= length
        if self._left < 0:
            raise unusable(FileFault.TOO_LARGE)
        return length

    def verify(self, digests: Digests) -> None:
        if not digests.size:
            raise unusable(FileFault.EMPTY)
        if self.size is not None and digests.size != self.size:
            raise _TemporaryFailure(f"it ended after {digests.size} of {self.size} bytes")
        if self._md5 is not None and self._md5 != digests.md5:
            raise _TemporaryFailure("its Content-MD5 differs")


class RemoteMover:
    """Moves items from their old addresses; `trust` makes the context with the trusted CAs."""

    def __init__(
        self,
        mover: FileMover,
        retry_policy: RetryPolicy,
        *,
        allow_private: bool,
        trust: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._mover = mover
        self._retry_policy = retry_policy
        self._allow_private = allow_private
        self._trust = trust()

    def move(self, item: PlanItem, count: CountBytes) -> VerifiedFile:
        """Raises UnusableFile, StorageUnavailable."""
        stored = self._verified_before(item)
        if stored is not None:
            return stored
        pauses = self._retry_policy.pauses()
        while True:
            try:
                with self._opened(item.url or "") as source:
                    return self._mover.move_source(item, source, count)
            except _TemporaryFailure as failure:
                pause = next(pauses, None)
                if pause is None:
                    raise not_migratable(Reason.DOWNLOAD_FAILED, str(failure)) from failure
                self._retry_policy.pause(pause)

    def _verified_before(self, item: PlanItem) -> VerifiedFile | None:
        """An earlier run stored the digests of the fetched file in the blob's metadata."""
        stored = self._mover.stored(item) if item.already_stored else None
        if stored is None or not stored.md5 or not stored.sha256:
            return None
        return VerifiedFile(
            item=item,
            size=stored.size,
            sha256=stored.sha256,
            md5=stored.md5,
            etag=stored.etag,
            was_stored=True,
        )

    @contextmanager
    def _opened(self, url: str) -> Iterator[RemoteFile]:
        """The response at an address, after redirects, each of which is checked as well."""
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                connection = _Pinned(
                    resolve(url, allow_private=self._allow_private),
                    self._trust,
                    self._retry_policy.timeout,
                )
            except OSError as error:
                raise _TemporaryFailure(str(error)) from error
            try:
                # The response too: it keeps the socket if the server is to close the connection.
                with closing(connection.get()) as response:
                    if response.status not in _REDIRECTS:
                        _check_status(response.status)
                        yield RemoteFile(response)
                        return
                    url = _joined(url, response.getheader("Location") or "")
            finally:
                connection.close()
        raise not_migratable(Reason.DOWNLOAD_FAILED, "it redirects too often")


class _Pinned(http.client.HTTPSConnection):
    """A connection to the IP address that was checked, even if the name resolves to another now."""

    response_class = StrictHTTPResponse

    def __init__(self, target: Target, trust: ssl.SSLContext, timeout: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout, context=trust)
        self._target = target
        self._ssl = trust

    def connect(self) -> None:
        plain = socket.create_connection((self._target.ip, self._target.port), self.timeout)
        try:
            self.sock = self._ssl.wrap_socket(plain, server_hostname=self._target.host)
        except BaseException:
            plain.close()
            raise

    def get(self) -> http.client.HTTPResponse:
        try:
            self.request("GET", self._target.path, headers=_HEADERS)
            return self.getresponse()
        except ssl.SSLCertVerificationError as error:
            raise not_migratable(
                Reason.DOWNLOAD_FAILED, "its certificate is not trusted"
            ) from error
        except (ValueError, http.client.InvalidURL) as error:
            raise not_migratable(Reason.REFUSED_ADDRESS, "it is malformed") from error
        except (OSError, http.client.HTTPException) as error:
            raise _TemporaryFailure(str(error) or type(error).__name__) from error


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:  # half an IPv6 address
        raise not_migratable(
            Reason.REFUSED_ADDRESS, "it redirects to a malformed address"
        ) from error


def _check_status(status: int) -> None:
    if status in _TEMPORARY:
        raise _TemporaryFailure(f"the response is {status}")
    if status != HTTPStatus.OK:
        raise not_migratable(Reason.DOWNLOAD_FAILED, f"the response is {status}")
