"""Rewrites of a program, one a file, each named for what it does."""
