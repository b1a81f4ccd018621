"""Sharing with a remote: `exchange` brings lists in line, `publish` writes where it decides."""

from gittasks.sync.exchange import Synced, Wish, sync

__all__ = ["Synced", "Wish", "sync"]
