"""Claude Code: its task files, its hook events and its settings, beside a task list of ours.

What has to be known of its formats is in `native` (task files), `events` (hooks) and `settings`.
Those and the modules that work out what is to be done are pure; `folder`, `records`, `transfer`,
`hook` and `install` touch the disk.
"""
