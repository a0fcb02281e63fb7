"""One folder per target.  Backends know the compiler and not each other."""
