"""The calls, one module for each noun: each handler takes a Call and gives the answer's data."""
