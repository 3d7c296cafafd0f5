#pragma once

#include "state/store.h"

namespace hadeploy::state {

/// The contents of a state, without its journal and history.
struct Contents {
    std::string project, lineage;
    std::int64_t serial = 0;
    std::vector<RecordedResource> rows;
    Value outputs;
    bool authentic = true; ///< written by hadeploy and not altered
};

/// Writes the contents as a JSON document. Secrets in it are sealed with a data key of the
/// document, which the user's key opens: see KeySource.
std::string write_contents(const Contents& contents, const KeySource& key);

/// Reads such a document.
/// @param what  name of the text in messages, for example a file's name
/// @throws Error(state) when the document is invalid, in another format or locked with another key
Contents read_contents(const std::string& text, const KeySource& key, const std::string& what);

} // namespace hadeploy::state
