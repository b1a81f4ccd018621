"""A small web server for one page that changes; it knows nothing of lists."""
