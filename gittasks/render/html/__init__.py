"""The report as one HTML page: made of tags that escape what is put into them."""
