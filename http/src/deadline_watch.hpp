// Interrupts the sessions of requests whose time is over. One thread, which sleeps until the next
// deadline.
//
// Threads: any; `run` is on a thread of the owner.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

#include "nexus/session.hpp"

namespace nexus { inline namespace v0 { namespace http {

class deadline_watch {
  using time_point = std::chrono::steady_clock::time_point;

 public:
  /// Watches a session, which must outlive it, and interrupts it at the deadline.
  class [[nodiscard]] watched {
   public:
    watched(deadline_watch& by, session& one, time_point until);
    ~watched();
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;

   private:
    friend class deadline_watch;
    deadline_watch& by_;
    session& one_;
    std::multimap<time_point, watched*>::iterator at_;  // end(): its time is over
  };

  void run();
  void stop();

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::multimap<time_point, watched*> all_;
  bool stopped_ = false;
};

}}}
