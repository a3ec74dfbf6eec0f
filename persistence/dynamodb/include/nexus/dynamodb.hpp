// DynamoDB as a journal: `dynamodb://HOST[:PORT]/PREFIX` or `dynamodb://aws/PREFIX?region=REGION`.
//
// The tables are `PREFIX_journal` and, for read models, `PREFIX_read_models`. Opening creates what is
// missing and waits until it is active. Parameters:
//
//   region        default: AWS_REGION, AWS_DEFAULT_REGION, or else "us-east-1" if a host is given
//   tls           on or off; default: on for aws, off for a host
//   tables        create (the default) or existing: missing ones are an error
//   strands       1 to 1,024, a divisor of 1,024; default 32; fixed when the tables are made
//   timeout       of a request with all its retries, 100ms to 600s; default 30s
//   read_models   the name of their table
//   actions       of one transaction, 10 to 100; default: 100 on aws, found at opening elsewhere
//
// Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the shared credentials file, or
// the container's or instance's endpoint, in this order. They are never logged.
//
// Threads: any. Failures: those of backend.hpp; `invalid_argument` if there are no credentials.
#pragma once

#include "nexus/backend.hpp"

namespace nexus { inline namespace v0 {

[[nodiscard]] backend dynamodb_backend();

}}  // namespace nexus::v0
