#include "cluster.hpp"

#include <libpq-fe.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace nexus::test {
namespace {

struct finisher {
  void operator()(PGconn* c) const noexcept { PQfinish(c); }
  void operator()(PGresult* r) const noexcept { PQclear(r); }
};
using connection = std::unique_ptr<PGconn, finisher>;
using result = std::unique_ptr<PGresult, finisher>;

constexpr std::string_view schemas_database = "schemas";

std::string escape(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string made;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '_' || c == '-' || c == '.') {
      made += c;
    } else {
      made += '%';
      made += hex[byte >> 4U];
      made += hex[byte & 15U];
    }
  }
  return made;
}

// Unique among the programs of a run, and within a program.
std::string fresh_name(std::string_view kind) {
  static std::atomic<int> made = 0;
  return std::string{kind} + "_" + std::to_string(getpid()) + "_" + std::to_string(++made);
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

}  // namespace

cluster& cluster::shared() {
  // ctest is our parent as it was that of `keeper share`.
  static const auto file = std::string{NEXUS_POSTGRES_SHARED} + "." + std::to_string(getppid());
  static const auto description = read_file(file);
  static cluster one{description, description.empty()};
  return one;
}

cluster::cluster(std::string_view description, bool ours) {
  if (ours) {
    launch({.fsync = false, .parent = {}, .settings = {}});
  } else {
    describe(std::string{description});
  }
}

cluster::cluster(const options& o) { launch(o); }

cluster::~cluster() {
  if (keeper_.is_there()) return;
  try {
    for (const auto& name : databases_) execute("DROP DATABASE " + name + " WITH (FORCE)");
    for (const auto& name : schemas_) {
      execute("SET client_min_messages = warning; DROP SCHEMA " + name + " CASCADE",
              schemas_database);
    }
  } catch (const std::exception&) {
    // They end with the server.
  }
}

void cluster::launch(const options& o) {
  std::vector<std::string> args{NEXUS_POSTGRES_KEEPER, "hold"};
  if (!o.fsync) args.emplace_back("--no-fsync");
  if (!o.parent.empty()) args.insert(args.end(), {"--in", o.parent});
  for (const auto& line : o.settings) args.insert(args.end(), {"--set", line});
  describe(keeper_.launch(std::move(args)));
}

void cluster::describe(const std::string& line) {
  pid_t keeper = 0;
  std::istringstream{line} >> keeper >> dir_ >> port_ >> password_;
}

void cluster::stop_immediate() { keeper_.tell("stop"); }
void cluster::start() { keeper_.tell("start"); }

std::string cluster::log() const { return read_file(dir_ + "/log"); }

std::string cluster::fresh_database() {
  auto name = fresh_name("db");
  execute("CREATE DATABASE " + name + " TEMPLATE template0");
  return uri(databases_.emplace_back(std::move(name)));
}

std::string cluster::fresh_schema() {
  const auto name = fresh_name("schema");
  try {
    execute("CREATE SCHEMA " + name, schemas_database);
  } catch (const std::runtime_error&) {  // the first one; another program may be first after all
    try {
      execute("CREATE DATABASE " + std::string{schemas_database} + " TEMPLATE template0");
    } catch (const std::runtime_error&) {
    }
    execute("CREATE SCHEMA " + name, schemas_database);
  }
  schemas_.push_back(name);
  return uri(schemas_database) + "&options=-csearch_path%3D" + name;
}

void cluster::drop(std::string_view database_uri) {
  const auto name = database_of(database_uri);
  execute("DROP DATABASE " + name + " WITH (FORCE)");
  std::erase(databases_, name);
}

std::string cluster::uri(std::string_view database) const {
  return "postgresql:///" + escape(database) + "?user=postgres&host=" + escape(dir_) +
         "&port=" + std::to_string(port_);
}

std::string cluster::tcp_uri(std::string_view database) const { return tcp_uri(database, port_); }

std::string cluster::tcp_uri(std::string_view database, int port, std::string_view user,
                             std::string_view password) const {
  return "postgresql://" + escape(user) + ":" +
         escape(password.empty() ? std::string_view{password_} : password) +
         "@127.0.0.1:" + std::to_string(port) + "/" + escape(database) + "?sslmode=disable";
}

cluster::rows cluster::execute(const std::string& sql, std::string_view database) const {
  return execute_at(uri(database), sql);
}

cluster::rows cluster::execute_at(const std::string& uri, const std::string& sql) {
  const connection to{PQconnectdb(uri.c_str())};
  if (PQstatus(to.get()) != CONNECTION_OK) throw std::runtime_error{PQerrorMessage(to.get())};
  const result got{PQexec(to.get(), sql.c_str())};
  const auto status = PQresultStatus(got.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
    throw std::runtime_error{PQerrorMessage(to.get())};
  }
  rows made(static_cast<std::size_t>(PQntuples(got.get())));
  for (int row = 0; row < PQntuples(got.get()); ++row) {
    for (int column = 0; column < PQnfields(got.get()); ++column) {
      made[static_cast<std::size_t>(row)].emplace_back(PQgetvalue(got.get(), row, column));
    }
  }
  return made;
}

std::string cluster::value_at(const std::string& uri, const std::string& sql) {
  const auto got = execute_at(uri, sql);
  return got.empty() || got[0].empty() ? std::string{} : got[0][0];
}

std::vector<pid_t> cluster::backends(std::string_view database_or_uri) const {
  std::vector<pid_t> found;
  for (const auto& row : execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client "
                                 "backend' AND pid <> pg_backend_pid() AND datname = '" +
                                 database_of(database_or_uri) + "' ORDER BY backend_start")) {
    found.push_back(static_cast<pid_t>(std::stoi(row.at(0))));
  }
  return found;
}

std::string database_of(std::string_view uri) {
  if (const auto scheme = uri.find("://"); scheme != std::string_view::npos) {
    uri.remove_prefix(uri.find('/', scheme + 3) + 1);
  }
  return std::string{uri.substr(0, uri.find('?'))};
}

}  // namespace nexus::test
