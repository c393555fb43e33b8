"""The program around every command: supervision, errors and exit codes, settings, logging, output."""
