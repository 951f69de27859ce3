"""Reading a file through FFmpeg with bounds on bytes, time and memory."""
