"""The matrix as a table for the terminal, as Markdown and as JSON.

    python -m lifetimes.report undeclared MATRIX.json [SUBJECT ...]

lists the outcomes that differ from the declaration, in the form of an adapter's declaration.
"""

import json
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from .harness import QUICK

MARKS = {"holds": "✓", "breaks": "✗", "n/a": "–", "crashed": "☠", "hung": "⌛", "failed": "!"}
LEGEND = "✓ holds   ✗ breaks   – not applicable   ☠ crashed   ⌛ hung   ! neither"


FAMILIES = ("I", "S", "W", "F", "G", "T", "FT", "N", "X", "L", "D", "C")


@dataclass(frozen=True)
class Cell:
    """A property of a subject."""

    subject: str
    id: str
    title: str
    promise: str
    outcome: str
    expected: str
    reason: str
    detail: str

    @property
    def why(self):
        """The reason for the outcome in a line: what is declared, or what happened."""
        if self.outcome == self.expected:
            return self.reason
        lines = self.detail.strip().splitlines() or ["no reason given"]
        return lines[0 if self.outcome == "crashed" else -1]


def order(property_id):
    """The key that sorts properties as the documentation has them; L2, which depends on all others, last."""
    family, number = re.match(r"([A-Z]+)(\d+)", property_id).groups()
    return property_id == "L2", FAMILIES.index(family), int(number), property_id


def grid(cells):
    """(a cell of each property, in order; {(subject, property id): cell})"""
    return list({c.id: c for c in cells}.values()), {(c.subject, c.id): c for c in cells}


def table(cells, subjects):
    """Strategies across, properties down, and the reason for each break."""
    properties, at = grid(cells)
    width = max(len(p.title) for p in properties)
    id_width = max(len(p.id) for p in properties)
    lines = [f"{'':{id_width + width + 3}}" + "  ".join(s.name for s in subjects)]
    for p in properties:
        marks = []
        for s in subjects:
            cell = at.get((s.name, p.id))
            mark = MARKS[cell.outcome] if cell else " "
            if cell and cell.outcome != cell.expected:
                mark += "!"
            marks.append(f"{mark:^{len(s.name)}}")
        lines.append(f"{p.id:{id_width}}  {p.title:{width}} " + "  ".join(marks).rstrip())
    lines += ["", LEGEND, ""]
    for s in subjects:
        groups = reasons(cells, s)
        if groups:
            lines.append(f"{s.name}:")
            lines += [f"  {mark} {', '.join(ids)}: {why}" for mark, why, ids in groups]
    return "\n".join(lines) + "\n"


def reasons(cells, subject):
    """[(mark, reason, [property ids])] of what does not hold, equal reasons together."""
    groups = {}
    for c in cells:
        if c.subject == subject.name and c.outcome != "holds":
            groups.setdefault((MARKS[c.outcome], c.why), []).append(c.id)
    return [(mark, why, ids) for (mark, why), ids in groups.items()]


def markdown(cells, subjects):
    properties, at = grid(cells)
    lines = [
        f"# Correctness matrix, CPython {version()}{', quick run' if QUICK else ''}",
        "",
        "| | property | " + " | ".join(s.name for s in subjects) + " |",
        "|---|---|" + ":-:|" * len(subjects),
    ]
    for p in properties:
        marks = [MARKS[at[s.name, p.id].outcome] if (s.name, p.id) in at else "" for s in subjects]
        lines.append(f"| {p.id} | {p.promise.rstrip('.')} | " + " | ".join(marks) + " |")
    lines += ["", LEGEND, ""]
    for s in subjects:
        lines += [f"## {s.name}", "", f"{s.idea[0].upper()}{s.idea[1:]}.", ""]
        groups = reasons(cells, s)
        lines += [f"- {mark} **{', '.join(ids)}**: {why}" for mark, why, ids in groups]
        lines += [""] if groups else []
    return "\n".join(lines).rstrip() + "\n"


def document(cells, subjects, skipped):
    properties, at = grid(cells)
    return {
        "python": version(),
        "quick": QUICK,
        "subjects": [
            {"name": s.name, "kind": s.kind, "idea": s.idea, "shipped_by": list(s.shipped_by)}
            | (
                {"ships": s.ships, "note": s.note}
                if s.kind == "library"
                else {"needs_gil": s.needs_gil, "elsewhere": elsewhere(s, at)}
            )
            for s in subjects
        ],
        "skipped": [{"name": name, "reason": reason} for name, reason in skipped.items()],
        "properties": [{"id": p.id, "title": p.title, "promise": p.promise} for p in properties],
        "outcomes": [
            {
                "subject": c.subject,
                "property": c.id,
                "outcome": c.outcome,
                "expected": c.expected,
                "reason": c.reason or c.detail,
            }
            | ({"detail": c.detail} if c.outcome != c.expected else {})
            for c in cells
        ],
    }


def elsewhere(subject, at):
    """{property: reason}: what a strategy declares to break and this interpreter cannot show."""
    return {
        id: why
        for id, why in subject.breaks.items()
        if (subject.name, id) in at and at[subject.name, id].outcome == "n/a"
    }


def version():
    flags = "".join(w for w, on in ((" free-threaded", "t" in sys.abiflags), (" debug", "d" in sys.abiflags)) if on)
    return platform.python_version() + flags


def write(cells, subjects, skipped, json_file, md_file):
    """To these files, where they are given."""
    if json_file:
        text = json.dumps(document(cells, subjects, skipped), ensure_ascii=False, separators=(",", ":"))
        Path(json_file).write_text(text + "\n", encoding="utf-8")
    if md_file:
        Path(md_file).write_text(markdown(cells, subjects), encoding="utf-8")


def undeclared(document, subjects=()):
    """The outcomes that are not as declared, as entries for a Library's differs."""
    lines = []
    for s in document["subjects"]:
        groups = {}
        for o in document["outcomes"]:
            if o["subject"] == s["name"] and o["outcome"] != o["expected"]:
                lines_of = o["detail"].strip().splitlines() or ["nothing said"]
                detail = "; ".join(lines_of[:2]) if o["outcome"] == "crashed" else lines_of[-1]
                groups.setdefault((o["outcome"], o["expected"], detail), []).append(o["property"])
        if groups and (not subjects or s["name"] in subjects):
            ships = f" (ships {s['ships']})" if "ships" in s else ""
            lines.append(f"{s['name']}{ships}:")
            lines += [
                f"  ({outcome!r}, {' '.join(ids)!r}, ...)  # declared {expected}: {detail}"
                for (outcome, expected, detail), ids in groups.items()
            ]
    return "\n".join(lines) or "everything came out as declared"


if __name__ == "__main__":
    if sys.argv[1:2] != ["undeclared"] or len(sys.argv) < 3:
        sys.exit(__doc__)
    with open(sys.argv[2], encoding="utf-8") as f:
        print(undeclared(json.load(f), sys.argv[3:]))
