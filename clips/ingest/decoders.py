"""Limits how many films are decoded at once in a process: clips and sources together."""

import threading

# How many films are decoded at once, of the three blobs that host.json lets in. The memory of an
# instance does not hold more pictures of the largest size. The other runs claim, write images or
# wait.
DECODERS = 2

decoder_slot = threading.BoundedSemaphore(DECODERS)
