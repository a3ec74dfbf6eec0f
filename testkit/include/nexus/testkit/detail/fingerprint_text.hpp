// Fingerprints as text, and the effect of their differences on stored data.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/testkit/detail/shape.hpp"

namespace nexus { inline namespace v0 { namespace testkit::detail {

struct print {
  std::string serializer;
  std::vector<shape> shapes;

  [[nodiscard]] const shape* find(std::string_view name) const {
    const auto at =
        std::find_if(shapes.begin(), shapes.end(), [&](const shape& s) { return s.name == name; });
    return at == shapes.end() ? nullptr : &*at;
  }

  /// What reads the rows of `was`: of several versions the lowest one that is not older.
  [[nodiscard]] const shape* reader_of(const shape& was) const {
    const shape* found = nullptr;
    for (const auto& s : shapes) {
      if ((s.reads.empty() ? s.name : s.reads) != was.name) continue;
      const bool better = found == nullptr || found->version < was.version
                              ? found == nullptr || s.version > found->version
                              : s.version >= was.version && s.version < found->version;
      if (better) found = &s;
    }
    return found;
  }
};

inline std::string to_text(const print& p) {
  std::string text = "serializer " + p.serializer + "\n";
  for (const auto& s : p.shapes) {
    text += s.name + " version " + std::to_string(s.version) + "\n";
    for (const auto& f : s.fields) text += "  " + f.path + ": " + f.kind + "\n";
  }
  return text;
}

/// Reads the output of `to_text`; lines with # are comments. None if the text is something else.
inline std::optional<print> from_text(const std::string& text) {
  constexpr std::string_view head = "serializer ";
  constexpr std::string_view version = " version ";
  print read;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with(head)) {
      read.serializer = line.substr(head.size());
    } else if (line.starts_with("  ")) {
      const auto colon = line.rfind(": ");
      if (colon == std::string::npos || read.shapes.empty()) return std::nullopt;
      read.shapes.back().fields.push_back({line.substr(2, colon - 2), line.substr(colon + 2)});
    } else {
      const auto at = line.rfind(version);
      if (at == std::string::npos) return std::nullopt;
      shape s;
      s.name = line.substr(0, at);
      const auto* end = line.data() + line.size();
      const auto number = std::from_chars(line.data() + at + version.size(), end, s.version);
      if (number.ec != std::errc{} || number.ptr != end) return std::nullopt;
      read.shapes.push_back(std::move(s));
    }
  }
  if (read.serializer.empty()) return std::nullopt;
  return read;
}

struct changes {
  std::vector<std::string> breaking;  ///< stored data could not be read any more, or wrongly
  std::vector<std::string> harmless;
};

/// Compares the fields of one version of a type.
class field_comparison {
 public:
  field_comparison(const shape& before, const shape& now, changes& out)
      : before_{before}, now_{now}, out_{out} {}

  void run() {
    for (std::size_t i = 0; i < before_.fields.size(); ++i) compare(i);
    for (const auto& f : now_.fields) {
      if (find(before_.fields, f.path) != nullptr || taken(f.path)) continue;
      if (inside_new_optional(f.path)) {
        say(out_.harmless, f.path, "is new and optional");
      } else {
        say(out_.breaking, f.path, "is new and not optional");
      }
    }
    if (before_.fields != now_.fields && out_.breaking.empty() && out_.harmless.empty()) {
      out_.harmless.push_back(now_.name + ": its fields have another order");
    }
  }

 private:
  void compare(std::size_t i) {
    const auto& was = before_.fields[i];
    if (const auto* is = find(now_.fields, was.path)) {
      if (is->kind == was.kind) return;
      const bool looser = is->kind == "optional<" + was.kind + ">";
      say(looser ? out_.harmless : out_.breaking, was.path,
          "was " + was.kind + " and is " + is->kind);
      return;
    }
    // A field of the same kind in the same place, with another name.
    if (i < now_.fields.size() && now_.fields[i].kind == was.kind &&
        find(before_.fields, now_.fields[i].path) == nullptr) {
      renamed_.push_back(now_.fields[i].path);
      say(out_.breaking, was.path, "is now called \"" + now_.fields[i].path + "\"");
    } else {
      say(out_.breaking, was.path, "is gone");
    }
  }

  static const field* find(const std::vector<field>& in, std::string_view path) {
    const auto at = std::find_if(in.begin(), in.end(), [&](auto& f) { return f.path == path; });
    return at == in.end() ? nullptr : &*at;
  }

  [[nodiscard]] bool taken(const std::string& path) const {
    return std::find(renamed_.begin(), renamed_.end(), path) != renamed_.end();
  }

  // Also true for fields within a new optional field.
  [[nodiscard]] bool inside_new_optional(std::string_view path) const {
    return std::any_of(now_.fields.begin(), now_.fields.end(), [&](const field& f) {
      const bool within = path == f.path || (path.starts_with(f.path) &&
                                             std::string_view{".[{|#"}.find(path[f.path.size()]) !=
                                                 std::string::npos);
      return within && f.kind.starts_with("optional<") && find(before_.fields, f.path) == nullptr;
    });
  }

  void say(std::vector<std::string>& to, const std::string& path, const std::string& what) const {
    to.push_back(now_.name + ": field \"" + path + "\" " + what);
  }

  const shape& before_;
  const shape& now_;
  changes& out_;
  std::vector<std::string> renamed_;
};

inline void compare_shapes(const shape& before, const shape& now, changes& out) {
  const auto versions = now.name + ": version " + std::to_string(before.version) + " became " +
                        std::to_string(now.version);
  if (before.version == now.version) {
    changes fields;
    field_comparison{before, now, fields}.run();
    out.breaking.insert(out.breaking.end(), fields.breaking.begin(), fields.breaking.end());
    out.harmless.insert(out.harmless.end(), fields.harmless.begin(), fields.harmless.end());
  } else if (before.version > now.version) {
    out.breaking.push_back(versions);
  } else if (before.version < now.reads_from) {
    out.breaking.push_back(versions + ", and upcasters read only version " +
                           std::to_string(now.reads_from) + " or later");
  } else {
    out.harmless.push_back(versions);
  }
}

inline changes compare(const print& before, const print& now) {
  changes out;
  if (before.serializer != now.serializer) {
    // Rows of msgpack can always be read.
    auto& to = before.serializer == "msgpack" ? out.harmless : out.breaking;
    to.push_back("serializer " + before.serializer + " became " + now.serializer);
  }
  for (const auto& was : before.shapes) {
    const auto* is = now.reader_of(was);
    if (is != nullptr && is->removed) {
      out.harmless.push_back(was.name + " is in removed_events");
    } else if (is != nullptr) {
      compare_shapes(was, *is, out);
    } else {
      out.breaking.push_back(was.name + " is gone");
    }
  }
  for (const auto& is : now.shapes) {
    if (before.find(is.name) == nullptr) out.harmless.push_back(is.name + " is new");
  }
  return out;
}

}}}
