"""The Jupyter kernel protocol, small enough to read, run and copy.

This file is the map. It imports nothing: import the module you need.

The starter, four files that work alone with pyzmq:

- `wire`: frames to messages and back; signatures, connection files, the errors.
- `kernel`: class Kernel: busy, handler, idle; the methods a kernel author overrides.
- `run_kernel`: a kernel's sockets, threads and signals.
- `python_kernel`: the minimal Python kernel.

Round the starter:

- `connection`, `kernelspec`: connection files on disk, installed kernels.
- `client`: one request and everything that answers it.
- `run_client`: a client's sockets, and a kernel process of its own.
- `kernels`: further kernels, `kernels.echo` first.
- `__main__`: the command line, `python -m refimpl`.

What decides is kept apart from what does: only modules named `run_*` open sockets, start threads
or look at a clock. Imports point downwards, in the order wire, kernel, kernels, command line.
"""

__version__ = "0.1.0"
