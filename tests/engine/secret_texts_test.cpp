// Messages of resource types pass through the planner and the engine: none of them may show a
// secret, even a short one.
#include "engine/lab.h"

using namespace hadeploy;

namespace {

/// Collects all messages of a plan and an apply.
struct Messages : Events {
    std::string text;
    void reading(std::string_view endpoint, std::size_t) override { add(endpoint); }
    void waiting(std::string_view endpoint, std::string_view what) override {
        add(endpoint), add(what);
    }
    void step_progress(const Step&, std::string_view what) override { add(what); }
    void step_failed(const Step&, const Error& error, std::int64_t) override { add(error); }

    void add(std::string_view more) { text += std::string(more) + "\n"; }
    void add(const Error& error) {
        add(error.message), add(error.hint);
        for (const Note& note : error.notes) add(note.text);
    }
};

std::string secret_spec(const std::string& name, const std::string& more = "") {
    return fmt::format("name: test\nresources:\n"
                       "  a: {{type: fake.thing, name: \"${{sensitive('{}')}}\"}}\n{}",
                       name, more);
}

/// All messages of a successful or failed apply.
std::string said_of(Lab& lab, const std::string& text) {
    Messages messages;
    lab.world.talks = true;
    lab.events = &messages;
    try {
        const Lab::Run run = lab.apply(text);
        messages.add(run.plan);
        for (const Error& error : run.result.errors) messages.add(error);
    } catch (const Error& errors) {
        for (const Error& error : errors.all()) messages.add(error);
    }
    return messages.text;
}

void check_hidden(const std::string& name, const std::string& text) {
    CAPTURE(name);
    CHECK_FALSE(text.empty());
    CHECK_MESSAGE(text.find(name) == text.npos, text);
}

} // namespace

TEST_CASE("steps, errors and conflicts do not show a secret name") {
    for (const std::string name : {"q", "q7z", "quartz-7"}) {
        {
            Lab lab; // created
            check_hidden(name, said_of(lab, secret_spec(name)));
        }
        {
            Lab lab; // its change fails
            lab.world.broken.insert(name);
            check_hidden(name, said_of(lab, secret_spec(name)));
        }
        {
            Lab lab; // an unmanaged object exists
            lab.world.objects[name] = Value::map({{"name", name}});
            lab.world.owners[name] = "somebody";
            check_hidden(name, said_of(lab, secret_spec(name)));
        }
        {
            Lab lab; // the read fails, then the removal
            lab.apply(secret_spec(name));
            lab.world.unreadable.insert(name);
            check_hidden(name, said_of(lab, secret_spec(name)));
            lab.world.unreadable.clear();
            lab.world.broken.insert(name);
            check_hidden(name, said_of(lab, "name: test\n"));
        }
        {
            Lab lab; // two of the same name
            check_hidden(
                name, said_of(lab, secret_spec(name, fmt::format("  b: {{type: fake.thing, name: "
                                                                 "\"${{sensitive('{}')}}\"}}\n",
                                                                 name))));
        }
    }
}
