"""Files at https addresses as sources: streamed, and held to the size that was promised."""

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from urllib.parse import urljoin

from clips.migration.addresses import Target, checked
from clips.migration.items import Item
from clips.migration.move import Mover, Progress, Verified
from clips.transfer.faults import Code, unmovable
from shared.storage import Digests, RetryPolicy
from shared.strict_http import StrictHTTPResponse

_MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_PASSING = {408, 429, 500, 502, 503, 504}
# What a blob holds in blocks of 8 MB: of a file whose size nobody tells the blocks cannot grow.
_LARGEST = 50_000 * 8 * 1024 * 1024
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "cliplink"}


class _Cut(Exception):
    """The other side failed in a way that may pass."""


class RemoteSource:
    """The body of an answer."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer
        self._md5 = answer.getheader("Content-MD5")
        length = answer.getheader("Content-Length")
        self.size = int(length) if length and length.isdecimal() else None
        if self.size == 0:
            raise unmovable(Code.EMPTY)
        if self.size is not None and self.size > _LARGEST:
            raise unmovable(Code.TOO_LARGE)
        if answer.headers.get_content_type() in {"text/html", "application/xhtml+xml"}:
            raise unmovable(Code.DOWNLOAD_FAILED, "it answers with a web page")
        self._left = _LARGEST

    def read_into(self, view: memoryview) -> int:
        try:
            length = self._answer.readinto(view)
        except (OSError, http.client.HTTPException) as error:
            raise _Cut(str(error) or type(error).__name__) from error
        self._left -= length
        if self._left < 0:
            raise unmovable(Code.TOO_LARGE)
        return length

    def settle(self, digests: Digests) -> None:
        if not digests.size:
            raise unmovable(Code.EMPTY)
        if self.size is not None and digests.size != self.size:
            raise _Cut(f"it ended after {digests.size} of {self.size} bytes")
        if self._md5 is not None and self._md5 != digests.md5:
            raise _Cut("its Content-MD5 is another")


class Fetcher:
    """Moves items from their old addresses; `trust` is whose certificates are believed."""

    def __init__(
        self,
        mover: Mover,
        retry_policy: RetryPolicy,
        *,
        allow_private: bool,
        trust: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._mover = mover
        self._retry_policy = retry_policy
        self._allow_private = allow_private
        self._trust = trust()

    def move(self, item: Item, progress: Progress) -> Verified:
        """Raises UnmovableFile, StorageUnavailable."""
        if item.there:
            stored = self._mover.stored(item)
            # What was fetched by an earlier run tells itself what it is.
            if stored is not None and stored.md5 and stored.sha256:
                return Verified(item, stored.size, stored.sha256, stored.md5, stored.etag)
        pauses = self._retry_policy.pauses()
        while True:
            try:
                with self._opened(item.url or "") as source:
                    return self._mover.move_source(item, source, progress)
            except _Cut as cut:
                pause = next(pauses, None)
                if pause is None:
                    raise unmovable(Code.DOWNLOAD_FAILED, str(cut)) from cut
                self._retry_policy.pause(pause)

    @contextmanager
    def _opened(self, url: str) -> Iterator[RemoteSource]:
        """The answer of an address, after redirects, each of which is checked as well."""
        for _ in range(_MOST_REDIRECTS + 1):
            try:
                connection = _Pinned(
                    checked(url, allow_private=self._allow_private),
                    self._trust,
                    self._retry_policy.timeout,
                )
            except OSError as error:
                raise _Cut(str(error)) from error
            try:
                # The answer too: it keeps the line where the other side is to close it.
                with closing(connection.ask()) as answer:
                    if answer.status not in _REDIRECTS:
                        _judge(answer.status)
                        yield RemoteSource(answer)
                        return
                    url = _joined(url, answer.getheader("Location") or "")
            finally:
                connection.close()
        raise unmovable(Code.DOWNLOAD_FAILED, "it redirects too often")


class _Pinned(http.client.HTTPSConnection):
    """A connection to the address that was checked, whatever the name resolves to by now."""

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

    def ask(self) -> http.client.HTTPResponse:
        try:
            self.request("GET", self._target.path, headers=_HEADERS)
            return self.getresponse()
        except ssl.SSLCertVerificationError as error:
            raise unmovable(Code.DOWNLOAD_FAILED, "its certificate is not trusted") from error
        except (ValueError, http.client.InvalidURL) as error:
            raise unmovable(Code.REFUSED_ADDRESS, "it is malformed") from error
        except (OSError, http.client.HTTPException) as error:
            raise _Cut(str(error) or type(error).__name__) from error


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:  # half an IPv6 address
        raise unmovable(Code.REFUSED_ADDRESS, "it redirects to what is malformed") from error


def _judge(status: int) -> None:
    if status in _PASSING:
        raise _Cut(f"it answers {status}")
    if status != HTTPStatus.OK:
        raise unmovable(Code.DOWNLOAD_FAILED, f"it answers {status}")
