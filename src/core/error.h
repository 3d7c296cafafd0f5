#pragma once

#include "core/loc.h"

#include <exception>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace hadeploy {

/// What went wrong, as far as the caller needs to tell cases apart. The exit code follows from it.
enum class ErrorKind {
    failed,      ///< an operation was tried and did not work (exit 1)
    usage,       ///< the command line is wrong (exit 64)
    spec,        ///< the spec, a module or a variable file is wrong (exit 65)
    unreachable, ///< a backend (libvirt, a host, AWS) does not answer (exit 69)
    conflict,    ///< something of the same name exists that is not ours (exit 1)
    state,       ///< the state file cannot be used (exit 1)
    locked,      ///< somebody else works on this state (exit 75)
};

/// One remark under an error: "first declared here", the console's last lines, ...
struct Note {
    std::string text;
    Loc loc = {};
};

/// The one error type: one error, or several that were found together. `message` says what is wrong
/// in one line, without a full stop; `hint` says what to do next. `address` and `loc` are filled in
/// by whoever knows them, at the latest by the executor.
class Error : public std::exception {
  public:
    Error(ErrorKind kind, std::string message, Loc loc = {})
        : kind(kind), message(std::move(message)), loc(loc) {}
    /// Several errors that were found together, of which there is at least one.
    explicit Error(std::vector<Error> list) : Error(std::move(list.front())) {
        others.assign(std::make_move_iterator(list.begin() + 1),
                      std::make_move_iterator(list.end()));
    }

    /// Every error that this one stands for, itself first.
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
    /// Marks a failure that may pass by itself, so that the executor tries again.
    Error&& as_transient() && { return transient = true, std::move(*this); }

    const char* what() const noexcept override { return message.c_str(); }

    ErrorKind kind;
    std::string message;
    std::string hint;
    std::string address; ///< the resource, e.g. `module.cluster.swarm["node1"]`
    Loc loc;
    std::vector<Note> notes;
    bool transient = false;
    std::vector<Error> others = {}; ///< further errors that were found together with this one
};

/// Collects errors; `throw_if_any` ends the phase.
class Diagnostics {
  public:
    /// The same mistake at the same place (in each instance of a resource, say) is kept once.
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

/// The user asked to stop (Ctrl-C). Not an Error, so that no handler swallows it by accident.
class Interrupted : public std::exception {
  public:
    const char* what() const noexcept override { return "interrupted"; }
};

} // namespace hadeploy
