"""The bundled sample: synthetic answers in the shape of a live provider, and no network."""
