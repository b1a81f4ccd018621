"""Bytes of the branch to values of the core and back: task files, list.yaml, YAML as text."""
