// CPU features from the compiler's cpuid helpers; cores from affinity and the cgroup's quota.
#include "base/cpu.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace hone {
namespace {

constexpr std::string_view kNames[] = {"scalar", "avx2", "avxvnni", "avx512", "avx512vnni", "amx"};

#if defined(__x86_64__)
// Leaf 7 of cpuid; not every compiler has a name for these.
bool has_avxvnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4 & 1) != 0;
}
bool has_amx_int8() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d >> 25 & 1) != 0;
}

// Linux gives the registers of AMX, which make every thread's context larger, to who asks.
bool may_use_tiles() {
  constexpr int kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}
#endif

std::vector<Isa> detect() {
  std::vector<Isa> levels = {Isa::scalar};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2")) {
    levels.push_back(Isa::avx2);
    if (has_avxvnni()) levels.push_back(Isa::avxvnni);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd")) {
      levels.push_back(Isa::avx512);
      if (__builtin_cpu_supports("avx512vnni")) {
        levels.push_back(Isa::avx512vnni);
        if (has_amx_int8() && may_use_tiles()) levels.push_back(Isa::amx);
      }
    }
  }
#endif
  return levels;
}

// "max 100000" or "150000 100000" in cgroup v2's cpu.max.
double cgroup_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 1e9;
  return std::strtod(quota.c_str(), nullptr) / period;
}

}  // namespace

std::string_view name_of(Isa isa) { return kNames[static_cast<size_t>(isa)]; }

const std::vector<Isa>& available_isas() {
  static const std::vector<Isa> levels = detect();
  return levels;
}

Isa isa_from_name(std::string_view name) {
  std::string have;
  for (Isa isa : available_isas()) {
    if (name_of(isa) == name) return isa;
    have += (have.empty() ? "" : ", ") + std::string(name_of(isa));
  }
  fail(ErrorKind::InvalidInput, "instruction set '{}': expected one that this machine has ({})",
       name, have);
}

Isa default_isa() {
  const char* forced = std::getenv("HONE_ISA");
  return forced != nullptr && *forced != '\0' ? isa_from_name(forced) : available_isas().back();
}

bool has_fma() {
#if defined(__x86_64__)
  static const bool fma = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("fma") != 0;
  }();
  return fma;
#else
  return true;
#endif
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      const size_t colon = line.find(':');
      if (colon != std::string::npos && colon + 2 < line.size()) return line.substr(colon + 2);
    }
  }
  return "unknown";
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cores = CPU_COUNT(&set);
  const double quota = std::ceil(cgroup_quota());
  return std::max(1, quota < cores ? static_cast<int>(quota) : cores);
}

int64_t core_cache_bytes() {
  static const int64_t bytes = [] {
    const int64_t told = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return told > 0 ? told : int64_t{1} << 20;
  }();
  return bytes;
}

}  // namespace hone
