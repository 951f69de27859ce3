"""Limits how many films are decoded at once in a process: clips and sources together."""

import threading

# host.json lets three blobs in at a time. So many of them are decoded at once: the memory of an
# instance holds no more pictures of any size. The others claim, write images or wait.
DECODERS = 2

decoder_slot = threading.BoundedSemaphore(DECODERS)
