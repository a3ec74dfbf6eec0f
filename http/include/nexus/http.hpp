// Everything of the optional target nexus::http: a server whose handlers declare what they need.
#pragma once

#include "nexus/http/entity.hpp"
#include "nexus/http/param.hpp"
#include "nexus/http/request.hpp"
#include "nexus/http/response.hpp"
#include "nexus/http/server.hpp"
#include "nexus/http/transactional.hpp"
