"""The exchange's own files of daily prices, brought by hand."""
