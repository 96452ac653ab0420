"""A kernel for a language of one's own: a calculator in reverse Polish notation.

    3 4 +                  7
    : square dup * ;       a word of your own
    5 square               25
    "a third of" 7 3 /     prints the text; the value is 7/3

A cell is a row of words.  A number goes onto a stack.  Any other word takes numbers from the stack
and puts its results back.  The value of a cell is what lies on top when it ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any, NamedTuple

from ..kernel import Kernel


def divide(a: Fraction, b: Fraction) -> tuple[Fraction]:
    """Divide. Raises ZeroDivisionError, in words that fit this language."""
    if not b:
        raise ZeroDivisionError("/: expected a number other than 0 on top, got 0")
    return (a / b,)


class Word(NamedTuple):
    """A word that only computes: how many numbers it takes, what it makes of them, and its help."""

    takes: int
    makes: Callable[..., tuple[Fraction, ...]]
    help: str


WORDS = {
    "+": Word(2, lambda a, b: (a + b,), "a b -- a+b"),
    "-": Word(2, lambda a, b: (a - b,), "a b -- a-b"),
    "*": Word(2, lambda a, b: (a * b,), "a b -- a*b"),
    "/": Word(2, divide, "a b -- a/b"),
    "dup": Word(1, lambda a: (a, a), "a -- a a"),
    "swap": Word(2, lambda a, b: (b, a), "a b -- b a"),
    "drop": Word(1, lambda a: (), "a --"),
}
TOKEN = re.compile(r'"[^"]*"?|\S+')  # a text in quotes, or anything without a space


class RpnKernel(Kernel):
    """A calculator in reverse Polish notation."""

    implementation = "refimpl-rpn"
    implementation_version = "0.1.0"
    banner = "A calculator in reverse Polish notation. Try: 3 4 +"
    language_info = {
        "name": "rpn",
        "version": "0.1.0",
        "mimetype": "text/plain",
        "file_extension": ".txt",
    }

    def __init__(self, **given: Any) -> None:
        """Begin with an empty stack; what is given connects the kernel to the world."""
        super().__init__(**given)
        self.stack: list[Fraction] = []
        self.defined: dict[str, list[str]] = {}  # the user's own words
        self.cells: list[tuple[int, str, str | None]] = []  # number, source and value
        self.place = (0, 0)  # where in the cell the word stands that runs

    def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
    ) -> dict[str, Any]:
        """Run a cell, and show what lies on top of the stack."""
        count, value = self.execution_count, None
        try:
            self.run(code)
            if self.stack:
                value = str(self.stack[-1])
        except (Exception, KeyboardInterrupt) as error:
            return self.fail(code, error)
        if store_history:
            self.cells.append((count, code, value))
        if value is not None:
            data = {"text/plain": value}
            result = {"execution_count": count, "data": data, "metadata": {}}
            self.send_response(self.iopub_socket, "execute_result", result)
        return {"status": "ok", "execution_count": count, "payload": [], "user_expressions": {}}

    def run(self, code: str) -> None:
        """Run the words of a cell from left to right; those from : to ; define a new one."""
        meaning: list[str] | None = None  # of the word that is being defined, its name first
        self.place = (0, 0)
        for token in TOKEN.finditer(code):
            self.place = token.span()
            if token[0] == ":":
                meaning = []
            elif meaning is None:
                self.do(token[0])
            elif token[0] != ";":
                meaning.append(token[0])
            elif meaning:
                self.defined[meaning[0]] = meaning[1:]
                meaning = None
            else:
                raise SyntaxError(":: expected a name, got ;")
        if meaning is not None:
            raise SyntaxError(":: expected ; after the definition, got the end of the cell")

    def do(self, word: str) -> None:
        """Do what a word says. In place of a word of the user's its meaning is done."""
        waiting = [word]
        while waiting:
            word = waiting.pop()
            method = getattr(self, f"word_{word}", None)
            if word in self.defined:
                waiting += reversed(self.defined[word])
            elif word in WORDS:
                takes, makes, _ = WORDS[word]
                below = len(self.stack) - takes
                if below < 0:
                    found = len(self.stack)
                    raise IndexError(f"{word}: expected {takes} on the stack, got {found}")
                self.stack[below:] = makes(*self.stack[below:])
            elif method is not None:
                method()
            elif word.startswith('"'):
                text = word.strip('"') + "\n"
                self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": text})
            else:
                self.stack.append(number(word))

    def fail(self, code: str, error: BaseException) -> dict[str, Any]:
        """Publish an error, with a mark under the word where it happened; return the reply."""
        begin, end = self.place
        line_begin = code.rfind("\n", 0, begin) + 1
        line = code[line_begin:].partition("\n")[0]
        mark = " " * (begin - line_begin) + "^" * (end - begin)
        name, text = type(error).__name__, str(error)
        last = f"{name}: {text}" if text else name  # an interrupt has nothing to add
        content = {"ename": name, "evalue": text, "traceback": [line, mark, last]}
        self.send_response(self.iopub_socket, "error", content)
        return {"status": "error", "execution_count": self.execution_count, **content}

    # --- level 2: help while typing ------------------------------------------------------------

    def words(self) -> dict[str, str]:
        """List every word that can be used now, with its help."""
        known = {name: word.help for name, word in WORDS.items()}
        for name in dir(self):
            if name.startswith("word_"):
                known[name.removeprefix("word_")] = getattr(self, name).__doc__
        return known | {name: " ".join(meaning) for name, meaning in self.defined.items()}

    def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        """List the words that begin with what stands before the cursor."""
        typed = re.split(r"\s", code[:cursor_pos])[-1]
        return {
            "matches": sorted(word for word in self.words() if word.startswith(typed)),
            "cursor_start": cursor_pos - len(typed),
            "cursor_end": cursor_pos,
            "metadata": {},
        }

    def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Show the help of the word at the cursor."""
        words = self.words()
        for token in TOKEN.finditer(code):
            if token.start() <= cursor_pos <= token.end() and token[0] in words:
                data = {"text/plain": f"{token[0]}: {words[token[0]]}"}
                return {"found": True, "data": data, "metadata": {}}
        return {"found": False, "data": {}, "metadata": {}}

    def do_is_complete(self, code: str) -> dict[str, Any]:
        """Tell whether Enter should run the cell: not inside a definition or a text."""
        tokens = TOKEN.findall(code)
        is_open = False
        for token in tokens:
            if token == (":" if is_open else ";"):
                return {"status": "invalid"}
            is_open = is_open != (token in (":", ";"))
        in_text = bool(tokens) and re.fullmatch(r'"[^"]*', tokens[-1]) is not None
        if is_open or in_text:
            return {"status": "incomplete", "indent": ""}
        return {"status": "complete"}

    def do_history(
        self,
        hist_access_type: str,
        output: bool,
        raw: bool,
        session: int | None = None,
        start: int | None = None,
        stop: int | None = None,
        n: int | None = None,
        pattern: str | None = None,
        unique: bool = False,
    ) -> dict[str, Any]:
        """Find earlier cells: a range of them, those like a pattern, or the last ones."""
        cells = self.cells
        if hist_access_type == "range":
            last = cells[-1][0] + 1 if stop is None and cells else stop or 0
            cells = [cell for cell in cells if (start or 0) <= cell[0] < last]
        elif hist_access_type == "search":
            cells = [cell for cell in cells if fnmatchcase(cell[1], pattern or "*")]
        if unique:
            cells = list({cell[1]: cell for cell in cells}.values())
        if n is not None and hist_access_type != "range":
            cells = cells[-n:] if n > 0 else []
        return {
            "history": [
                (1, count, (source, value) if output else source) for count, source, value in cells
            ]
        }

    # --- level 3: ask, and show ----------------------------------------------------------------

    def word_ask(self) -> None:
        """-- a, the number that the user types."""
        self.stack.append(number(self.raw_input("a number: ")))

    def word_table(self) -> None:
        """--, show the whole stack as a table."""
        rows = "".join(f"<tr><td>{value}</td></tr>" for value in self.stack)
        text = " ".join(map(str, self.stack))
        data = {"text/plain": text, "text/html": f"<table>{rows}</table>"}
        self.send_response(self.iopub_socket, "display_data", {"data": data, "metadata": {}})


def number(text: str) -> Fraction:
    """Read a number: 3, 0.5 or 1/3. Raises NameError for any other text."""
    try:
        return Fraction(text)
    except ValueError:
        raise NameError(f"{text}: expected a number or a word that is known") from None


if __name__ == "__main__":
    from ..run_kernel import main

    raise SystemExit(main(RpnKernel))
