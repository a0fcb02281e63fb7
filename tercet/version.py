"""The version of the distribution, for whoever prints or records it."""

VERSION = "0.1.0"
