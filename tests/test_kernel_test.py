"""Jupyter's own kit for testing kernels, `jupyter_kernel_test`, with nothing left out."""

import sys

import jupyter_kernel_test
import pytest


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_skipped(jupyter):
    """Make the kit fail where it would skip, and let it find the kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jupyter_kernel_test, "SkipTest", AssertionError)
        yield


HTML = "class Html:\n    def _repr_html_(self):\n        return '<b>bold</b>'\n"
PNG = "class Png:\n    def _repr_png_(self):\n        return b'\\x89PNG'\n"


class PythonKernelTests(jupyter_kernel_test.KernelTests):
    """The Python kernel passes every test of the kit."""

    kernel_name = "refimpl-python"
    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('hello, error', file=sys.stderr)"
    completion_samples = [
        {"text": "isinst", "matches": ["isinstance"]},
        {"text": "x = 'é𝄞'; str.capi", "matches": ["str.capitalize"]},
        {"text": "import antigr", "matches": ["antigravity"]},
        {"text": "no_such_name_anywhere", "matches": []},
    ]
    complete_code_samples = ["1", "print('hello')", "def f(x):\n  return x\n\n", "await one()", ""]
    incomplete_code_samples = ["print('''hello", "def f(x):", "(1,", "def f(x):\n  return x", "@f"]
    invalid_code_samples = ["import = 7q", "1 +* 2", "def def", "return)"]
    code_page_something = "len?"
    code_generate_error = "1 / 0"
    code_execute_result = [
        {"code": "1 + 2 + 3", "result": "6"},
        {"code": "[n * n for n in range(4)]", "result": "[0, 1, 4, 9]"},
        {"code": f"{HTML}Html()", "mime": "text/html", "result": "<b>bold</b>"},
        {"code": f"{PNG}Png()", "mime": "image/png", "result": "iVBORw=="},
    ]
    code_display_data = [
        {"code": f"{HTML}display(Html())", "mime": "text/html"},
        {"code": f"{PNG}display(Png())", "mime": "image/png"},
        {"code": "display({'application/json': {}}, raw=True)", "mime": "application/json"},
        {"code": "display(1)", "mime": "text/plain"},
    ]
    code_history_pattern = "1 ? 2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "zip"
    code_clear_output = "clear_output()"


class PythonWelcomeTests(jupyter_kernel_test.IopubWelcomeTests):
    """The Python kernel welcomes a subscriber."""

    kernel_name = "refimpl-python"
    support_iopub_welcome = True


class IPythonKernelTests(PythonKernelTests):
    """The kernel that runs IPython passes every test of the kit, on the same samples and more."""

    kernel_name = "refimpl-ipython"
    completion_samples = [
        {"text": "isinst", "matches": ["isinstance"]},
        {"text": "x = 'é𝄞'; str.capi", "matches": ["capitalize"]},
        {"text": "import antigr", "matches": ["antigravity"]},
        {"text": "%lsma", "matches": ["%lsmagic"]},
        {"text": "no_such_name_anywhere", "matches": []},
    ]
    complete_code_samples = [*PythonKernelTests.complete_code_samples, "%timeit 1", "!ls"]
    incomplete_code_samples = [*PythonKernelTests.incomplete_code_samples, "%%bash\nls"]
    code_clear_output = "from IPython.display import clear_output; clear_output()"


class IPythonWelcomeTests(jupyter_kernel_test.IopubWelcomeTests):
    """The kernel that runs IPython welcomes a subscriber."""

    kernel_name = "refimpl-ipython"
    support_iopub_welcome = True


@pytest.mark.skipif(sys.platform == "win32", reason="bash needs a POSIX system")
class BashKernelTests(jupyter_kernel_test.KernelTests):
    """The bash kernel passes every test of the kit about what a shell has."""

    kernel_name = "refimpl-bash"
    language_name = "bash"
    file_extension = ".sh"
    code_hello_world = "echo 'hello, world'"
    code_stderr = "echo 'hello, error' >&2"
    completion_samples = [
        {"text": "compge", "matches": ["compgen"]},
        {"text": "echo é; compge", "matches": ["compgen"]},
        {"text": "echo $BASH_VERSIO", "matches": ["BASH_VERSION"]},
        {"text": "no_such_name_anywhere", "matches": []},
    ]
    complete_code_samples = ["ls", "echo 'hello'", "for i in 1 2; do echo $i; done", ""]
    incomplete_code_samples = ["echo 'hello", "for i in 1 2; do", "cat <<END\nhello", "ls |"]
    invalid_code_samples = ["done", "echo )", "if then"]
    code_generate_error = "false"
    code_inspect_sample = "echo"

    code_execute_result = [{"code": "expr 1 + 2"}, {"code": "seq 3"}]  # for test_history
    code_history_pattern = "expr ? + 2*"
    supported_history_operations = ("tail", "range", "search")

    # A shell prints text; it has no values, no displays and no pager.
    test_execute_result = None
    test_pager = None
    test_display_data = None
    test_clear_output = None


class EchoKernelTests(jupyter_kernel_test.KernelTests):
    """The echo kernel passes the tests of the kit that ask for no more than an echo."""

    kernel_name = "refimpl-echo"
    language_name = "echo"
    file_extension = ".txt"
    code_hello_world = "hello, world"
    completion_samples = [{"text": "hello", "matches": []}]

    test_execute_stderr = None
    test_is_complete = None
    test_pager = None
    test_error = None
    test_execute_result = None
    test_display_data = None
    test_history = None
    test_inspect = None
    test_clear_output = None


class EchoWelcomeTests(jupyter_kernel_test.IopubWelcomeTests):
    """Every kernel welcomes a subscriber, since the base class does."""

    kernel_name = "refimpl-echo"
    support_iopub_welcome = True


@pytest.mark.parametrize(
    ("cases", "base"),
    [
        (PythonKernelTests, jupyter_kernel_test.KernelTests),
        (PythonWelcomeTests, jupyter_kernel_test.IopubWelcomeTests),
        (IPythonKernelTests, jupyter_kernel_test.KernelTests),
        (IPythonWelcomeTests, jupyter_kernel_test.IopubWelcomeTests),
    ],
)
def test_whole_kit_is_on(cases, base):
    """No test of the kit has been taken out for the Python kernels."""
    kit = [name for name in dir(base) if name.startswith("test_")]
    assert [name for name in kit if getattr(cases, name) is getattr(base, name)] == kit
