"""The questions, by the names they have on the command line."""
