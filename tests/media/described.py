"""The tracks of a common film as the catalogue describes them, for tests that need no film."""

from shared.model.media import AudioTrack, Hdr, VideoTrack

FULL_HD = VideoTrack(
    codec="h264",
    profile="High",
    width=1920,
    height=1080,
    coded_width=1920,
    coded_height=1080,
    rotation=0,
    frame_rate=29.97002997002997,
    pixel_format="yuv420p",
    hdr=Hdr.SDR,
    color_primaries="bt709",
    color_transfer="bt709",
    color_space="bt709",
    color_range="tv",
)
STEREO = AudioTrack(codec="aac", channels=2, sample_rate=48_000)
