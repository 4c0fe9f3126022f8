#!/usr/bin/env python3
"""hone beside its peers: each row's contenders take short turns, so that a machine whose speed drifts is as kind to one
as to the other.

    ./dev bench --peers [ROW...] [--torch] [--keras] [--only PEER,...] [--threads N] [--rounds N] [--seconds S]

Without rows it runs them all, and writes the table into docs/performance.md and the picture beside it.
Peers are installed from PyPI into virtual environments under build/peers.
"""
import argparse
import json
import os
import pathlib
import random
import signal
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
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seconds", type=float, default=0.2, help="that each turn lasts")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help=argparse.SUPPRESS)
    return parser.parse_args()


def commit():
    """The commit of the sources, with a + where they were changed since."""
    def git(*arguments):
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True).stdout.strip()
    return (git("rev-parse", "--short", "HEAD") or "no commit") + ("+" if git("status", "--porcelain") else "")


def run_row(row, given, contenders, args):
    """What each contender found, round by round; the reason instead where one failed."""
    found, running, draw = {}, {}, random.Random(0)
    try:
        for contender in contenders:
            print(f"\r{row.name}: starting {contender.name}\033[K", end="", file=sys.stderr, flush=True)
            try:
                running[contender.name] = contender.start(row, given)
                found[contender.name] = []
            except Exception as problem:  # one that fails leaves its cell and the run goes on
                found[contender.name] = f"failed: {problem}"
        for i in range(args.rounds):
            for name in draw.sample(list(running), len(running)):  # nobody always comes after the same other
                try:
                    found[name].append(running[name].turn(args.seconds))
                except Exception as problem:
                    running.pop(name).end()
                    found[name] = f"failed: {problem}"
            print(f"\r{row.name}: round {i + 1} of {args.rounds}\033[K", end="", file=sys.stderr, flush=True)
    finally:
        for contender in running.values():
            contender.end()
        print(file=sys.stderr)
    return found


def main():
    args = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # contenders are ended, which may be stopped
    measured, busy = commit(), os.getloadavg()[0]
    rows = chosen(args.rows)
    work = ROOT / "build/peers"
    installed = environments.Environments(work, environments.chosen(args))
    inputs = Inputs(work, args.build / "hone", installed)
    machine = Machine(args.build / "hone", args.threads)
    hone = Hone(args.build / "bench_contender", args.threads)
    peers = [Peer(engine, installed, args.threads) for engine in installed.engines]
    results = []
    for row in rows:
        contenders = [hone] + [peer for peer in peers if peer.takes(row)]
        given = inputs.of(row)
        results.append(table.Result(row, run_row(row, given, contenders, args), machine.floor(row, given)))
        print(table.line_of(results[-1]), flush=True)
    notes = table.notes(machine, installed.versions(), args, measured, busy)
    text = table.markdown(results, notes)
    (work / "results.json").write_text(json.dumps(table.as_json(results, notes), indent=1) + "\n")
    print("\n" + text)
    if args.rows or args.only:
        print("docs/performance.md is written by a run of all rows and peers.", file=sys.stderr)
        return
    image = f"images/peers-{machine.isa}.svg"
    (ROOT / "docs" / image).write_text(picture.svg(results))
    table.write_into(ROOT / "docs/performance.md", machine.isa, text, image)


if __name__ == "__main__":
    main()
