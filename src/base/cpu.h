// What the CPU can do, and which instruction-set level the kernels may use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

/// Instruction-set levels, lowest first. `scalar` is the reference itself. `avxvnni` is avx2 with
/// dot products of bytes, `avx512vnni` is avx512 with them, and `amx` has tiles of them besides; a
/// machine of level avx512 may lack avxvnni.
enum class Isa { scalar, avx2, avxvnni, avx512, avx512vnni, amx };

std::string_view name_of(Isa isa);
/// Throws InvalidInput for an unknown name or a level that this machine lacks.
Isa isa_from_name(std::string_view name);
/// Every level that this machine has, lowest first.
const std::vector<Isa>& available_isas();
/// The level in use: the best one, or the one that the environment variable HONE_ISA names.
Isa default_isa();
/// True if the machine has hardware FMA (the scalar level is compiled for both).
bool has_fma();
/// "AMD EPYC 9654 96-Core Processor"
std::string cpu_model();
/// Cores that this process may use: affinity and cgroup quota respected; at least 1.
int usable_cores();
/// Bytes of the level-2 cache, on most machines a core's own; 1 MiB if the system does not tell.
int64_t core_cache_bytes();

}  // namespace hone
