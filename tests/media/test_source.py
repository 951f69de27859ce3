"""What is read from a source; errors of storage are raised unchanged."""

import pytest

from shared import media
from shared.errors import BlobChanged, StorageUnavailable, UnplayableClip
from shared.media.reading.byte_source import Limits
from shared.media.reading.source import BLOCK_BYTES, SMALL_BLOCK_BYTES, SourceFile
from tests.media.clips import Clip, MemorySource, source_of
from tests.media.conftest import Make

DATA = bytes(range(256)) * 4096  # 1 MiB, four blocks


def file_over(source: MemorySource, **limits: float) -> SourceFile:
    """Returns a file with a clock that does not advance."""
    return SourceFile(source, Limits(**limits), clock=lambda: 0.0)  # type: ignore[arg-type]  # the tests name the fields


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize(
    "failure",
    [
        BlobChanged("overwritten"),
        StorageUnavailable("away"),
        RuntimeError("a bug"),
        KeyboardInterrupt(),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_errors_of_the_source_come_out_unchanged(
    made: Make, name: str, failure: BaseException, capfd: pytest.CaptureFixture[str]
) -> None:
    """At whichever read they happen: the same object, and nothing printed by PyAV."""
    data = made(name, Clip(seconds=10, codec_options={"crf": "4"}, size=(640, 360))).read_bytes()
    whole = MemorySource(data)
    with media.opened(whole) as file:
        file.stills()
    last = len(whole.reads) - 1
    assert last > 1
    for number in {0, 1, last // 2, last}:
        source = MemorySource(data, failure=failure, fail_from=number)
        with pytest.raises(type(failure)) as caught, media.opened(source) as file:
            file.stills()
        assert caught.value is failure
    assert capfd.readouterr().err == ""


def test_error_of_one_clip_does_not_reach_the_next(made: Make) -> None:
    """PyAV keeps exceptions of callbacks in the thread; those of the source never get there."""
    broken = source_of(made("a.mp4"))
    broken.failure = StorageUnavailable("away")
    with pytest.raises(StorageUnavailable), media.opened(broken):
        pass
    with media.opened(source_of(made("a.mp4"))) as file:
        assert file.stills().poster is not None


def test_reads_are_whole_blocks_kept_for_later() -> None:
    """Two reads of one block are one request."""
    source = MemorySource(DATA)
    file = file_over(source)
    assert file.read(10) == DATA[:10]
    assert file.read(10) == DATA[10:20]
    assert source.reads == [(0, BLOCK_BYTES)]
    assert (file.bytes_read, file.requests) == (BLOCK_BYTES, 1)


def test_reads_end_at_a_block_and_at_the_end() -> None:
    """A raw file may return fewer bytes; FFmpeg then asks again."""
    file = file_over(MemorySource(DATA))
    file.seek(BLOCK_BYTES - 4)
    assert file.read(100) == DATA[BLOCK_BYTES - 4 : BLOCK_BYTES]
    file.seek(-3, 2)
    assert file.read(100) == DATA[-3:]
    assert file.read(100) == b""


@pytest.mark.parametrize(
    ("offset", "whence", "position"),
    [(5, 0, 5), (5, 1, 15), (-5, 1, 5), (-5, 2, len(DATA) - 5), (-5, 0, 0)],
)
def test_seek(offset: int, whence: int, position: int) -> None:
    """From the start, the position and the end; never before the start."""
    file = file_over(MemorySource(DATA))
    file.seek(10)
    assert file.seek(offset, whence) == position
    assert file.tell() == position


def test_exact_ranges_fetch_nothing_around_them() -> None:
    """Blocks that are in the cache are used."""
    source = MemorySource(DATA)
    file = file_over(source)
    file.read(1)
    pieces = list(file.read_ranges([(100, 50), (BLOCK_BYTES - 5, 10), (700_000, 3)]))
    assert pieces == [DATA[100:150], DATA[BLOCK_BYTES - 5 : BLOCK_BYTES + 5], DATA[700_000:700_003]]
    assert sorted(source.reads) == [(0, BLOCK_BYTES), (BLOCK_BYTES - 5, 10), (700_000, 3)]


def test_peek_crosses_blocks() -> None:
    """A header may lie on the border."""
    file = file_over(MemorySource(DATA))
    assert file.peek(BLOCK_BYTES - 8, 16) == DATA[BLOCK_BYTES - 8 : BLOCK_BYTES + 8]
    assert file.peek(len(DATA) - 4, 16) == DATA[-4:]


def test_small_blocks() -> None:
    """For headers scattered over a file."""
    source = MemorySource(DATA)
    file = file_over(source)
    file.use_blocks_of(SMALL_BLOCK_BYTES)
    assert file.peek(100_000, 8) == DATA[100_000:100_008]
    assert source.reads == [(100_000 // SMALL_BLOCK_BYTES * SMALL_BLOCK_BYTES, SMALL_BLOCK_BYTES)]


def test_read_ahead_uses_one_request() -> None:
    """Also the rest of a file, and what is then read again."""
    source = MemorySource(DATA)
    file = file_over(source)
    file.read_ahead(2 * BLOCK_BYTES)
    assert [file.peek(at, 4) for at in (BLOCK_BYTES, 2 * BLOCK_BYTES, len(DATA) - 4)] == [
        DATA[BLOCK_BYTES : BLOCK_BYTES + 4],
        DATA[2 * BLOCK_BYTES : 2 * BLOCK_BYTES + 4],
        DATA[-4:],
    ]
    assert source.reads[0] == (BLOCK_BYTES, 2 * BLOCK_BYTES)
    assert len(source.reads) <= 2


def test_small_file_is_read_by_one_request(made: Make) -> None:
    """The request serves headers, index, pictures and preview of any format."""
    for name in ("a.mp4", "a.ts", "a.mkv"):
        source = MemorySource(made(name).read_bytes())
        with media.opened(source) as file:
            assert file.stills().preview is not None
        assert source.reads == [(0, source.size)]


def test_cache_is_bounded() -> None:
    """The block used longest ago goes first."""
    source = MemorySource(DATA * 9)
    file = file_over(source)
    for start in (*range(0, source.size, BLOCK_BYTES), 0):
        file.peek(start, 1)
    assert len(source.reads) == source.size // BLOCK_BYTES + 1


def test_reads_after_a_failure_return_the_end_of_the_file() -> None:
    """So that FFmpeg comes to an end; `check` then raises what happened."""
    source = MemorySource(DATA, failure=StorageUnavailable("away"), fail_from=1)
    file = file_over(source)
    assert file.read(1) == DATA[:1]
    file.seek(BLOCK_BYTES)
    assert file.read(1) == b""
    file.seek(0)
    assert file.read(1) == b""
    with pytest.raises(StorageUnavailable):
        file.check()


def test_budget_is_checked_before_reading() -> None:
    """No byte beyond the budget is requested."""
    source = MemorySource(DATA)
    file = file_over(source, max_bytes=BLOCK_BYTES)
    file.read(1)
    with pytest.raises(UnplayableClip):
        list(file.read_ranges([(500_000, 1)]))
    assert len(source.reads) == 1
