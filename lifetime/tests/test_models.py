"""The models of lifetime/models and the C text have the same names; and, where spin is installed,
the models hold within the bounds of run.py --quick. Needs neither kit_test nor pytest."""

import importlib.util
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT / "lifetime" / "models"
spec = importlib.util.spec_from_file_location("models_run", MODELS / "run.py")  # there is a run.py here, too
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)

TEXTS = {
    "kit": ["lifetime/lifetime.h", "lifetime/slot.h", "lifetime/queue.h"],
    "queue": ["lifetime/lifetime.h", "lifetime/queue.h"],
    "preserve": ["lifetime/lifetime.h", "lifetime/queue.h", "internal/wrapper/header.h", "preserve/preserve.h"],
    "toggleref": ["lifetime/lifetime.h", "lifetime/queue.h", "toggleref/toggleref.h"],
    "intrusive": ["lifetime/lifetime.h", "lifetime/queue.h", "intrusive/intrusive.h"],
    "mirrored": ["lifetime/lifetime.h", "toggleref/toggleref.h", "mirrored/mirrored.h"],
    "handletable": ["handletable/handletable.c", "handletable/handletable.go", "lifetime/slot.h"],
}
# Prefixes of a name in a model that must be in the text. Py_ names are CPython's.
SHARED = re.compile(
    r"\b(?:lt|preserve|toggleref|intrusive|mirrored|handletable)_\w+|"
    r"\b(?:LT|PRESERVE|TOGGLEREF|INTRUSIVE)_\w+|\bppHandletable\w+|\bpp_give_to_go\b|\battached_refs\b"
)


def text(paths):
    return "\n".join((ROOT / path).read_text() for path in paths)


def names(source):
    return set(SHARED.findall(re.sub(r"SEED_\w+", "", source)))


def test_names_in_models_are_in_the_text():
    models = {path.stem for path in MODELS.glob("*.pml")}
    assert models == set(TEXTS), models ^ set(TEXTS)
    for model, paths in TEXTS.items():
        defined = names(text(paths))
        used = names((MODELS / f"{model}.pml").read_text())
        assert used <= defined, f"{model}.pml names what {paths[-1]} does not have: {sorted(used - defined)}"
        assert used or model == "kit", f"{model}.pml shares no name with the text"


def test_states_of_the_text_are_in_its_model():
    for model, paths in TEXTS.items():
        source = (MODELS / f"{model}.pml").read_text()
        for path in paths:
            # A scheme's states; the queue's thread has its own model.
            if pathlib.Path(path).stem != model:
                continue
            states = {
                name
                for body in re.findall(r"\benum\s*\w*\s*\{([^}]*)\}", (ROOT / path).read_text())
                for name in re.findall(r"\b[A-Z]+_[A-Z_]+\b", body)
            }
            states |= set(re.findall(r"#define (INTRUSIVE_(?:COUNTED|QUEUED))\b", (ROOT / path).read_text()))
            absent = {name for name in states if not re.search(rf"\b{name}\b", source)}
            assert not absent, f"{model}.pml lacks states of {path}: {sorted(absent)}"
            assert states or model not in ("preserve", "intrusive", "queue"), f"{path}: no states found"


def test_every_switch_is_run():
    switches = {name for path in MODELS.glob("*.pml") for name in re.findall(r"SEED_(\w+)", path.read_text())}
    assert switches == {seed[1] for seed in run.SEEDS}, switches ^ {seed[1] for seed in run.SEEDS}


def test_models_hold():
    reason = run.missing()
    if reason is None and run.stamp().exists():
        reason = "passed before, with these texts"
    if reason is None:
        done = subprocess.run([sys.executable, str(MODELS / "run.py"), "--quick"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return None
    if "pytest" in sys.modules:
        sys.modules["pytest"].skip(reason)
    return reason
