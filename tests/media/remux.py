"""Films whose packets are those of another film, at other times or with some left out."""

from dataclasses import dataclass, field
from pathlib import Path

import av
from av.stream import Stream

KEEP_TIMES = {"avoid_negative_ts": "disabled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remux:
    """What to change. Seconds are of the film that is written.

    `options` are the muxer's; `KEEP_TIMES` among them leaves times below zero as they are.
    `delay` is added to all times, `earlier_decoding` taken from decoding times; packets before
    `first` and from `end` on are left out, and the first `dropped` of the others.
    """

    delay: float = 0.0
    earlier_decoding: float = 0.0
    first: float = float("-inf")
    end: float = float("inf")
    dropped: int = 0
    options: dict[str, str] = field(default_factory=dict)


def remuxed(path: Path, film: Path, change: Remux, sound: Path | None = None) -> Path:
    """Writes the picture of `film`, changed, beside the sound of another file, to `path`."""
    with (
        av.open(str(film)) as pictures,
        av.open(str(sound or film)) as sounds,
        av.open(str(path), "w", options=change.options) as output,
    ):
        packets = _packets(pictures, pictures.streams.video[0], output, change)
        if sound is not None:
            packets += _packets(sounds, sounds.streams.audio[0], output, Remux())
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):
            output.mux(packet)
    return path


def _packets(
    source: av.container.InputContainer,
    stream: Stream,
    output: av.container.OutputContainer,
    change: Remux,
) -> "list[av.Packet[Stream]]":
    copy = output.add_stream_from_template(stream)
    base = stream.time_base
    kept = [
        packet
        for packet in source.demux(stream)
        if packet.size
        and packet.pts is not None
        and change.first <= float(packet.pts * base) + change.delay < change.end
    ]
    copies = []
    for packet in kept[change.dropped :]:
        new: av.Packet[Stream] = av.Packet(bytes(packet))
        new.stream, new.time_base, new.is_keyframe = copy, base, packet.is_keyframe
        new.pts = (packet.pts or 0) + round(change.delay / base)
        new.dts = (packet.dts or 0) + round((change.delay - change.earlier_decoding) / base)
        new.duration = packet.duration
        copies.append(new)
    return copies
