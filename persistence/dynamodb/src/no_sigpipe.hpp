// While it is there, a write to a connection that the server has closed ends in an error, not in a
// SIGPIPE, which would end the program: older versions of libcurl let OpenSSL write to the socket,
// without MSG_NOSIGNAL, and leave the signal to us, since they could only ignore it for all threads.
//
// Threads: one at a time; only signals of this thread are held back. Throws: nothing.
#pragma once

#include <pthread.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace nexus { inline namespace v0 { namespace dynamodb {

class no_sigpipe {
 public:
  no_sigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~no_sigpipe() {
    const timespec at_once{};
    while (!was_pending_ && sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  no_sigpipe(const no_sigpipe&) = delete;
  no_sigpipe& operator=(const no_sigpipe&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

}}}  // namespace nexus::v0::dynamodb
