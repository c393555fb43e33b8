"""The whole exchange, by its own files: a session of it, what is listed, and the options on a paper."""
