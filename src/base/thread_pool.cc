// The pool: one atomic counter hands out items; a job number wakes the workers.
#include "base/thread_pool.h"

#include "base/cpu.h"
#include "base/fp_state.h"

namespace hone {
namespace {

constexpr int kSpins =
    20000;  // about 20 to 50 microseconds: longer than the gap between two kernels

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  const int total = threads > 0 ? threads : usable_cores();
  for (int i = 1; i < total; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    job_.fetch_add(1);
  }
  wake_.notify_all();
  for (std::thread& t : workers_) t.join();
}

void ThreadPool::take_items(const Body& body, int64_t items, int worker) {
  for (;;) {
    const int64_t item = next_.fetch_add(1, std::memory_order_relaxed);
    if (item >= items) return;
    body(item, worker);
  }
}

void ThreadPool::work(int worker) {
  const FpState fp;
  uint64_t seen = 0;
  for (;;) {
    for (int spin = 0; job_.load(std::memory_order_acquire) == seen && spin < kSpins; ++spin)
      pause();
    if (job_.load(std::memory_order_acquire) == seen) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return job_.load(std::memory_order_acquire) != seen; });
    }
    if (stop_) return;
    seen = job_.load(std::memory_order_acquire);
    take_items(*body_, items_, worker);
    running_.fetch_sub(1, std::memory_order_release);
  }
}

void ThreadPool::run(int64_t items, Body body) {
  if (workers_.empty() || items <= 1 || busy_.test_and_set(std::memory_order_acquire)) {
    for (int64_t i = 0; i < items; ++i) body(i, 0);
    return;
  }
  body_ = &body;
  items_ = items;
  next_.store(0, std::memory_order_relaxed);
  running_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  {
    std::lock_guard lock(
        mutex_);  // so that no worker misses the change between its check and its wait
    job_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_all();
  take_items(body, items, 0);
  for (int spin = 0; running_.load(std::memory_order_acquire) > 0; ++spin) {
    if (spin < kSpins) pause();
    else std::this_thread::yield();
  }
  busy_.clear(std::memory_order_release);
}

}  // namespace hone
