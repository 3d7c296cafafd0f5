#pragma once

#include "state/store.h"

namespace hadeploy::state {

/// The contents of a state, without its journal and history.
struct Contents {
    std::string project, lineage;
    std::int64_t serial = 0;
    std::vector<RecordedResource> rows;
    Value outputs;
    bool authentic = true; ///< hadeploy wrote the document, and it was not altered
};

/// Writes the contents as a JSON document. Secrets in it are sealed with a data key of its own,
/// which is encrypted with the user's key: see KeySource.
std::string write_contents(const Contents& contents, const KeySource& key);

/// Reads a document of write_contents().
/// @param what  name of the document in messages, for example a file's name
/// @throws Error(state) when the document is invalid, has an unsupported format, or is encrypted
///         with a different key
Contents read_contents(const std::string& text, const KeySource& key, const std::string& what);

} // namespace hadeploy::state
