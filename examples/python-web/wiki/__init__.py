"""A wiki of text files."""
