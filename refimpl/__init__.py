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
- `run_subshells`, `run_registration`, `debugger`, `run_debugger`: what a kernel can do beyond the
  starter.
- `kernels`: further kernels: `echo`, `rpn`, `bash`, `ipython`.
- `new`: a package of one's own, made from the files of this one.
- `__main__`: the command line, `python -m refimpl`.

The protocol as data:

- `messages`: the catalogue of every message; `schemas` and `contents` are written from it.

What decides is kept apart from what does: only modules named `run_*` open sockets, start threads
or look at a clock. Imports point downwards, in the order wire, kernel, kernels, command line.
"""

__version__ = "0.1.0"
