"""Git on disk: finding the repository, its objects and refs, and one list's branch in it.

The only package that imports dulwich, and with `git.run` the one way in which all others run
git. Objects first, one guarded ref move last.
"""
