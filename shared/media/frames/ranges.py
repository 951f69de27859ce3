"""Keyframes of an MP4 or MOV: their exact ranges are fetched, and each is decoded by itself."""

from collections.abc import Iterator
from typing import Any

from av import Packet
from av.video.frame import PictureType

from shared.media.frames import samples
from shared.media.frames.budget import FrameBudget
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.playback import next_picture

# How many samples in a row show whether an index marks all as keyframes, and after how many
# fetched keyframes it is decided whether keyframes give pictures alone.
_TELLING = 3
_ENOUGH_FETCHED = 4


class KeyframeIndex:
    """The keyframes that are shown of a film whose index has the place of each sample.

    `chosen` are those to fetch, spread over the film. After `frames`, `gives_pictures` says
    whether they gave pictures: the recovery points of a film with intra refresh are in the index
    too, and give nothing when decoded alone.
    """

    def __init__(self, film: Film, budget: FrameBudget) -> None:
        self.gives_pictures = True
        self._film = film
        self._budget = budget
        self._is_found_by_time = True
        self._entries = film.stream.index_entries
        self._hides_beginning = bool(self._entries) and self._entries[0].is_discard
        # The index has decoding times, and when the first frame of all is shown is known.
        self._delay = self._delay_of_first()
        self._earliest = first = film.begin - self._delay
        keyframes = [
            (decoded_at, number)
            for decoded_at, number in samples.shown_keyframes(self._entries, first)
            if film.is_shown(decoded_at + self._delay)
        ]
        self._begins_with_keyframe = bool(keyframes) and keyframes[0][0] <= first
        last = film.end - self._delay
        if film.length == 0 and keyframes:
            last = keyframes[-1][0]
        self.chosen = samples.nearest(
            self._entries, keyframes, samples.parts(first, last, budget.count)
        )

    def frames(self) -> Iterator[TimedFrame]:
        """Yields the frames of the chosen keyframes, and before them what precedes the first."""
        if self._hides_beginning or not self._begins_with_keyframe:
            beginning = self._played_beginning()
            if beginning is not None:
                yield beginning
        fetched = given = 0
        for frame in self._fetched():
            fetched += 1
            if frame is not None:
                given += 1
                yield frame
            if fetched == _ENOUGH_FETCHED and given < fetched / 2:
                break
        else:
            self._budget.reach(self._film.end)
        missing = fetched - given
        self.gives_pictures = missing < (fetched / 2 if fetched >= _ENOUGH_FETCHED else 1)

    def _fetched(self) -> Iterator[TimedFrame | None]:
        """Yields for each chosen keyframe what it gives alone."""
        film, chosen = self._film, self.chosen
        film.decoder.forget()  # the decoder may have been playing
        if self._marks_every_sample():
            chosen = samples.largest_nearby(self._entries, chosen, self._earliest)
        # Out of order: FFmpeg would read over the short way to a sample that follows in the file.
        chosen = samples.halving(samples.within(chosen, self._budget.max_bytes))
        data = film.file.read_ranges([(sample.offset, sample.length) for sample in chosen])
        for sample, sample_data in zip(chosen, data, strict=True):
            film.file.lend(sample.offset, sample_data)
            packet = self._packet_of(sample, sample_data)
            timestamp = sample.timestamp + self._delay if packet.pts is None else packet.pts
            frame = film.decoder.decode_alone(packet) if film.is_shown(timestamp) else None
            self._budget.reach(timestamp)
            if frame is not None:
                self._budget.count_found()
            yield None if frame is None else TimedFrame(frame, timestamp)

    def _packet_of(self, sample: samples.Sample, data: bytes) -> "Packet[Any]":
        """Returns a sample with what FFmpeg knows of it: when it is shown, changes of its format.

        In a fragmented film with an edit list FFmpeg finds another one. Then it is the data alone,
        and the sample is taken to be shown as long after its decoding time as others are.
        """
        if self._is_found_by_time:
            # With an open GOP, FFmpeg goes to a keyframe for times only at which it is shown.
            self._film.seek_sample(sample.until)
            packet = next(self._film.packets(), None)
            if packet is not None and packet.pts is not None and packet.dts is not None:
                self._delay = packet.pts - packet.dts
                if packet.pos == sample.offset:
                    return packet
            self._is_found_by_time = False
        return _keyframe(data)

    def _played_beginning(self) -> TimedFrame | None:
        """Returns the first frame that is shown, decoded on from the keyframe before it."""
        self._film.seek(self._film.begin)
        return next_picture(self._film, self._film.packets(), self._budget)

    def _delay_of_first(self) -> int:
        """Returns how much later than decoded the first frame of all is shown."""
        if not self._entries or self._hides_beginning:
            return 0
        decoded_at = self._entries[0].timestamp
        if not self._film.is_believable(decoded_at):
            return 0
        return self._film.first_timestamp - decoded_at

    def _marks_every_sample(self) -> bool:
        """Whether the index calls frames keyframes that cannot be: some writers mark all."""
        entries = self._entries
        if (
            self._film.stream.codec_context.codec.intra_only
            or len(entries) < _TELLING
            or not all(e.is_keyframe for e in entries[:_TELLING])
        ):
            return False
        second = entries[1]
        data = next(self._film.file.read_ranges([(second.pos, second.size)]))
        frame = self._film.decoder.decode_alone(_keyframe(data))
        return frame is None or frame.pict_type != PictureType.I


def _keyframe(data: bytes) -> "Packet[Any]":
    packet = Packet(data)
    packet.is_keyframe = True
    return packet
