"""Everything that several tests use: repositories, clones, servers, terminals, worlds of merges.

This file imports nothing, so that a test of the pure core starts without the rest.
"""
