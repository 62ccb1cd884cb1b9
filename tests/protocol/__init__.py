"""Tests of pyvirtd.protocol."""
