"""Results as lines, as Markdown and as JSON."""
import dataclasses
import os
import statistics
import textwrap

from environments import NAMES


@dataclasses.dataclass
class Result:
    row: object
    found: dict  # contender: what each of its turns gave, or why there is nothing
    floor: object

    def median(self, name):
        """The median over the rounds, or None."""
        rounds = self.found.get(name)
        return statistics.median(rounds) if rounds and not isinstance(rounds, str) else None

    def ratios(self, name, than):
        """How much faster one was than another in each round, the least first."""
        ratios = [a / b for a, b in zip(self.found[name], self.found[than])]
        return sorted(ratios if self.row.trains else [1 / ratio for ratio in ratios])

    def faster(self, name, than):
        return statistics.median(self.ratios(name, than))

    def peers(self):
        """The peers that were measured, the fastest first."""
        names = [name for name in self.found if name != "hone" and self.median(name) is not None]
        return sorted(names, key=self.median, reverse=self.row.trains)

    def ratio(self):
        """hone's speed over the best peer's: a quarter, half and three quarters of the rounds are below; or None."""
        if not self.peers() or self.median("hone") is None:
            return None
        ratios = self.ratios("hone", self.peers()[0])
        return [ratios[i * (len(ratios) - 1) // 4] for i in (1, 2, 3)]

    def share(self):
        known = self.floor.us and self.median("hone") is not None
        return self.floor.share(self.row, self.median("hone")) if known else None


def number(value, row):
    if row.trains:
        return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    return f"{value / 1000:.1f} ms" if value >= 10000 else f"{value:.0f} us" if value >= 100 else f"{value:.1f} us"


def cells(result):
    """hone, its ratio, the share of the floor, the peers: as text."""
    row, ratio, share = result.row, result.ratio(), result.share()
    hone = result.found["hone"] if result.median("hone") is None else number(result.median("hone"), row)
    floor = ""
    if result.floor.us:
        size = f"{result.floor.gflop:.2g} GFLOP, {result.floor.megabytes:.2g} MB" if row.bits == 32 else \
            f"{result.floor.gflop / 2:.2g} billion products"
        floor = f"{number(result.floor.limit(row), row)} ({size})"
    peers = [f"{NAMES[name]} {number(result.median(name), row)}" for name in result.peers()]
    peers += [f"{NAMES[name]}: {why}" for name, why in result.found.items() if name != "hone" and isinstance(why, str)]
    ratio = "**{1:.2f}** ({0:.2f} to {2:.2f})".format(*ratio) if ratio else ""
    return [row.what, hone, ratio, f"{share:.0%}" if share else "", floor, ", ".join(peers)]


def line_of(result):
    _, hone, ratio, share, floor, peers = cells(result)
    unit = " images/s" if result.row.trains else ""
    ratio = ratio.replace("*", "") or "-"
    floor = f", {share} of the floor {floor}" if floor else ""
    return f"{result.row.name}: hone {hone}{unit}, {ratio} x the best peer{floor}; {peers}"


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
        f"for {args.seconds:g} s each, warm, by processes that stay and are stopped between their turns; a ratio is the "
        "median of the rounds' ratios, with the quartiles behind it. Peers are called from Python: "
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
         "found": r.found} for r in results]}


def write_into(document, isa, text, image):
    """Replaces what an earlier run on a machine of this kind wrote, or puts it behind the last such table."""
    begin, end = f"<!-- peers, {isa}: written by ./dev bench --peers -->", "<!-- peers: end -->"
    block = f"{begin}\n\n{text}\n\n![Each contender's speed over that of the best peer]({image})\n\n{end}"
    old = document.read_text()
    if begin in old:
        before, _, rest = old.partition(begin)
        new = before + block + rest.partition(end)[2]
    else:
        before, _, rest = old.rpartition(end)
        new = before + end + "\n\n" + block + rest if before else old.rstrip("\n") + "\n\n" + block + "\n"
    document.write_text(new)
