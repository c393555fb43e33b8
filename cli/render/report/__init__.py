"""The page of a report: HTML and pictures that need nothing but themselves. Pure."""
