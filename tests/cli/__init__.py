"""The command line, as a process and in its parts."""
