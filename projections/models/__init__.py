"""The read models: one fold a module. Pure."""
