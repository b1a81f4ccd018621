"""git's hooks: commits of the code move tasks, and lists go along with pushes."""
