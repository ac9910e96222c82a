"""Asks ten questions about each product in libraries/, each in a process of its own with a time limit:

    make products                          # installs the libraries into .venv-products first, up to 1 GB
    make products PRODUCTS="NAME..."       # these only
    make products LIMIT_MB=3000            # up to 3 GB

The questions are in ask.py. Answers go to results.json, and from there to the page.
"""

import argparse
import ast
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
import outside

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
PAGE = outside.ROOT / "docs" / "products.md"
SECONDS = 60

QUESTIONS = {
    "alive": "while the wrapper lives",
    "dropped": "after it died",
    "attributes": "attributes",
    "subclass": "Python subclass",
    "slots": "`__slots__`",
    "weak": "weak reference",
    "cycle": "cycle",
    "chain": "deep chain",
    "threads": "four threads",
    "exit": "at exit",
}


def described(path):
    """The PRODUCT of a file, without importing the library."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PRODUCT":
            return SimpleNamespace(path=path, **ast.literal_eval(node.value))
    raise ValueError(f"{path} has no PRODUCT")


def products():
    return {path.stem: described(path) for path in sorted((HERE / "libraries").glob("*.py"))}


def version(product):
    return product.requirements[0].split("==")[1]


def fitting(chosen, limit):
    """The names of what fits into so many megabytes, the smallest first. A library is counted once."""
    sizes = {p.requirements: p.megabytes for p in chosen.values()}
    total, fits = 0, set()
    for requirements, megabytes in sorted(sizes.items(), key=lambda item: item[1]):
        if total + megabytes <= limit:
            total += megabytes
            fits.add(requirements)
    return {name for name, p in chosen.items() if p.requirements in fits}


def answer(status, output):
    """A question's answer, from how its process ended and what it printed last."""
    last = (output.strip().splitlines() or [""])[-1]
    if status is None:
        return "hangs"
    if status < 0:
        return f"crashes {last}" if last.startswith("with ") else "crashes"
    return last if status == 0 else f"fails: {last}"


def ask(python, product, question):
    return answer(*outside.run_alone([python, "-I", str(HERE / "ask.py"), str(product.path), question], SECONDS))


def recorded():
    """The answers, by product."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return {name: results[name] for name in products() if name in results}


def record(name, answers):
    results = {**recorded(), name: {"version": version(products()[name]), "answers": answers, **outside.stamp()}}
    RESULTS.write_text(json.dumps({n: results[n] for n in products() if n in results}, indent=1) + "\n")


def generated(results):
    """The table of the page, from the products and what they answered, and what it comes to."""
    head = ["library", "object and holder", *QUESTIONS.values(), "documented"]
    rows, every = [], products()
    for name, result in results.items():
        product = every[name]
        source = f"[{product.library}](../products/libraries/{name}.py) {result['version']}"
        answers = [result["answers"][question] for question in QUESTIONS]
        rows.append([source, product.holder, *answers, f"[{product.documented}]({product.url})"])
    cycles = [r["answers"]["cycle"] for r in results.values() if r["answers"]["attributes"].startswith("kept")]
    measured = sorted({f"{result['date']}, CPython {result['python']}" for result in results.values()})
    return (
        outside.table(head, rows)
        + f"\nAn attribute survives for {len(cycles)} of {len(rows)} objects; a cycle through it is collected for "
        + f"{cycles.count('collected')} of these {len(cycles)}.\nAsked {' and '.join(measured)}, Linux x86-64, by "
        + "`make products`.\n"
    )


def say(text):
    print(f"products: {text}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    names = parser.parse_args().names
    every = products()
    if unknown := [name for name in names if name not in every]:
        parser.error(f"no product is called {', '.join(unknown)}; there are {', '.join(every)}")
    chosen = {name: every[name] for name in names or every}
    limit = int(os.environ.get("LIMIT_MB") or 1000)
    fits = fitting(chosen, limit)
    environment = outside.Environment("products", say)
    missing = environment.install(r for name, p in chosen.items() if name in fits for r in p.requirements)
    failures = 0
    progress = outside.Progress(say, len(chosen))
    for name, product in chosen.items():
        progress.next(f"{name}: {product.library} {version(product)}")
        reasons = [missing[r] for r in product.requirements if r in missing]
        if name not in fits:
            reasons = [f"its {product.megabytes} MB do not fit into {limit} MB (LIMIT_MB=) with the others"]
        if reasons:
            print(f"{name}: skipped: {reasons[0]}")
            continue
        answers = {question: ask(environment.python, product, question) for question in QUESTIONS}
        print(f"{name}: " + "; ".join(f"{question}: {said}" for question, said in answers.items()), flush=True)
        if failed := [question for question, said in answers.items() if said.startswith("fails")]:
            failures += 1
            say(f"{name}: {', '.join(failed)} could not be asked, and nothing is recorded")
            continue
        record(name, answers)
    PAGE.write_text(outside.spliced(PAGE.read_text(), "products", generated(recorded())))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
