#pragma once

#include "state/store.h"

namespace hadeploy::state {

/// All that a state records, apart from its journal and history.
struct Contents {
    std::string project, lineage;
    std::int64_t serial = 0;
    std::vector<RecordedResource> rows;
    Value outputs;
    bool authentic = true; ///< nothing but hadeploy has written them
};

/// The contents as a JSON document for people and programs. What is secret in it is sealed, with a
/// data key of the document's own that the user's key opens: see KeySource.
std::string write_contents(const Contents& contents, const KeySource& key);

/// The way back.
/// @param what  names the text in messages: a file's name
/// @throws Error(state): no such document, of another form, or locked with another key
Contents read_contents(const std::string& text, const KeySource& key, const std::string& what);

} // namespace hadeploy::state
