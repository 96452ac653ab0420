"""What the kit `jupyter_kernel_test` asks the kernels that `python -m refimpl new` can start from.

The kit has a test for each kind of request, and an attribute that says what to send.  A kernel that
has nothing for an attribute leaves it out, and that test is skipped.
`new` copies the lines of a class into the tests of the package that it makes.
"""


class EchoSamples:
    """For level 1, the echo kernel."""

    file_extension = ".txt"
    code_hello_world = "hello, world"


class RpnSamples:
    """For levels 2 and 3, the calculator."""

    file_extension = ".txt"
    code_hello_world = '"hello, world"'
    code_execute_result = [
        {"code": "3 4 +", "result": "7"},
        {"code": ": square dup * ; 5 square", "result": "25"},
        {"code": "7 3 /", "result": "7/3"},
    ]
    code_generate_error = "1 0 /"

    # --- level 2: help while typing ------------------------------------------------------------

    completion_samples = [
        {"text": "1 2 sw", "matches": ["swap"]},
        {"text": "no-such-word", "matches": []},
    ]
    complete_code_samples = ["", "3 4 +", ": square dup * ;", '"a : in a text"']
    incomplete_code_samples = [": square dup", '"a text without an end']
    invalid_code_samples = [";", ": a : b ;"]
    code_inspect_sample = "swap"
    code_history_pattern = ": square*"
    supported_history_operations = ("tail", "range", "search")

    # --- level 3: ask, and show ----------------------------------------------------------------

    code_display_data = [{"code": "1 2 table", "mime": "text/html"}]


class PythonSamples:
    """For level 4, the Python kernel."""

    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('hello, error', file=sys.stderr)"
    code_execute_result = [
        {"code": "1 + 2 + 3", "result": "6"},
        {"code": "[n * n for n in range(4)]", "result": "[0, 1, 4, 9]"},
    ]
    code_generate_error = "1 / 0"
    completion_samples = [
        {"text": "isinst", "matches": ["isinstance"]},
        {"text": "no_such_name", "matches": []},
    ]
    complete_code_samples = ["", "1", "def f(x):\n  return x\n\n"]
    incomplete_code_samples = ["(1,", "def f(x):"]
    invalid_code_samples = ["1 +* 2", "return)"]
    code_inspect_sample = "zip"
    code_page_something = "len?"
    code_history_pattern = "1 ? 2*"
    supported_history_operations = ("tail", "range", "search")
    code_display_data = [{"code": "display(1)", "mime": "text/plain"}]
    code_clear_output = "clear_output()"
