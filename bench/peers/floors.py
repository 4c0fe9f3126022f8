"""What a row cannot go below on this machine: its arithmetic at the peak of fused multiply-adds, or of products of bytes,
and its weights at the bandwidth of memory where they do not fit the caches. All are measured in the same run."""
import dataclasses
import json
import pathlib
import re
import subprocess


@dataclasses.dataclass
class Floor:
    gflop: float  # of one run, or of a step
    megabytes: float  # of weights
    us: float | None  # of one run, or of a step; None where the peak is not known

    def limit(self, row):
        """The floor in the row's unit."""
        return 1e6 * row.batch / self.us if row.trains else self.us

    def share(self, row, median):
        """What was measured of what the machine has: at most 1, but for Winograd."""
        return median / self.limit(row) if row.trains else self.limit(row) / median


class Machine:
    def __init__(self, hone, threads):
        self.hone, self.threads = hone, threads
        found = json_of([hone, "doctor", "--threads", str(threads), "--json"])
        self.cpu, self.isa = found["cpu"], found["isa"]
        self.gflops, self.gb_s = found["fma_all_gflops"], found["bandwidth_gb_s"]
        self.int8_gmacs = found.get("int8_all_gmacs")  # not measured at amx
        self.cache = last_level_cache()

    def describe(self):
        int8 = f"{self.int8_gmacs:.0f} GMAC/s of bytes, " if self.int8_gmacs else ""
        return (f"{self.cpu}, {self.isa.upper()}, {self.threads} threads: {self.gflops:.0f} GFLOP/s of fused "
                f"multiply-adds, {int8}{self.gb_s:.0f} GB/s of memory")

    def floor(self, row, given):
        found = json_of([self.hone, "inspect", given["model"], "--json"])
        flops = found["flops"]
        if row.trains:
            # Forward, then by the gradients of weights and of inputs; of images there are none.
            first = next(layer["flops"] for layer in found["layers"] if layer["parameters"] > 0)
            flops = 3 * flops - first
        weights = 4 * found["parameters"]  # none are told of 8 bits, which fit the caches
        peak = self.gflops if row.bits == 32 else self.int8_gmacs and 2 * self.int8_gmacs
        if not peak:
            return Floor(1e-9 * flops * row.batch, 1e-6 * weights, None)
        us = [1e-3 * flops * row.batch / peak]
        if weights > self.cache:
            us.append(1e-3 * weights / self.gb_s)
        return Floor(1e-9 * flops * row.batch, 1e-6 * weights, max(us))


def json_of(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def last_level_cache():
    """Bytes; 0 where the system does not tell."""
    sizes = [re.fullmatch(r"(\d+)([KM]?)", path.read_text().strip())
             for path in pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size")]
    return max((int(size[1]) * {"": 1, "K": 1 << 10, "M": 1 << 20}[size[2]] for size in sizes if size), default=0)
