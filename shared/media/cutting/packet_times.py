"""The times of packets: when each is decoded and shown, on the clock of its film."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import floor, gcd, lcm
from typing import Any

from av import Packet
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.cutting.unsuitable import Unsuitable
from shared.media.reading.source import SourceFile

# Frames that may be decoded before they are shown, by any codec.
_MOST_UNKNOWN = 32
# Their clock may begin anew in the middle, where another recording follows.
_FORMATS_WITH_JOINTS = frozenset(("mpegts", "mpeg"))

type MediaStream = VideoStream | AudioStream
type AnyPacket = Packet[Any]


def timed_packets(
    container: InputContainer, file: SourceFile, streams: Sequence[MediaStream]
) -> Iterator[AnyPacket]:
    """The packets of these streams that hold data, each with its times.

    Behind a seek FFmpeg does not know the decoding times of the first packets: they are counted
    back from the first known one. Where a recording follows another, sound that would be heard
    together with that of the first is left out, and pictures are decoded after those of the first.
    Raises Unsuitable if no time is known.
    """
    packets = _dated_packets(container, file, streams)
    if container.format.name not in _FORMATS_WITH_JOINTS:
        yield from packets
        return
    latest: dict[int, int] = {}
    for packet in packets:
        time, index = packet.dts or 0, packet.stream.index
        if time <= latest.get(index, time - 1):
            if packet.stream.type == "audio":
                continue
            packet.dts = time = latest[index] + 1
        latest[index] = time
        yield packet


def _dated_packets(
    container: InputContainer, file: SourceFile, streams: Sequence[MediaStream]
) -> Iterator[AnyPacket]:
    unknown: dict[int, list[AnyPacket]] = {}
    for packet in container.demux(*streams):
        file.check()
        if not packet.size:
            continue
        early = unknown.setdefault(packet.stream.index, [])
        if packet.dts is None:
            early.append(packet)
            if len(early) > _MOST_UNKNOWN:
                raise Unsuitable("packets have no decoding times")
            continue
        yield from _dated(early, packet)
        early.clear()
        yield packet


def _dated(early: Sequence[AnyPacket], known: AnyPacket) -> Sequence[AnyPacket]:
    """Gives packets decoding times that lead up to the known one's, a frame apart."""
    time, step = known.dts or 0, max(1, known.duration or 1)
    for packet in reversed(early):
        time = min(time - step, time if packet.pts is None else packet.pts)
        packet.dts = time
    return early


def base_of(of: MediaStream | AnyPacket) -> Fraction:
    return Fraction(of.time_base.num, of.time_base.den)


def shown_at(packet: AnyPacket) -> Fraction:
    """Seconds on the clock of the source; raises Unsuitable where the packet has no time."""
    if packet.pts is None:
        raise Unsuitable("packets have no times")
    return packet.pts * base_of(packet)


def decoded_at(packet: AnyPacket) -> Fraction:
    """When the packet is decoded, in seconds on the clock of the source; raises as `shown_at`."""
    if packet.dts is None:
        raise Unsuitable("packets have no decoding times")
    return packet.dts * base_of(packet)


def whole_units(time: Fraction, streams: Sequence[MediaStream]) -> Fraction:
    """The last moment at or before `time` that is a whole unit of every stream's clock."""
    bases = [base_of(stream) for stream in streams]
    common = Fraction(
        lcm(*(base.numerator for base in bases)), gcd(*(base.denominator for base in bases))
    )
    return floor(time / common) * common


def delay(packet: AnyPacket, seconds: Fraction) -> None:
    """Moves a packet by whole units of its stream's clock."""
    units = round(seconds / base_of(packet))
    packet.pts = (packet.pts or 0) + units
    packet.dts = (packet.dts or 0) + units
