#pragma once

#include "core/error.h"

namespace hadeploy {

/// An exception of a library as an error for the user: an Error unchanged, lack of memory, a file
/// system that fails, or a defect of hadeploy, which the hint asks to report.
Error as_error(const std::exception& exception);

} // namespace hadeploy
