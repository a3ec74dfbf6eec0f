// A model as a row, and back.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/detail/model_fields.hpp"
#include "nexus/detail/model_rows.hpp"
#include "nexus/detail/type_name.hpp"
#include "nexus/serializer.hpp"

namespace nexus { inline namespace v0 { namespace detail {

template <class Model>
[[nodiscard]] model_class class_of() {
  return {std::string{std::string_view{Model::type_name}}, std::string{full_type_name<Model>()},
          schema_version_of<Model>(), std::string{serializer_name<Model>()}, fields_of<Model>()};
}

/// A model as it is written.
struct encoded_model {
  stored_document row;
  std::vector<indexed_value> values;

  [[nodiscard]] document_write write() const { return {row.view(), values}; }
};

template <class Model>
[[nodiscard]] result<encoded_model> encode_model(const Model& model, const model_rows& in) {
  if (in.fault()) return fail(*in.fault());
  if (auto why = fault_of_document_id(model.id)) return fail(*std::move(why));
  const auto& of = in.model();
  encoded_model made{{model.id, of.type, of.schema_version, of.codec, {}},
                     indexed_values(model, in.indexed())};
  if (auto done = encode_with<Model>(model, made.row.data); !done) {
    return fail(not_encoded(of, in.name(), model.id, done.error()));
  }
  return made;
}

template <class Model>
[[nodiscard]] result<Model> decode_model(const document_view& row, const model_rows& in) {
  if (auto why = fault_of_row(in.model(), row)) return fail(*std::move(why));
  Model model{};
  if (auto done = decode_stored<Model>(row.schema_version, row.codec, row.data, model); !done) {
    return fail(not_decoded(in.model(), done.error()));
  }
  if (model.id != row.id) return fail(other_id_inside(row.id, model.id));
  return model;
}

}}}  // namespace nexus::v0::detail
