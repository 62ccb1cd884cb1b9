"""argv, configuration, socket activation, wiring. The only room that may import every other."""
