"""Numbers of the protocol, apart from `answers` so that options can be read without pymodbus."""

READS = (3, 4)
"""Function codes that read registers and do nothing else."""

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, FAILURE, BUSY, NO_PATH, NO_ANSWER = 1, 2, 3, 4, 6, 10, 11
"""Exceptions."""
