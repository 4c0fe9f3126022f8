// A small fork-join pool. Work comes as numbered items whose results do not depend on one another,
// so the number of threads can never change a bit. Each thread has a share of adjacent items, and
// takes from the others' when it is done: so parts of one kernel's result are read by the next
// kernel on the core that has them in its cache. Threads spin briefly between jobs, then park.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/function_ref.h"

namespace hone {

class ThreadPool {
 public:
  /// `threads` includes the caller; 0 means every usable core.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls `body(item, worker)` once for each item in [0, items), worker in [0, threads()). Returns
  /// when all are done. A caller that finds the pool busy (another caller, or itself from inside a
  /// body) does all items on its own thread as worker 0, so a body that uses per-worker scratch
  /// must not be entered twice at once with the same scratch. The body must not throw.
  void run(int64_t items, FunctionRef<void(int64_t item, int worker)> body);

 private:
  using Body = FunctionRef<void(int64_t, int)>;
  void work(int worker);
  /// Items that one worker takes first. Apart in memory, so that counters do not disturb each
  /// other.
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};  // nobody has taken it
    int64_t end = 0;
  };
  void take_items(const Body& body, int worker);

  std::vector<Share> shares_;
  std::vector<std::thread> workers_;
  std::atomic_flag busy_;
  // The job's number (high half), whether the pool ends, whether workers may still join the job,
  // and how many are in it. A caller closes the job when no item is left and waits only for those
  // who joined: a worker that the system has not let run yet holds nobody up. Parked workers are
  // woken for a new number. All is in one word, so that nobody can see a part of it; it has 32
  // bits, which the system can wait for where they are.
  std::atomic<uint32_t> gate_{0};
  const Body* body_ = nullptr;
};

}  // namespace hone
