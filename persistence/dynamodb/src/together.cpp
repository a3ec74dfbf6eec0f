// Offsets of projections and documents in one transaction.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "projections.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

using kind = fault::kind;

std::uint64_t move_cells(std::vector<projection_cell>& all, std::string_view owner,
                         const projection_move& move) {
  std::uint64_t moved = 0;
  for (auto& one : all) {
    const bool is_one = one.cell >= move.first && one.cell <= move.last;
    if (!is_one || one.owner != owner || one.at != move.from) continue;
    one.at = move.to;
    ++one.lease;
    ++moved;
  }
  return moved;
}

/// The write of a document, on the condition that it is as it was read.
json document_action(const std::string& table, const kept_back::place& at, const json& item,
                     const json* read) {
  json body;
  body["TableName"] = table;
  if (read != nullptr && read->is_null()) {
    body["ConditionExpression"] = "attribute_not_exists(Id)";
  } else if (read != nullptr) {
    body["ConditionExpression"] = "#data = :data";
    body["ExpressionAttributeNames"]["#data"] = "Data";
    body["ExpressionAttributeValues"][":data"] = *read;
  }
  json made;
  if (item.is_null()) {
    body["Key"]["Name"] = text_value(at.first);
    body["Key"]["Id"] = text_value(at.second);
    made["Delete"] = std::move(body);
  } else {
    body["Item"] = item;
    made["Put"] = std::move(body);
  }
  return made;
}

}  // namespace

// A process that knows the cells changes them without reading; if it knows old ones, the condition
// fails, and they are read.
result<std::vector<std::uint64_t>> dynamodb_projections::advance_all(
    const projection_version& of, std::string_view owner, std::span<const projection_move> moves) {
  std::vector<std::uint64_t> moved(moves.size());
  std::map<std::uint32_t, std::vector<std::size_t>> by_strand;
  for (std::size_t i = 0; i < moves.size(); ++i) {
    for (auto s = moves[i].first / cells_per_strand; s <= moves[i].last / cells_per_strand; ++s) {
      by_strand[s].push_back(i);
    }
  }
  if (!held_.on()) {
    std::map<std::uint32_t, std::vector<std::uint64_t>> counts;
    std::vector<std::uint32_t> names;
    for (const auto& [strand, some] : by_strand) names.push_back(strand);
    auto done = change(
        of, names,
        [&](std::uint32_t strand, all_cells& all) {
          auto& here = counts[strand];
          here.clear();
          std::uint64_t sum = 0;
          for (const auto i : by_strand.at(strand)) {
            here.push_back(move_cells(all, owner, moves[i]));
            sum += here.back();
          }
          return sum > 0;
        },
        true);
    if (!done) return fail(std::move(done.error()));
    for (const auto& [strand, some] : by_strand) {
      for (std::size_t i = 0; i < some.size(); ++i) moved[some[i]] += counts[strand][i];
    }
    return moved;
  }
  moving_ = of;
  for (const auto& [strand, some] : by_strand) {
    auto held = held_.strands.find(strand);
    if (held == held_.strands.end()) {
      auto cells = known_cells(of, strand);
      if (!cells) return fail(std::move(cells.error()));
      held = held_.strands.emplace(strand, kept_back::strand{*std::move(cells)}).first;
    }
    for (const auto i : some) {
      const auto count = move_cells(held->second.cells.all, owner, moves[i]);
      held->second.moves.push_back({std::string{owner}, moves[i], count});
      moved[i] += count;
    }
  }
  return moved;
}

result<void> dynamodb_projections::move_again(const projection_version& of, std::uint32_t strand,
                                              kept_back::strand& held) {
  const auto key = cells_at(of, strand);
  core_.cells.forget(key.p + key.s);
  auto cells = known_cells(of, strand);
  if (!cells) return fail(std::move(cells.error()));
  for (const auto& one : held.moves) {
    if (move_cells(cells->all, one.owner, one.to) == one.cells) continue;
    return fail(errc::conflict,
                fmt::format("dynamodb: {}: projection \"{}\": a cell of strand {} was moved or "
                            "taken",
                            table_.name(), of.name, strand));
  }
  held.cells = *std::move(cells);
  return {};
}

// The strands first, then the documents, then the rest: `store_together` finds the reasons there.
result<json> dynamodb_projections::held_actions(const projection_version& of) {
  json actions = json::array();
  std::size_t bytes = 0;
  for (const auto& [strand, held] : held_.strands) {
    auto put = put_cells(of, strand, held.cells);
    bytes += put.body["Item"]["d"]["B"].get_ref<const std::string&>().size() + item_overhead;
    json action;
    action["Put"] = std::move(put.body);
    actions.push_back(std::move(action));
  }
  for (const auto& [at, item] : held_.written) {
    const auto read = held_.read.find(at);
    const auto* const seen = read == held_.read.end() ? nullptr : &read->second;
    if (item.is_null() && seen != nullptr && seen->is_null()) continue;  // never there
    bytes += item_overhead + text_in(item, "Data").value_or("").size() +
             text_in(item, "Index").value_or("").size();
    actions.push_back(document_action(core_.where.read_models, at, item, seen));
  }
  for (const auto& one : held_.others) actions.push_back(one);
  if (actions.size() > core_.actions_max || bytes > transaction_bytes_max) {
    return fail(errc::too_large,
                fmt::format("dynamodb: {}: projection \"{}\": {} strands and documents of {} bytes "
                            "are more than one transaction takes: {} and {} bytes",
                            table_.name(), of.name, actions.size(), bytes, core_.actions_max,
                            transaction_bytes_max));
  }
  return actions;
}

result<void> dynamodb_projections::store_together() {
  constexpr int rivals_max = 100;
  thread_local std::minstd_rand random{std::random_device{}()};
  const auto of = moving_;
  const auto failed = [this](error why) {
    held_.end();
    return fail(std::move(why));
  };
  for (int rivals = 0; rivals < rivals_max; ++rivals) {
    auto actions = held_actions(of);
    if (!actions) return failed(std::move(actions.error()));
    if (actions->empty()) {
      held_.end();
      return {};
    }
    const auto one = transaction(*std::move(actions));
    auto done = table_.by().call(one.operation, one.body);
    if (done) {
      for (auto& [strand, held] : held_.strands) {
        const auto key = cells_at(of, strand);
        ++held.cells.revision;
        core_.cells.saw(key.p + key.s, held.cells);
      }
      held_.end();
      return {};
    }
    const auto& why = done.error();
    if (why.what != kind::condition) {
      auto told = table_.told(why);
      if (why.maybe_done) told.code = errc::outcome_unknown;
      return failed(std::move(told));
    }
    std::size_t i = 0;
    bool only_cells = true;
    for (const auto& reason : why.reasons) {
      const bool refused = reason.value("Code", "") == "ConditionalCheckFailed";
      only_cells = only_cells && (!refused || i < held_.strands.size());
      ++i;
    }
    if (!only_cells) {
      return failed({errc::serialization_failed,
                     fmt::format("dynamodb: {}: projection \"{}\": a document that it has read was "
                                 "changed",
                                 table_.name(), of.name)});
    }
    for (auto& [strand, held] : held_.strands) {
      if (auto moved = move_again(of, strand, held); !moved) {
        return failed(std::move(moved.error()));
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{random() % (1 + rivals % 16)});
  }
  return failed(
      {errc::serialization_failed,
       fmt::format("dynamodb: {}: projection \"{}\": others change its cells all the time",
                   table_.name(), of.name)});
}

}}}  // namespace nexus::v0::dynamodb
