"""What git's hooks do: commits of the code move tasks, and lists go along with pushes."""
