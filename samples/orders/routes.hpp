// The shop over HTTP, as JSON. Amounts are text with two decimals, as in the sample bank.
//
//   PUT    /customers/{customer}             {"name": "Ann Lee", "funds": "100.00"}
//   POST   /orders                           {"customer": "ann"}
//   GET    /orders?customer=&status=&min_total=&page=&rows=
//   GET    /orders/{order}
//   DELETE /orders/{order}                   cancels it
//   POST   /orders/{order}/lines             {"sku": "tea", "quantity": 2, "price": "3.50"}
//   DELETE /orders/{order}/lines/{line}
//   POST   /orders/{order}/payment           answers when the order is paid, or why it is not
//   POST   /orders/{order}/shipment
//   GET    /books                            whether paid orders and accounts agree
#pragma once

#include <nexus/http.hpp>

#include "shop.hpp"

namespace orders {

/// `web` must have the store and the orders of `in`, which must outlive it. Errors are returned by
/// its `start`.
void add_routes(nexus::http::server& web, shop& in);

}  // namespace orders
