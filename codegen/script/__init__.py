"""The text that all scripts share: data, files, schedules, metrics, checks."""
