"""What only a terminal sees: bars, pages of help, the pager."""
