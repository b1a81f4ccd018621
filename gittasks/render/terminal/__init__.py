"""What a terminal gets: tables, bars and colours, by rich. Nothing of it is loaded off a terminal.

Texts of tasks are escaped here as in `plain`, and never read as rich's markup. Colours are the
terminal's own sixteen, so that they read on light and dark; each says something that the words or
marks say as well.
"""
