"""Which of the tracks of a file is the film, which is its sound, and which is a cover.

Files have stills, previews, disabled and empty tracks beside the film, often before it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from shared.media.failures import FailureCode, unplayable
from shared.media.inspect.layout import Layout, TrackKind
from shared.media.pictures.orientation import Orientation, orientation_of
from shared.media.reading.byte_source import Limits
from shared.media.reading.container import is_damage, rewind
from shared.media.reading.source import SourceFile

# How far a file is read to see whether a track gives a frame, and which track has more than one.
_TRIED_PACKETS = 200
_TRIED_BYTES = 4 * 1024 * 1024

# A track with fewer samples than this is a preview beside a track with many times as many.
_FEW_SAMPLES = 8
_MANY_TIMES = 4

# Samples lie in a file about in the order of the index, so the last ones reach its end.
_INDEX_TAIL = 256


@dataclass(frozen=True, slots=True)
class Tracks:
    """The tracks that count: picture, sound, and the cover picture of a sound file."""

    video: VideoStream | None
    audio: AudioStream | None
    cover: VideoStream | None

    @property
    def orientation(self) -> Orientation:
        """Which way up the picture is."""
        if self.video is None:
            return Orientation()
        return orientation_of(self.video.codec_context.coded_side_data.get("display_matrix"))


def find_tracks(
    container: InputContainer, layout: Layout, file: SourceFile, limits: Limits
) -> Tracks:
    """Chooses the film, its sound and a cover; the rest is ignored.

    Of several tracks those with samples come first, then those with more than a few, those that are
    not encrypted, those that are marked as default, and then the first. A picture track that gives
    no frame gives way to the next.

    Raises UnplayableClip: `no_playable_stream`, `dimensions_too_large` or `encrypted`; and what
    the source raised, unchanged.
    """
    videos = [s for s in container.streams.video if _has_decoder(s) and s.width > 0]
    pictures = [s for s in videos if not _is_still(s)]
    covers = [s for s in videos if _is_still(s) and s.width * s.height <= limits.max_pixels]
    sounds = [s for s in container.streams.audio if _has_decoder(s) and s.sample_rate > 0]
    if not pictures and not sounds:
        raise unplayable(FailureCode.NO_PLAYABLE_STREAM)
    encrypted = _encrypted_streams(container, layout)
    several = len(pictures) > 1 or len(sounds) > 1
    counts = _sample_counts(container, layout, file, [*pictures, *sounds]) if several else Counter()

    pictures = _by_rank(pictures, counts, encrypted)
    sounds = _by_rank(sounds, counts, encrypted)
    chosen = [pictures[0], *sounds[:1]] if pictures else sounds[:1]
    if any(stream.index in encrypted for stream in chosen):
        raise unplayable(FailureCode.ENCRYPTED)
    if pictures and pictures[0].width * pictures[0].height > limits.max_pixels:
        raise unplayable(FailureCode.DIMENSIONS_TOO_LARGE)
    return Tracks(
        video=_first_with_a_frame(container, file, pictures) if pictures else None,
        audio=sounds[0] if sounds else None,
        cover=covers[0] if covers else None,
    )


def check_complete(tracks: Tracks, layout: Layout, file: SourceFile) -> None:
    """Refuses a file whose sample index points behind its end: FFmpeg itself would end silently.

    Raises UnplayableClip (`truncated`).
    """
    if not layout.is_mp4:
        return
    for stream in (tracks.video, tracks.audio):
        entries = stream.index_entries[-_INDEX_TAIL:] if stream else []
        if any(entry.pos + entry.size > file.size for entry in entries):
            raise unplayable(FailureCode.TRUNCATED)


def has_unknown_picture(container: InputContainer) -> bool:
    """Whether there is a picture track that nothing here decodes."""
    return any(not _has_decoder(stream) for stream in container.streams.video)


def _has_decoder(stream: VideoStream | AudioStream) -> bool:
    try:
        return stream.codec_context is not None and stream.codec_context.codec is not None
    except av.codec.codec.UnknownCodecError:  # damage can change the codec behind FFmpeg's back
        return False


def _is_still(stream: VideoStream) -> bool:
    """Whether a stream is cover art or chapter pictures, not film."""
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _encrypted_streams(container: InputContainer, layout: Layout) -> set[int]:
    """Returns the indexes of the encrypted streams.

    MP4 has numbers that FFmpeg keeps. FFmpeg drops those of Matroska, but keeps the order.
    """
    if layout.is_mp4:
        numbers = {track.number for track in layout.tracks if track.encrypted}
        return {stream.index for stream in container.streams if stream.id in numbers}
    found = set()
    for kind, streams in (
        (TrackKind.PICTURE, container.streams.video),
        (TrackKind.SOUND, container.streams.audio),
    ):
        declared = [track for track in layout.tracks if track.kind is kind]
        found |= {
            stream.index
            for stream, track in zip(streams, declared, strict=False)
            if track.encrypted
        }
    return found


def _by_rank[S: (VideoStream, AudioStream)](
    streams: Sequence[S], counts: Counter[int], encrypted: set[int]
) -> list[S]:
    """Returns the streams of one kind in the order of `find_tracks`."""
    most = max((counts[stream.index] for stream in streams), default=0)

    def rank(stream: S) -> tuple[bool, bool, bool, bool, int]:
        samples = counts[stream.index]
        few = samples < _FEW_SAMPLES and samples * _MANY_TIMES < most
        default = bool(stream.disposition & Disposition.default)
        return samples == 0, few, stream.index in encrypted, not default, stream.index

    return sorted(streams, key=rank)


def _sample_counts(
    container: InputContainer,
    layout: Layout,
    file: SourceFile,
    streams: Sequence[VideoStream | AudioStream],
) -> Counter[int]:
    """Returns how many samples each stream has, by index: those of the beginning at least.

    The index of an MP4 says so; in other files it is read until no stream has only a few.
    """
    if layout.is_mp4 and not layout.fragmented:
        return Counter({stream.index: len(stream.index_entries) for stream in streams})
    counts: Counter[int] = Counter()
    last_byte = file.bytes_read + _TRIED_BYTES
    try:
        for number, packet in enumerate(container.demux(*streams)):
            file.check()
            counts[packet.stream_index] += bool(packet.size)
            known = all(counts[stream.index] >= _FEW_SAMPLES for stream in streams)
            if known or number > 2 * _TRIED_PACKETS or file.bytes_read > last_byte:
                break
    except av.FFmpegError as error:
        if not is_damage(error):
            raise
    rewind(container, file, *streams)
    file.check()
    return counts


def _first_with_a_frame(
    container: InputContainer, file: SourceFile, pictures: Sequence[VideoStream]
) -> VideoStream:
    """Returns the first track of several that can be decoded, or the first of all."""
    if len(pictures) == 1:
        return pictures[0]
    shown: set[int] = set()
    last_byte = file.bytes_read + _TRIED_BYTES
    by_index = {stream.index: stream for stream in pictures}
    try:
        for number, packet in enumerate(container.demux(*pictures)):
            file.check()
            stream = by_index[packet.stream_index]
            if stream.index not in shown and _decodes(stream, packet):
                shown.add(stream.index)
            enough = pictures[0].index in shown or number > len(pictures) * _TRIED_PACKETS
            if enough or file.bytes_read > last_byte:
                break
    except av.FFmpegError as error:
        if not is_damage(error):
            raise
    rewind(container, file, *pictures)
    file.check()
    for stream in pictures:
        stream.codec_context.flush_buffers()
    return next((stream for stream in pictures if stream.index in shown), pictures[0])


def _decodes(stream: VideoStream, packet: "av.Packet[Any]") -> bool:
    """Whether a packet gives a whole frame; damage is no reason to stop."""
    try:
        return any(not frame.is_corrupt for frame in stream.codec_context.decode(packet))
    except av.FFmpegError as error:
        if not is_damage(error):
            raise
    except ValueError:  # PyAV's: the decoder could not be opened
        pass
    return False
