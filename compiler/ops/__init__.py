"""All operations.  Importing this package registers every one of them."""
