"""Results as lines, as Markdown and as JSON."""
import dataclasses
import os
import statistics
import textwrap

from environments import NAMES

BEGIN, END = "<!-- peers: written by ./dev bench --peers -->", "<!-- peers: end -->"


@dataclasses.dataclass
class Result:
    row: object
    found: dict  # contender: its measurements, or why there are none
    floor: object

    def median(self, name):
        """The median over the rounds, or None."""
        rounds = self.found.get(name)
        return statistics.median(m.median for m in rounds) if rounds and not isinstance(rounds, str) else None

    def faster(self, name, than):
        """How much faster one is than another: the median over the rounds of each round's ratio."""
        ratios = [a.median / b.median for a, b in zip(self.found[name], self.found[than])]
        return statistics.median(ratios if self.row.trains else [1 / ratio for ratio in ratios])

    def peers(self):
        """The peers that were measured, the fastest first."""
        names = [name for name in self.found if name != "hone" and self.median(name) is not None]
        return sorted(names, key=self.median, reverse=self.row.trains)

    def ratio(self):
        """hone's speed over the best peer's, or None."""
        return self.faster("hone", self.peers()[0]) if self.peers() and self.median("hone") is not None else None

    def share(self):
        return self.floor.share(self.row, self.median("hone")) if self.median("hone") is not None else None


def number(value, row):
    if row.trains:
        return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    return f"{value / 1000:.1f} ms" if value >= 10000 else f"{value:.0f} us" if value >= 100 else f"{value:.1f} us"


def cells(result):
    """hone, its ratio, the share of the floor, the peers: as text."""
    row, ratio, share = result.row, result.ratio(), result.share()
    hone = result.found["hone"] if result.median("hone") is None else number(result.median("hone"), row)
    floor = f"{number(result.floor.limit(row), row)} ({result.floor.gflop:.2g} GFLOP, {result.floor.megabytes:.2g} MB)"
    if row.bits == 8:  # the floor is that of fp32
        floor, share = "", None
    peers = [f"{NAMES[name]} {number(result.median(name), row)}" for name in result.peers()]
    peers += [f"{NAMES[name]}: {why}" for name, why in result.found.items() if name != "hone" and isinstance(why, str)]
    return [row.what, hone, f"**{ratio:.2f}**" if ratio else "", f"{share:.0%}" if share else "", floor,
            ", ".join(peers)]


def line_of(result):
    _, hone, ratio, share, floor, peers = cells(result)
    unit = " images/s" if result.row.trains else ""
    return (f"{result.row.name}: hone {hone}{unit}, {ratio.strip('*') or '-'} x the best peer, {share} of the floor "
            f"{floor}; {peers}")


def markdown(results, notes):
    lines = [*(textwrap.fill(note, 118) for note in notes), "", "| work | hone | speed / best peer | share of the floor | floor | peers |",
             "|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(cells(result))} |" for result in results]
    return "\n".join(lines)


def notes(machine, versions, args, commit, busy):
    out = [
        f"{machine.describe()}. {', '.join([f'hone at {commit}', *versions])}.",
        "",
        f"Training is in images/s. Each figure is the median of {args.rounds} rounds, in which the contenders take turns "
        f"for {args.seconds:g} s each, warm; a ratio is the median of the rounds' ratios. Peers are called from Python: "
        "of a few microseconds, some are the call. The floor of a row is its arithmetic (without the savings of "
        "Winograd's transforms, so that more than 100% is possible) at the machine's peak or, if that is longer, reading "
        "its weights from memory once where they exceed the caches.",
    ]
    if busy > 0.2 * os.cpu_count():
        out += ["", f"Others used the machine as well (a load of {busy:.1f} on {os.cpu_count()} cores when it began): "
                "these figures are preliminary."]
    return out


def as_json(results, notes):
    return {"notes": notes, "rows": [
        {"name": r.row.name, "unit": r.row.unit, "ratio": r.ratio(), "share": r.share(),
         "floor": dataclasses.asdict(r.floor),
         "found": {name: rounds if isinstance(rounds, str) else [dataclasses.asdict(m) for m in rounds]
                   for name, rounds in r.found.items()}} for r in results]}


def write_into(document, text):
    """Replaces what an earlier run wrote, or appends."""
    block = f"{BEGIN}\n\n{text}\n\n![Each contender's speed over that of the best peer](images/peers.svg)\n\n{END}\n"
    old = document.read_text() if document.exists() else "# Performance\n\n## Beside its peers\n\n"
    before, found, rest = old.partition(BEGIN)
    after = rest.partition(END)[2].removeprefix("\n") if found else ""
    document.write_text((before if found else before.rstrip("\n") + "\n\n") + block + after)
