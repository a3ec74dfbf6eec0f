// Takes TLS connections with a certificate that it has signed itself, and passes the bytes on to a
// port of 127.0.0.1.
//
//   tls_front before{local_server::shared().port()};
//   const auto port = std::to_string(before.port());
//   open("dynamodb://127.0.0.1:" + port + "/bank?tls=on&ca=" + before.ca());
//
// Threads: a thread per connection. Throws: std::runtime_error if there is no port or certificate.
#pragma once

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace nexus::test {

class tls_front {
 public:
  explicit tls_front(int behind) : behind_{behind} {
    make_certificate();
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at = address_of(0);
    socklen_t size = sizeof at;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        listen(listener_, 64) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
      throw std::runtime_error{"no port for TLS"};
    }
    port_ = ntohs(at.sin_port);
    acceptor_ = std::thread{[this] { accept_all(); }};
  }
  ~tls_front() {
    stopping_ = true;
    acceptor_.join();
    for (auto& one : connections_) one.join();
    close(listener_);
    std::filesystem::remove(ca_);
  }
  tls_front(const tls_front&) = delete;
  tls_front& operator=(const tls_front&) = delete;

  [[nodiscard]] int port() const { return port_; }
  /// The file with its certificate.
  [[nodiscard]] const std::string& ca() const { return ca_; }
  [[nodiscard]] int connections() const { return accepted_; }

  /// Resets all connections, and returns when that is done.
  void reset_connections() {
    const std::lock_guard guard{lock_};
    ++resets_;
    for (auto& one : connections_) one.join();
    connections_.clear();
  }

 private:
  template <auto Free>
  struct freed {
    template <class T>
    void operator()(T* one) const {
      Free(one);
    }
  };
  using context = std::unique_ptr<SSL_CTX, freed<SSL_CTX_free>>;
  using stream = std::unique_ptr<SSL, freed<SSL_free>>;

  static sockaddr_in address_of(int port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    return at;
  }

  static void must(bool done) {
    if (!done) throw std::runtime_error{"no certificate could be made"};
  }

  void make_certificate() {
    const std::unique_ptr<EVP_PKEY, freed<EVP_PKEY_free>> key{EVP_EC_gen("P-256")};
    const std::unique_ptr<X509, freed<X509_free>> made{X509_new()};
    must(key && made);
    constexpr long a_day = 86'400;
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -a_day);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), a_day);
    X509_set_pubkey(made.get(), key.get());
    auto* const name = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("nexus test"), -1, -1, 0);
    X509_set_issuer_name(made.get(), name);
    const std::unique_ptr<X509_EXTENSION, freed<X509_EXTENSION_free>> host{
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1")};
    must(host && X509_add_ext(made.get(), host.get(), -1) == 1);
    must(X509_sign(made.get(), key.get(), EVP_sha256()) != 0);
    context_.reset(SSL_CTX_new(TLS_server_method()));
    must(SSL_CTX_use_certificate(context_.get(), made.get()) == 1);
    must(SSL_CTX_use_PrivateKey(context_.get(), key.get()) == 1);
    ca_ = (std::filesystem::temp_directory_path() / "nexus-ca-XXXXXX").string();
    const std::unique_ptr<FILE, freed<fclose>> file{fdopen(mkstemp(ca_.data()), "w")};
    must(file && PEM_write_X509(file.get(), made.get()) == 1);
  }

  void accept_all() {
    while (!stopping_) {
      pollfd one{listener_, POLLIN, 0};
      if (poll(&one, 1, 10) != 1) continue;
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const std::lock_guard guard{lock_};
      ++accepted_;
      connections_.emplace_back([this, fd, round = resets_.load()] {
        pass(fd, round);
        const linger at_once{1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(fd);
      });
    }
  }

  void pass(int fd, int round) {
    sigset_t pipe;  // OpenSSL writes to connections that the client has closed
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    const stream to_client{SSL_new(context_.get())};
    SSL_set_fd(to_client.get(), fd);
    if (SSL_accept(to_client.get()) != 1) return;
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto at = address_of(behind_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) {
      while (!stopping_ && resets_ == round && pass_some(*to_client, fd, server)) {
      }
    }
    close(server);
  }

  static bool pass_some(SSL& client, int fd, int server) {
    std::array<char, 65536> some;
    std::array<pollfd, 2> both{{{fd, POLLIN, 0}, {server, POLLIN, 0}}};
    if (SSL_pending(&client) == 0 && poll(both.data(), both.size(), 10) <= 0) return true;
    if (both[0].revents != 0 || SSL_pending(&client) > 0) {
      const auto n = SSL_read(&client, some.data(), some.size());
      if (n <= 0 || send(server, some.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) != n) {
        return false;
      }
    }
    if (both[1].revents == 0) return true;
    const auto n = read(server, some.data(), some.size());
    return n > 0 && SSL_write(&client, some.data(), static_cast<int>(n)) == n;
  }

  const int behind_;
  context context_;
  std::string ca_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> accepted_{0};
  std::atomic<int> resets_{0};
  std::mutex lock_;  // guards `connections_`
  std::thread acceptor_;
  std::list<std::thread> connections_;
};

}  // namespace nexus::test
