// Waits for SIGTERM or SIGINT: make one before any thread, since threads inherit what it blocks.
//
// Threads: that of main().
#pragma once

#include <pthread.h>

#include <csignal>

namespace sample {

class stop_signals {
 public:
  stop_signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void wait() const {
    int which = 0;
    sigwait(&set_, &which);
  }

 private:
  sigset_t set_{};
};

}  // namespace sample
