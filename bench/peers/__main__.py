#!/usr/bin/env python3
"""hone beside its peers: each row's contenders take turns, so that a machine whose speed drifts is as
kind to one as to the other.

    ./dev bench --peers [ROW...] [--torch] [--keras] [--only PEER,...] [--threads N] [--rounds N] [--seconds S]

Without rows it runs them all, and writes the table into docs/performance.md and the picture beside it.
Peers are installed from PyPI into virtual environments under build/peers.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

import environments
import picture
import table
from contenders import Hone, Peer
from floors import Machine
from inputs import Inputs
from rows import ROWS, chosen

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parse():
    parser = argparse.ArgumentParser(prog="./dev bench --peers", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="of: " + " ".join(row.name for row in ROWS))
    parser.add_argument("--torch", action="store_true", help="also PyTorch (some GB to install)")
    parser.add_argument("--keras", action="store_true", help="also Keras on TensorFlow (1 GB to install)")
    parser.add_argument("--only", metavar="PEER,...", help="these peers and no others")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1, help="that each measurement lasts")
    parser.add_argument("--hone", type=pathlib.Path, default=ROOT / "build/release/hone", help=argparse.SUPPRESS)
    return parser.parse_args()


def commit():
    """The commit of the sources, with a + where they were changed since."""
    def git(*arguments):
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True).stdout.strip()
    return (git("rev-parse", "--short", "HEAD") or "no commit") + ("+" if git("status", "--porcelain") else "")


def run_row(row, given, contenders, rounds):
    """The measurements of each contender, round by round; the reason instead where one failed."""
    found = {contender.name: [] for contender in contenders}
    for i in range(rounds):
        first = i % len(contenders)  # nobody is always measured after the same other
        for contender in contenders[first:] + contenders[:first]:
            so_far = found[contender.name]
            if isinstance(so_far, str):
                continue
            try:
                so_far.append(contender.measure(row, given))
            except Exception as problem:  # one that fails leaves its cell and the run goes on
                found[contender.name] = f"failed: {problem}"
        print(f"\r{row.name}: round {i + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def main():
    args = parse()
    measured, busy = commit(), os.getloadavg()[0]
    rows = chosen(args.rows)
    work = ROOT / "build/peers"
    installed = environments.Environments(work, environments.chosen(args))
    inputs = Inputs(work, args.hone, installed)
    hone = Hone(args.hone, args.threads, args.seconds)
    machine = Machine(args.hone, args.threads)
    peers = [Peer(engine, installed, args.threads, args.seconds) for engine in installed.engines]
    results = []
    for row in rows:
        contenders = [hone] + [peer for peer in peers if peer.takes(row)]
        given = inputs.of(row)
        results.append(table.Result(row, run_row(row, given, contenders, args.rounds), machine.floor(row, given)))
        print(table.line_of(results[-1]), flush=True)
    notes = table.notes(machine, installed.versions(), args, measured, busy)
    text = table.markdown(results, notes)
    (work / "results.json").write_text(json.dumps(table.as_json(results, notes), indent=1) + "\n")
    print("\n" + text)
    if args.rows or args.only:
        print("docs/performance.md is written by a run of all rows and peers.", file=sys.stderr)
        return
    (ROOT / "docs/images/peers.svg").write_text(picture.svg(results))
    table.write_into(ROOT / "docs/performance.md", text)


if __name__ == "__main__":
    main()
