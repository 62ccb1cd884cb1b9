"""Devices of a definition: which one a client means, and how they go in, out and into another's place."""
