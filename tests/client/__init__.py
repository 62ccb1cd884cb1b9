"""Tests of pyvirtd.client, most of them against the real libvirtd."""
