"""The audit: what the log says was decided, derived again from the answers that it keeps."""
