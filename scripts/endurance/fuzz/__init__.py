"""Random command lines over a zoo of files, each of which must end in a documented way."""
