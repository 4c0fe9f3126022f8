// The pool: counters hand out the items of each share; a job number wakes the workers.
#include "base/thread_pool.h"

#include "base/cpu.h"
#include "base/fp_state.h"

namespace hone {
namespace {

constexpr int kSpins = 4000;  // some 50 microseconds: longer than the gap between two kernels
constexpr uint32_t kStop = uint32_t{1} << 15, kOpen = uint32_t{1} << 14;
constexpr uint32_t kMembers = kOpen - 1;

// A number comes again after 65,536 jobs. A worker that slept through them all takes the job for
// one it has seen, and sleeps on; the others do it.
uint32_t job_of(uint32_t gate) { return gate >> 16; }
uint32_t next_job(uint32_t gate) { return (job_of(gate) + 1) << 16; }

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads)
    : shares_(static_cast<size_t>(threads > 0 ? threads : usable_cores())) {
  for (int i = 1; i < static_cast<int>(shares_.size()); ++i)
    workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  gate_.store(next_job(gate_.load()) | kStop);
  gate_.notify_all();
  for (std::thread& t : workers_) t.join();
}

void ThreadPool::take_items(const Body& body, int worker) {
  for (size_t i = 0; i < shares_.size(); ++i) {
    Share& share = shares_[(static_cast<size_t>(worker) + i) % shares_.size()];
    for (;;) {
      const int64_t item = share.next.fetch_add(1, std::memory_order_relaxed);
      if (item >= share.end) break;
      body(item, worker);
    }
  }
}

void ThreadPool::work(int worker) {
  const FpState fp;
  uint32_t seen = 0;
  for (;;) {
    uint32_t gate = gate_.load(std::memory_order_acquire);
    for (int spin = 0; job_of(gate) == seen && (gate & kStop) == 0; ++spin) {
      if (spin < kSpins) pause();
      else gate_.wait(gate);
      gate = gate_.load(std::memory_order_acquire);
    }
    if ((gate & kStop) != 0) return;
    seen = job_of(gate);
    bool joined = false;
    while (!joined && (gate & kOpen) != 0 && job_of(gate) == seen)
      joined = gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel);
    if (!joined) continue;
    take_items(*body_, worker);
    gate_.fetch_sub(1, std::memory_order_release);
  }
}

void ThreadPool::run(int64_t items, Body body) {
  if (workers_.empty() || items <= 1 || busy_.test_and_set(std::memory_order_acquire)) {
    for (int64_t i = 0; i < items; ++i) body(i, 0);
    return;
  }
  body_ = &body;
  const auto shares = static_cast<int64_t>(shares_.size());
  for (int64_t i = 0; i < shares; ++i) {
    Share& share = shares_[static_cast<size_t>(i)];
    share.next.store(i * items / shares, std::memory_order_relaxed);
    share.end = (i + 1) * items / shares;
  }
  gate_.store(next_job(gate_.load(std::memory_order_relaxed)) | kOpen);
  gate_.notify_all();
  take_items(body, 0);
  gate_.fetch_and(~kOpen, std::memory_order_acq_rel);
  for (int spin = 0; (gate_.load(std::memory_order_acquire) & kMembers) != 0; ++spin) {
    if (spin < kSpins) pause();
    else std::this_thread::yield();
  }
  busy_.clear(std::memory_order_release);
}

}  // namespace hone
