"""Git on disk: finding the repository, its objects and refs, and one list's branch in it.

The only package that imports dulwich or runs git. Objects first, one guarded ref move last.
"""
