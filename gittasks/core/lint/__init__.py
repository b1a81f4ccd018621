"""Advice on a list: what makes progress hard to see, found in the list and in its history."""
