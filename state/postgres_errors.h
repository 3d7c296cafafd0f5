#pragma once

#include "core/error.h"
#include "state/location.h"

#include <string>
#include <string_view>

namespace hadeploy::postgres {

/// The error for a message from the server.
/// @param code  SQLSTATE; "" for an error of the connection
Error explain(std::string_view code, std::string cause, const StateLocation& location);

} // namespace hadeploy::postgres
