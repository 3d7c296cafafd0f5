// What types say of objects goes through the planner and the engine: none of it shows a secret,
// however short, whatever a type does.
#include "engine/lab.h"

using namespace hadeploy;

namespace {

/// All that is told while a project is planned and applied.
struct Told : Events {
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

std::string spec(const std::string& name, const std::string& more = "") {
    return fmt::format("name: test\nresources:\n"
                       "  a: {{type: fake.thing, name: \"${{sensitive('{}')}}\"}}\n{}",
                       name, more);
}

/// What is said of an apply, whether it goes well or not.
std::string said_of(Lab& lab, const std::string& text) {
    Told redacted;
    lab.world.talks = true;
    lab.events = &redacted;
    try {
        const Lab::Run run = lab.apply(text);
        redacted.add(run.plan);
        for (const Error& error : run.result.errors) redacted.add(error);
    } catch (const Error& errors) {
        for (const Error& error : errors.all()) redacted.add(error);
    }
    return redacted.text;
}

void check_hidden(const std::string& name, const std::string& text) {
    CAPTURE(name);
    CHECK_FALSE(text.empty());
    CHECK_MESSAGE(text.find(name) == text.npos, text);
}

} // namespace

TEST_CASE("a step's name, errors and what is in the way show no secret name") {
    for (const std::string name : {"q", "q7z", "quartz-7"}) {
        {
            Lab lab; // made
            check_hidden(name, said_of(lab, spec(name)));
        }
        {
            Lab lab; // its change fails
            lab.world.broken.insert(name);
            check_hidden(name, said_of(lab, spec(name)));
        }
        {
            Lab lab; // somebody else's is there
            lab.world.objects[name] = Value::map({{"name", name}});
            lab.world.owners[name] = "somebody";
            check_hidden(name, said_of(lab, spec(name)));
        }
        {
            Lab lab; // it can't be read, and then removed
            lab.apply(spec(name));
            lab.world.unreadable.insert(name);
            check_hidden(name, said_of(lab, spec(name)));
            lab.world.unreadable.clear();
            lab.world.broken.insert(name);
            check_hidden(name, said_of(lab, "name: test\n"));
        }
        {
            Lab lab; // two of them
            check_hidden(name, said_of(lab, spec(name, fmt::format("  b: {{type: fake.thing, name: "
                                                                   "\"${{sensitive('{}')}}\"}}\n",
                                                                   name))));
        }
    }
}
