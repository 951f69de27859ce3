"""Which formats Cliplink takes, what it calls them, and FFmpeg's names of colour properties.

Tables only. Playlists, concatenation scripts and numbered pictures are absent on purpose: FFmpeg
would open the files and addresses that they name.
"""

# FFmpeg's `format_whitelist`: the only demuxers that are tried at all; the first one of
# ACCEPTED_FORMATS is for MP4.
OTHER_FORMATS = "matroska,webm,mpegts,mpeg,avi,flv,asf,ogg,mp3,wav,w64,aiff,caf,aac,flac"
ACCEPTED_FORMATS = f"mov,mp4,m4a,3gp,3g2,mj2,{OTHER_FORMATS}"

# In these any position is found with a few reads, by bisection.
FORMATS_THAT_SEEK_WITHOUT_INDEX = frozenset(("mpegts", "mpeg", "ogg", "asf"))

# These can be entered at any byte. FFmpeg reads them up to the next keyframe, or to the end, when
# it is to go to a time behind the last one that it knows, even if that is the first of all.
FORMATS_ENTERED_ANYWHERE = frozenset(("flv", "matroska,webm"))


def short_name(ffmpeg_names: str) -> str:
    """Returns one name for FFmpeg's comma list of a demuxer: its first.

    Families that the file itself distinguishes (`layout.Layout.container`) are handled before.
    """
    return ffmpeg_names.split(",", maxsplit=1)[0]


# The numbers are the code points of ITU-T H.273, the names those that ffprobe prints.
# 2 means "unspecified" and 0 and 3 are reserved (matrix 0 is RGB): these are None here.

COLOR_PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}

COLOR_TRANSFERS = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}

COLOR_SPACES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    11: "smpte2085",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
    15: "ipt-c2",
    16: "ycgco-re",
    17: "ycgco-ro",
}

COLOR_RANGES = {1: "tv", 2: "pc"}
