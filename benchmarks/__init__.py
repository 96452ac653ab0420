"""Speed and memory, measured beside the peers in one run: `nox -s bench`."""
