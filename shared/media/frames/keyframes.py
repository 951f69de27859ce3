"""Frames spread over a film, with as few bytes and as little decoding as its format allows.

Four ways. MP4 and MOV name position and size of every sample, so exactly the keyframes are
fetched and decoded by themselves. Formats in which a position is found cheaply are seeked and
demuxed. A short film with too few keyframes is played from end to end. The rest is read from the
beginning. None of them judges a frame.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import batched, islice

from av import Packet
from av.video.frame import PictureType

from shared.media.failures import FailureCode
from shared.media.frames import samples
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.playback import onward
from shared.media.inspect.formats import FORMATS_THAT_SEEK_WITHOUT_INDEX
from shared.media.reading.container import ffmpeg_errors

_PLAYED_BYTES = 24 * 1024 * 1024
_PLAYED_PIXELS = 250 * 1920 * 1088
"""A film is played from end to end if it is no longer than 250 frames of Full HD, or as much
work in another size: about a second of one processor."""

_SEEKS_AT_ONCE = 4
"""Between two looks at the bytes; their places are fetched together where they are known."""

_TELLING = 3
"""So many samples in a row are looked at to tell whether an index marks all as keyframes."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How many frames are wanted, and how many bytes may be read for them."""

    count: int
    max_bytes: int


def spread(film: Film, wish: Wish) -> Iterator[TimedFrame]:
    """Yield up to `wish.count` frames, in any order, spread over the film where that is possible.

    Fewer when the film has fewer keyframes and is too long to be played, when some cannot be
    decoded, or when the next one would exceed the bytes in all (one is always fetched).

    Raises:
        UnplayableClip: damage that FFmpeg cannot get over, or a limit was reached.
        BaseException: whatever the source raised, unchanged.
    """
    with ffmpeg_errors(film.file, FailureCode.UNDECODABLE):
        if _has_sample_places(film):
            chosen = samples.keyframes(film.stream.index_entries, wish.count)
            if len(chosen) < wish.count / 2 and _is_short(film):
                yield from _by_playing(film, wish.count)
            else:
                yield from _by_ranges(film, chosen, wish.max_bytes)
        elif _is_short(film):
            yield from _by_playing(film, wish.count)
        elif _can_seek(film):
            yield from _by_seeking(film, wish)
        else:
            yield from _by_reading(film, wish)


def still(film: Film) -> TimedFrame | None:
    """Return the one frame of a cover picture, which FFmpeg hands out before all else.

    Raises as `spread` does.
    """
    with ffmpeg_errors(film.file, FailureCode.UNDECODABLE):
        return next(_next_keyframes(film), None)


def _has_sample_places(film: Film) -> bool:
    """Tell whether FFmpeg knows where each sample lies, not only those of a first fragment."""
    if not film.layout.is_mp4:
        return False
    return not film.layout.fragmented or _index_covers(film)


def _is_short(film: Film) -> bool:
    pixels = film.frames * film.stream.width * film.stream.height
    return film.file.size <= _PLAYED_BYTES and 0 < pixels <= _PLAYED_PIXELS


def _can_seek(film: Film) -> bool:
    """Tell whether a position is found without reading all that lies before it."""
    if film.layout.is_mp4:
        return True  # a fragmented one has an index of fragments, or ends where FFmpeg has been
    if film.container.format.name in FORMATS_THAT_SEEK_WITHOUT_INDEX:
        return True
    film.seek(film.begin)  # Matroska reads its index now
    return _index_covers(film)


def _index_covers(film: Film) -> bool:
    entries = film.stream.index_entries
    return len(entries) > 1 and entries[-1].timestamp > film.begin + film.length / 2


def _by_ranges(film: Film, chosen: list[samples.Sample], max_bytes: int) -> Iterator[TimedFrame]:
    entries = film.stream.index_entries
    film.stream.codec_context.flush_buffers()  # it may have been playing
    if _marks_every_sample(film):
        chosen = samples.largest_nearby(entries, chosen)
    chosen = samples.within(chosen, max_bytes)
    # The index has decoding times; the first frame is shown when the film begins.
    delay = film.begin - entries[0].timestamp if chosen else 0
    fetched = film.file.read_ranges([(sample.offset, sample.length) for sample in chosen])
    for sample, data in zip(chosen, fetched, strict=True):
        film.file.check()
        frame = film.decode_alone(Packet(data))
        if frame is not None:
            yield TimedFrame(frame, sample.timestamp + delay)


def _marks_every_sample(film: Film) -> bool:
    """Tell whether the index calls frames keyframes that cannot be: some writers mark all."""
    codec = film.stream.codec_context.codec
    entries = film.stream.index_entries
    if (
        codec.intra_only
        or len(entries) < _TELLING
        or not all(e.is_keyframe for e in entries[:_TELLING])
    ):
        return False
    second = entries[1]
    data = next(film.file.read_ranges([(second.pos, second.size)]))
    frame = film.decode_alone(Packet(data))
    return frame is None or frame.pict_type != PictureType.I


def _by_seeking(film: Film, wish: Wish) -> Iterator[TimedFrame]:
    """Seek halves before quarters, so that whenever the bytes end, the whole film is covered."""
    allowed = film.file.bytes_read + wish.max_bytes
    seen: set[int] = set()
    targets = samples.parts(film.begin, film.begin + film.length, wish.count)
    for together in batched(samples.halving(targets), _SEEKS_AT_ONCE, strict=False):
        if seen and film.file.bytes_read > allowed:
            return
        if _index_covers(film):
            film.file.prefetch(samples.places(film.stream.index_entries, together))
        for target in together:
            film.seek(target)
            keyframe = next(_next_keyframes(film), None)
            if keyframe is not None and keyframe.timestamp not in seen:
                seen.add(keyframe.timestamp)
                yield keyframe


def _by_playing(film: Film, count: int) -> Iterator[TimedFrame]:
    targets = iter(samples.parts(film.begin, film.begin + film.length, count))
    target = next(targets, None)
    for frame in onward(film, film.begin):
        if target is not None and frame.timestamp >= target:
            yield frame
            target = next((later for later in targets if later > frame.timestamp), None)


def _by_reading(film: Film, wish: Wish) -> Iterator[TimedFrame]:
    allowed = film.file.bytes_read + wish.max_bytes
    film.seek(film.begin)
    for keyframe in islice(_next_keyframes(film), wish.count):
        yield keyframe
        if film.file.bytes_read > allowed:
            return


def _next_keyframes(film: Film) -> Iterator[TimedFrame]:
    """Yield the keyframes from the position of the demuxer on, each decoded by itself."""
    for packet in film.packets():
        if packet.is_keyframe and packet.size:
            timestamp = packet.dts if packet.pts is None else packet.pts
            frame = film.decode_alone(packet)
            if frame is not None:
                yield TimedFrame(frame, timestamp or 0)
