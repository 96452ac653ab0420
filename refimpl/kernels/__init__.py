"""Kernels beside the Python one, each a small example of what a kernel author writes."""
