#pragma once

#include "core/loc.h"

#include <exception>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace hadeploy {

/// The kind of an error. It determines the exit code; callers handle some kinds differently.
enum class ErrorKind {
    failed,      ///< an operation failed (exit 1)
    usage,       ///< the command line is wrong (exit 64)
    spec,        ///< the spec, a module or a variable file is wrong (exit 65)
    unreachable, ///< a backend (libvirt, a host, AWS) does not respond (exit 69)
    conflict,    ///< an object of this name exists, but hadeploy does not manage it (exit 1)
    state,       ///< the state file cannot be used (exit 1)
    locked,      ///< another process holds the state lock (exit 75)
};

/// A remark below an error, for example "first declared here" or a console's last lines.
struct Note {
    std::string text;
    Loc loc = {};
};

/// The only error type: one error, or several that were found together. `message` is one line
/// without a full stop; `hint` says what to do next. `address` and `loc` are filled in by the first
/// function that knows them, at the latest by the executor.
class Error : public std::exception {
  public:
    Error(ErrorKind kind, std::string message, Loc loc = {})
        : kind(kind), message(std::move(message)), loc(loc) {}
    /// Several errors that were found together; `list` must not be empty.
    explicit Error(std::vector<Error> list) : Error(std::move(list.front())) {
        others.assign(std::make_move_iterator(list.begin() + 1),
                      std::make_move_iterator(list.end()));
    }

    /// This error without `others`, followed by `others`.
    [[nodiscard]] std::vector<Error> all() const {
        std::vector<Error> out{*this};
        out.front().others.clear();
        out.insert(out.end(), others.begin(), others.end());
        return out;
    }

    Error& with_hint(std::string text) & { return hint = std::move(text), *this; }
    Error&& with_hint(std::string text) && { return hint = std::move(text), std::move(*this); }
    Error& with_note(std::string text, Loc at = {}) & {
        return notes.push_back({std::move(text), at}), *this;
    }
    Error&& with_note(std::string text, Loc at = {}) && {
        return notes.push_back({std::move(text), at}), std::move(*this);
    }
    /// Marks a temporary failure, which the executor retries.
    Error&& as_transient() && { return transient = true, std::move(*this); }

    const char* what() const noexcept override { return message.c_str(); }

    ErrorKind kind;
    std::string message;
    std::string hint;
    std::string address; ///< the resource, for example `module.cluster.swarm["node1"]`
    Loc loc;
    std::vector<Note> notes;
    bool transient = false;
    std::vector<Error> others = {}; ///< further errors that were found together with this one
};

/// Collects errors until `throw_if_any` reports them together.
class Diagnostics {
  public:
    /// Keeps only one of several equal errors at the same location, as from the instances of a
    /// block.
    Error& add(Error error) {
        for (Error& other : std::exchange(error.others, {})) add(std::move(other));
        for (Error& e : list_)
            if (e.loc.known() && e.loc == error.loc && e.message == error.message) return e;
        return list_.emplace_back(std::move(error));
    }
    Error& add(std::string message, Loc loc) {
        return add(Error(ErrorKind::spec, std::move(message), loc));
    }
    [[nodiscard]] bool empty() const { return list_.empty(); }
    [[nodiscard]] const std::vector<Error>& list() const { return list_; }
    void throw_if_any() const {
        if (!list_.empty()) throw Error(list_);
    }

  private:
    std::vector<Error> list_;
};

/// The user asked to stop (Ctrl-C). Not an Error, so that no error handler catches it by accident.
class Interrupted : public std::exception {
  public:
    const char* what() const noexcept override { return "interrupted"; }
};

} // namespace hadeploy
