"""Commands that bring prices in: the run, imports, and the probe of a provider."""
