#include "providers/ssh/change_batch.h"

#include "core/secrecy.h"
#include "providers/ssh/explain.h"
#include "providers/ssh/operation.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
const SshType& type_of(const Change& change) {
    return static_cast<const SshType&>(*change.type);
}

RecordedResource record_before(const Change& change) {
    RecordedResource record;
    record.address = change.address;
    record.type = change.type->name;
    record.identity = change.identity;
    record.config = change.before;
    record.attributes = change.before;
    return record;
}

ReadRequest read_request_of(const Change& change, const RecordedResource& before) {
    ReadRequest request;
    request.address = change.address;
    request.type = change.type;
    request.identity = change.identity;
    request.config = change.kind == Change::Kind::remove ? change.before : change.after;
    if (change.kind != Change::Kind::create) request.recorded = &before;
    return request;
}

Section section_of(const Command& command) {
    return {.script = command.script,
            .input = command.input,
            .limit = command.limit,
            .ends_after = command.ends_after};
}

std::vector<Command> commands_of(const Change& change) {
    const SshType& type = type_of(change);
    std::vector<Command> commands = type.commands(change);
    if (!type.bounded) return commands;
    const Value& config = change.kind == Change::Kind::remove ? change.before : change.after;
    const std::chrono::milliseconds timeout(config.integer("timeout", kStepTimeout.count()));
    for (Command& command : commands) command.limit = command.ends_after = timeout + command.waits;
    return commands;
}
} // namespace

Value attributes_after(const Change& change, const Value& seen) {
    Value merged = Value::map({});
    for (const Attribute& a : change.type->schema) {
        Value value = change.after[a.name];
        if (value.is_null() && a.computed) value = change.before[a.name];
        if (const Value* now = seen.find(a.name)) value = value.secret() ? now->as_secret() : *now;
        if (!value.is_null()) merged = merged.with(a.name, a.secret ? value.as_secret() : value);
    }
    return merged;
}

std::optional<Error> conflict_with(const Change& change, const Observation& seen) {
    const bool present = seen.state == Observation::State::present;
    if (seen.error) return seen.error;
    if (change.kind == Change::Kind::remove) {
        if (present && !type_of(change).remove_may_leave)
            return Error(ErrorKind::failed, "the object still exists after its removal");
        return std::nullopt;
    }
    if (!present)
        return Error(ErrorKind::failed,
                     "the commands ran without an error, but the object does not exist");
    if (!seen.foreign.empty()) return Error(ErrorKind::conflict, seen.foreign);
    const bool create = change.kind == Change::Kind::create;
    for (const std::string& name : create ? type_of(change).verified : change.changed) {
        const Value* now = seen.attributes.find(name);
        // the desired value of a tracked attribute is its previous value; only the commands can
        // judge whether the new one is right
        if (!now || !change.after.has(name) || *now == change.after[name]) continue;
        const Value& wanted = change.after[name];
        return Error(ErrorKind::failed,
                     fmt::format("the commands ran without an error, but `{}` is {} and not {}",
                                 name, display(as_secret_as(*now, wanted)), display(wanted)))
            .with_hint("check whether something else on the host changes it back");
    }
    return std::nullopt;
}

Application::Application(Pool& pool, const Login& login, std::stop_token stop,
                         const std::filesystem::path& cache_dir, std::span<const Change> changes,
                         ChangeSink& sink)
    : pool_(pool), login_(login), stop_(std::move(stop)), cache_dir_(cache_dir), changes_(changes),
      sink_(sink), ended_(changes.size(), false) {}

void Application::collect() {
    for (std::size_t i = 0; i < changes_.size(); ++i) {
        const Change& change = changes_[i];
        try {
            std::vector<Command> commands = commands_of(change);
            if (commands.empty() && change.kind == Change::Kind::remove) {
                items_.push_back({i, Work::nothing});
                continue;
            }
            for (Command& command : commands)
                items_.push_back({i, Work::command, std::move(command)});
            items_.push_back({i, Work::look});
        } catch (const Error& error) {
            refused_ = error;
            items_.push_back({i, Work::refuse});
            return;
        }
    }
}

void Application::run() {
    collect();
    while (next_ < items_.size() && !stopped_by_) {
        Item& item = items_[next_];
        switch (item.work) {
        case Work::command: run_command(item); break;
        case Work::look:
            carried_.reset();
            run_together();
            break;
        case Work::nothing:
            ended_[item.change] = true;
            sink_.done(item.change, Value());
            ++next_;
            break;
        case Work::refuse: fail(item.change, *refused_); break;
        }
    }
    for (std::size_t i = 0; i < changes_.size(); ++i) {
        if (ended_[i]) continue;
        if (!unreachable_) {
            sink_.not_begun(i);
            continue;
        }
        fail(i,
             Error(ErrorKind::failed, fmt::format("not started, because {} failed on the same host",
                                                  changes_[*stopped_by_].address))
                 .as_transient());
    }
}

void Application::run_command(Item& item) {
    if (carried_) {
        item.command.input = std::move(*carried_);
        carried_.reset();
    }
    if (item.command.build_input && !build_input(item)) return;
    if (!item.command.on.empty())
        run_elsewhere(item);
    else if (shares_an_exec(item))
        run_together();
    else
        run_alone(item);
}

bool Application::build_input(Item& item) {
    try {
        item.command.input_file = std::exchange(item.command.build_input, {})(
            cache_dir_, [&](std::string_view step) { sink_.progress(item.change, step); },
            std::exchange(item.command.input, {}));
        return true;
    } catch (const Error& error) {
        fail(item.change, error);
        return false;
    }
}

bool Application::shares_an_exec(const Item& item) const {
    const Command& command = item.command;
    return item.work == Work::look ||
           (item.work == Work::command && command.on.empty() && command.input_file.empty() &&
            !command.build_input && travels_in_script(command.input));
}

void Application::announce(std::size_t at) {
    const Item& item = items_[at];
    if (!item.command.step.empty()) sink_.progress(item.change, item.command.step);
}

std::function<void(std::string_view)> Application::notice() {
    return [this](std::string_view text) {
        // All sections may have finished, and only the trailer is missing.
        const Item& item = next_ < items_.size() ? items_[next_] : items_.back();
        sink_.progress(item.change, text);
    };
}

void Application::run_together() {
    const std::size_t first = next_;
    std::vector<Section> sections;
    for (std::size_t at = first; at < items_.size() && shares_an_exec(items_[at]); ++at) {
        const Item& item = items_[at];
        if (item.work == Work::look) {
            const Change& change = changes_[item.change];
            const RecordedResource before = record_before(change);
            std::string probe = type_of(change).probe(read_request_of(change, before));
            sections.push_back({.script = std::move(probe), .strict = false});
        } else {
            sections.push_back(section_of(item.command));
        }
    }
    announce(first);
    const auto on_section = [&](std::size_t index, SectionResult result) {
        section_ended(first + index, std::move(result));
        if (!stopped_by_ && index + 1 < sections.size()) announce(first + index + 1);
    };
    const bool looks_only = std::none_of(sections.begin(), sections.end(),
                                         [](const Section& section) { return section.strict; });
    const Outcome outcome =
        looks_only ? run_sections(pool_, login_, sections, on_section, notice(), stop_)
                   : run_operation(pool_, login_, sections, on_section, notice(), stop_);
    finish_exec(outcome, first, sections.size());
}

void Application::run_alone(const Item& item) {
    const std::size_t first = next_;
    announce(first);
    Outcome outcome;
    try {
        outcome = run_streaming(
            pool_, login_, section_of(item.command), item.command.input_file,
            [&](std::size_t, SectionResult result) { section_ended(first, std::move(result)); },
            stop_);
    } catch (const Error& error) { // a NUL byte in the script
        outcome.broken = error;
    }
    finish_exec(outcome, first, 1);
}

void Application::run_elsewhere(const Item& item) {
    const Command& command = item.command;
    announce(next_);
    const std::vector<Section> section{section_of(command)};
    bool all_answered = true;
    std::vector<std::string> reasons;
    for (const Value& connection : command.on) {
        Login login = login_from(connection);
        login.timeout = login_.timeout;
        login.become_password = login_.become_password;
        SectionResult answer;
        const Outcome outcome = run_operation(
            pool_, login, section,
            [&](std::size_t, SectionResult result) { answer = std::move(result); }, notice(),
            stop_);
        if (outcome.broken) {
            all_answered = false;
            reasons.push_back(outcome.broken->message);
        } else if (answer.status == 0) {
            carried_ = std::move(answer.out);
            ++next_;
            return;
        } else {
            const std::string said = cause_in(answer.err);
            reasons.push_back(
                fmt::format("{}: {}", login.name(),
                            said.empty() ? fmt::format("exit status {}", answer.status) : said));
        }
    }
    if (all_answered ? command.none_is_empty : command.may_be_gone) {
        carried_ = "";
        ++next_;
        return;
    }
    Error error(all_answered ? ErrorKind::failed : ErrorKind::unreachable,
                fmt::format("{} failed on every host that was tried",
                            command.step.empty() ? "a step" : command.step));
    for (std::string& reason : reasons) error.with_note(std::move(reason));
    fail(item.change, std::move(error));
}

void Application::section_ended(std::size_t at, SectionResult result) {
    const Item& item = items_[at];
    next_ = at + 1;
    if (item.work == Work::look) {
        verify(item.change, {result.status, std::move(result.out), std::move(result.err)});
    } else if (result.status != 0) {
        // The output of a command with secrets may contain them.
        const Change& change = changes_[item.change];
        const bool secret = change.before.contains_secret() || change.after.contains_secret();
        fail(item.change, explain_failure(login_.name(), item.command.step, result.status,
                                          result.err, secret ? "" : result.out));
    }
}

void Application::verify(std::size_t index, const ProbeResult& result) {
    const Change& change = changes_[index];
    const RecordedResource before = record_before(change);
    const Observation seen = observation_from(read_request_of(change, before), result);
    if (std::optional<Error> error = conflict_with(change, seen))
        return fail(index, std::move(*error));
    ended_[index] = true;
    sink_.done(index, change.kind == Change::Kind::remove
                          ? Value()
                          : attributes_after(change, seen.attributes));
}

void Application::finish_exec(const Outcome& outcome, std::size_t first, std::size_t count) {
    if (!outcome.broken && outcome.finished == 0) // avoids an endless loop
        return fail(items_[first].change, explain_no_answer(login_.name(), true, ""));
    if (!outcome.broken) return;
    const std::size_t at = first + outcome.finished;
    if (at >= first + count) { // all sections have finished: only the trailer is missing
        next_ = at;
        return;
    }
    Error error = *outcome.broken;
    if (outcome.begun) {
        error.transient = false;
        error.with_note("it is not known whether this change was made; the next plan reads the "
                        "current state and continues from there");
    }
    fail(items_[at].change, std::move(error));
}

void Application::fail(std::size_t change, Error error) {
    if (!stopped_by_) {
        stopped_by_ = change;
        unreachable_ = error.kind == ErrorKind::unreachable;
    }
    if (ended_[change]) return;
    ended_[change] = true;
    sink_.failed(change, std::move(error));
}

} // namespace hadeploy::ssh
