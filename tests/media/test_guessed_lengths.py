"""Sound and recordings without a length: it is measured, not guessed by a bit rate that varies."""

import io

import av
import pytest
from av.audio.stream import AudioStream
from av.container import OutputContainer

from shared.media.inspect import timing
from tests.media.clips import Clip, MemorySource
from tests.media.conftest import Make, describe
from tests.media.counted import SOUND_RATE, noise

SECONDS = 24.0


def encode_late_noise(container: OutputContainer, stream: AudioStream, seconds: float) -> None:
    """Encodes three quarters of silence and then noise, with as many bits as each needs."""
    context = stream.codec_context
    context.options = {"flags": "+qscale", "global_quality": "472"}
    context.open(strict=False)
    samples = round(seconds * SOUND_RATE)
    sound = bytes(2 * (samples - samples // 4)) + noise(samples // 4).tobytes()
    resampler = av.AudioResampler(
        format=context.format.name,
        layout=context.layout.name,
        rate=SOUND_RATE,
        frame_size=context.frame_size or 1024,
    )
    frame = av.AudioFrame(format="s16", layout="mono", samples=samples)
    frame.planes[0].update(sound)
    frame.sample_rate, frame.pts = SOUND_RATE, 0
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


def sound(codec: str, **options: str) -> Clip:
    return Clip(
        codec=None,
        seconds=SECONDS,
        sounds=(codec,),
        channels=1,
        encode_sound=encode_late_noise,
        options=options,
    )


def guessed(data: bytes) -> float:
    """The length that FFmpeg has."""
    with av.open(io.BytesIO(data), "r") as container:
        return (container.duration or 0) / av.time_base


WITHOUT_LENGTH = [
    ("a.aac", sound("aac")),
    ("a.mp3", sound("libmp3lame", write_xing="0")),
    ("tagged.mp3", sound("libmp3lame", write_xing="0", id3v2_version="4")),
]


@pytest.mark.parametrize(("name", "clip"), WITHOUT_LENGTH)
def test_sound_behind_silence_has_its_true_length(made: Make, name: str, clip: Clip) -> None:
    data = made(name, clip).read_bytes()
    assert guessed(data) > 1.2 * SECONDS
    assert describe(MemorySource(data)).duration == pytest.approx(SECONDS, abs=0.1)


def test_mp3_that_counts_its_frames_is_not_read_through(
    made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "_scanned_seconds", lambda *_: pytest.fail("was read through"))
    path = made("counted.mp3", sound("libmp3lame"))
    assert describe(path).duration == pytest.approx(SECONDS, abs=0.1)


def test_live_asf_has_its_true_length(made: Make) -> None:
    """Its header has no length, and says so with a flag."""
    clip = Clip(size=(96, 64), seconds=6.0, gop=25, codec="mpeg4", sounds=("libmp3lame",))
    data = bytearray(made("a.asf", clip).read_bytes())
    properties = data.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    data[properties + 88] |= 1
    assert describe(MemorySource(bytes(data))).duration == pytest.approx(6.0, abs=0.15)
