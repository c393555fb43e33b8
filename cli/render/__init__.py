"""Values as text: times, money, CSV, Parquet, files."""
