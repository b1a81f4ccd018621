"""Advice on a list: what makes progress hard to see, found in the list and in its history.

`table` has all rules and runs them; `shape` looks at the list as it stands, `course` at how the
work went, `early` at what is worth a word in the moment when a list or a task is made.
"""
