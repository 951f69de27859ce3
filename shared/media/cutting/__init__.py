"""Cutting a clip out of a film: by its index alone, by copying packets, by encoding.

film = read_film(source)                    # MP4 and MOV: reads the index
span, cut = film.cut(12.5, 20, accuracy)    # a new beginning, and ranges to copy
copy_clip(source, CutRange(...), emit, ...)     # any other format, packet by packet
encode_clip(source, CutRange(...), encoder, emit, ...)  # exact to the frame, from anything
"""
