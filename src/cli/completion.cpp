#include "cli/commands.h"

#include <fmt/format.h>
#include <map>

namespace hadeploy::cli {

namespace {

/// What can stand in the place of a value.
enum class Kind { nothing, words, file, directory, address, type, output };

Kind kind_of(const CommandTree::Option& o) {
    if (!o.choices.empty()) return Kind::words;
    if (o.name == "ADDRESS" || o.value == "ADDRESS") return Kind::address;
    if (o.name == "TYPE") return Kind::type;
    if (o.name == "NAME") return Kind::output;
    if (o.value == "DIR") return Kind::directory;
    if (o.name == "FILE" || o.value == "FILE") return Kind::file;
    return Kind::nothing;
}

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, " "));
}

std::vector<std::string> names_of(const CommandTree& tree) {
    std::vector<std::string> out;
    for (const CommandTree& c : tree.commands) out.push_back(c.name);
    return out;
}

std::vector<std::string> flags_of(const CommandTree& tree) {
    std::vector<std::string> out;
    for (const CommandTree::Option& o : tree.options)
        if (!o.argument) out.push_back(o.name);
    return out;
}

/// Every option that takes a value, once, by its name.
std::map<std::string, CommandTree::Option> valued_options(const CommandTree& tree) {
    std::map<std::string, CommandTree::Option> out;
    const auto add = [&](const CommandTree& command) {
        for (const CommandTree::Option& o : command.options)
            if (!o.argument && !o.value.empty()) out.emplace(o.name, o);
    };
    add(tree);
    for (const CommandPath& c : all_commands(tree)) add(*c.command);
    return out;
}

/// bash and zsh: the two differ only in how words are found and offered.
struct Dialect {
    std::string_view begin, end;
    std::string_view words; ///< a call with the words after it
    std::string_view files, directories, addresses;
    std::string_view names; ///< a call with the command whose lines begin with them after it
};

std::string offer(const CommandTree::Option& o, const Dialect& d) {
    switch (kind_of(o)) {
    case Kind::words: return fmt::format("{} {}", d.words, joined(o.choices));
    case Kind::file: return std::string(d.files);
    case Kind::directory: return std::string(d.directories);
    case Kind::address: return std::string(d.addresses);
    case Kind::type: return fmt::format("{} docs", d.names);
    case Kind::output: return fmt::format("{} output", d.names);
    case Kind::nothing: break;
    }
    return ":";
}

/// The shell's cases for one of the commands: its subcommands, or its first argument.
std::string argument_case(const std::string& path, const CommandTree& command, const Dialect& d) {
    if (!command.commands.empty())
        return fmt::format("    '{}') {} {} ;;\n", path, d.words, joined(names_of(command)));
    for (const CommandTree::Option& o : command.options)
        if (o.argument && kind_of(o) != Kind::nothing)
            return fmt::format("    '{}') {} ;;\n", path, offer(o, d));
    return {};
}

std::string posix_like(const CommandTree& tree, const Dialect& d) {
    std::string commands, values, flags, arguments;
    for (const auto& [path, command] : all_commands(tree)) {
        const auto space = path.rfind(' ');
        commands +=
            fmt::format("        '{} {}') command='{}' ;;\n",
                        space == path.npos ? "" : path.substr(0, space), command->name, path);
        flags += fmt::format("        '{}') {} {} {} ;;\n", path, d.words,
                             joined(flags_of(*command)), joined(flags_of(tree)));
        arguments += argument_case(path, *command, d);
    }
    for (const auto& [name, option] : valued_options(tree))
        values += fmt::format("    {}) {}; return ;;\n", name, offer(option, d));
    return fmt::format("{}    case \"$prev\" in\n{}    esac\n"
                       "    if [[ $cur == -* ]]; then\n        case \"$command\" in\n{}"
                       "        *) {} {} ;;\n        esac\n        return\n    fi\n"
                       "    case \"$command\" in\n    '') {} {} ;;\n{}    esac\n}}\n{}",
                       fmt::format(fmt::runtime(d.begin), commands), values, flags, d.words,
                       joined(flags_of(tree)), d.words, joined(names_of(tree)), arguments, d.end);
}

constexpr Dialect kBash{
    R"sh(# bash completion for hadeploy, made by `hadeploy completion bash`

_hadeploy_words() {{
    mapfile -t COMPREPLY < <(compgen -W "$*" -- "$cur")
}}
_hadeploy_files() {{
    mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}}
_hadeploy_ask() {{
    local where=() i next
    for ((i = 1; i < COMP_CWORD; ++i)); do
        next=${{COMP_WORDS[i + 1]}}
        [[ $next == '=' ]] && next=${{COMP_WORDS[i + 2]}}
        [[ ${{COMP_WORDS[i]}} == --chdir ]] && where=(--chdir "$next")
    done
    hadeploy "${{where[@]}}" "$@" 2>/dev/null
}}
_hadeploy_names() {{
    _hadeploy_words "$(_hadeploy_ask "$1" | sed -n 's/^\([A-Za-z][A-Za-z0-9_.-]*\)  *=* .*/\1/p')"
}}
_hadeploy_addresses() {{
    local address typed=${{cur//[\\\'\"]/}}
    while IFS= read -r address; do
        [[ ${{address//\"/}} == "$typed"* ]] || continue
        case "$cur" in
        \'*) COMPREPLY+=("$address") ;;
        \"*) COMPREPLY+=("${{address//\"/\\\"}}") ;;
        *) COMPREPLY+=("$(printf '%q' "$address")") ;;
        esac
    done < <(_hadeploy_ask state list)
}}
_hadeploy() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} command='' i
    COMPREPLY=()
    # a = stands as a word of its own
    if [[ $cur == '=' ]]; then
        cur=''
    elif [[ $prev == '=' ]]; then
        prev=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    for ((i = 1; i < COMP_CWORD; ++i)); do
        case "$command ${{COMP_WORDS[i]}}" in
{}        esac
    done
)sh",
    "complete -F _hadeploy hadeploy\n",
    "_hadeploy_words",
    "_hadeploy_files -f",
    "_hadeploy_files -d",
    "_hadeploy_addresses",
    "_hadeploy_names"};

constexpr Dialect kZsh{
    R"sh(#compdef hadeploy
# zsh completion for hadeploy, made by `hadeploy completion zsh`

_hadeploy_ask() {{
    local -a where
    local i
    for ((i = 2; i < CURRENT; ++i)); do
        [[ ${{words[i]}} == --chdir ]] && where=(--chdir ${{(Q)words[i + 1]}})
    done
    hadeploy $where "$@" 2>/dev/null
}}
_hadeploy_names() {{
    compadd -- ${{(f)"$(_hadeploy_ask $1 | sed -n 's/^\([A-Za-z][A-Za-z0-9_.-]*\)  *=* .*/\1/p')"}}
}}
_hadeploy_addresses() {{
    compadd -- ${{(f)"$(_hadeploy_ask state list)"}}
}}
_hadeploy() {{
    local cur=${{words[CURRENT]}} prev=${{words[CURRENT - 1]}} command='' i
    if [[ $cur == --*=* ]]; then
        prev=${{cur%%=*}}
        cur=${{cur#*=}}
        compset -P '*='
    fi
    for ((i = 2; i < CURRENT; ++i)); do
        case "$command ${{words[i]}}" in
{}        esac
    done
)sh",
    "if [[ ${funcstack[1]} == _hadeploy ]]; then _hadeploy \"$@\"; else compdef _hadeploy "
    "hadeploy; "
    "fi\n",
    "compadd --",
    "_files",
    "_files -/",
    "_hadeploy_addresses",
    "_hadeploy_names"};

/// A word of fish, in single quotes.
std::string fish_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

std::string fish_offer(const CommandTree::Option& o) {
    switch (kind_of(o)) {
    case Kind::words: return " -x -a " + fish_quoted(joined(o.choices));
    case Kind::file: return " -r -F";
    case Kind::directory: return " -x -a '(__fish_complete_directories)'";
    case Kind::address: return " -x -a '(__hadeploy_ask state list)'";
    case Kind::type: return " -x -a '(__hadeploy_names docs)'";
    case Kind::output: return " -x -a '(__hadeploy_names output)'";
    case Kind::nothing: return o.value.empty() ? "" : " -x";
    }
    return {};
}

std::string fish_options(const std::string& condition, const CommandTree& command) {
    std::string out;
    for (const CommandTree::Option& o : command.options) {
        const std::string help = " -d " + fish_quoted(o.help);
        if (!o.argument)
            out += fmt::format("complete -c hadeploy{} -l {}{}{}\n", condition, o.name.substr(2),
                               fish_offer(o), help);
        else if (kind_of(o) == Kind::file)
            out += fmt::format("complete -c hadeploy{} -F\n", condition);
        else if (kind_of(o) != Kind::nothing)
            out += fmt::format("complete -c hadeploy{}{}\n", condition, fish_offer(o));
    }
    return out;
}

std::string fish(const CommandTree& tree) {
    std::string cases, commands;
    for (const auto& [path, command] : all_commands(tree)) {
        const auto space = path.rfind(' ');
        const std::string group = space == path.npos ? "" : path.substr(0, space);
        cases += fmt::format("            case {}\n                set found {}\n",
                             fish_quoted(group + " " + command->name), fish_quoted(path));
        commands += fmt::format("complete -c hadeploy -n {} -a {} -d {}\n",
                                fish_quoted(fmt::format("__hadeploy_in \"{}\"", group)),
                                command->name, fish_quoted(command->help));
        commands +=
            fish_options(" -n " + fish_quoted(fmt::format("__hadeploy_in \"{}\"", path)), *command);
    }
    return fmt::format(R"sh(# fish completion for hadeploy, made by `hadeploy completion fish`

function __hadeploy_in
    set -l found ''
    for word in (commandline -opc)[2..-1]
        switch "$found $word"
{}        end
    end
    test "$found" = "$argv[1]"
end

function __hadeploy_ask
    set -l words (commandline -opc)
    set -l where
    if set -l at (contains -i -- --chdir $words)
        set where --chdir $words[(math $at + 1)]
    end
    hadeploy $where $argv 2>/dev/null
end

function __hadeploy_names
    __hadeploy_ask $argv | string replace -rf '^([A-Za-z][A-Za-z0-9_.-]*) +=* .*' '$1'
end

complete -c hadeploy -f
{}{})sh",
                       cases, fish_options("", tree), commands);
}

} // namespace

std::string completion_script(const CommandTree& tree, const std::string& shell) {
    if (shell == "fish") return fish(tree);
    return posix_like(tree, shell == "zsh" ? kZsh : kBash);
}

int run_completion(Context& context) {
    context.print(completion_script(command_tree(), context.args.name));
    return 0;
}

} // namespace hadeploy::cli
