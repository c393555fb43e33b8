"""The main job in a process of its own, from the words on the command line to the bytes on disk."""
