#include "cli/render/docs_spec.h"

#include "cli/render/text.h"

#include <cctype>

namespace hadeploy::cli {

namespace {
constexpr std::string_view kSpec = R"md(# Reference

Made by `hadeploy docs --markdown` from the schemas that the program itself checks specs with.

## The spec

A project is a directory with a `hadeploy.yaml`. It is plain YAML 1.2; only `name` is required.

| Key | Holds |
|---|---|
| `name` | The project's name. |
| `description` | A remark for readers. |
| `variables` | What can be given from outside. |
| `locals` | Values with a name, for the expressions of this file. |
| `secrets` | Encrypted files of [secrets](#secrets). |
| `providers` | Settings of [providers](#providers). |
| `data` | What is only [read](#data-sources). |
| `resources` | What shall exist. |
| `modules` | Groups of resources from elsewhere. |
| `outputs` | What is worth knowing afterwards. |
| `moved` | New names for what is there. |
| `removed` | What is to be let go of without destroying it. |
| `import` | What is there already and shall be managed from now on. |
| `chaos` | What [failure drills](#chaos) need to know of the app. |

A top-level key that begins with `x-` is ignored: it can hold what [anchors](#anchors-and-merge-keys)
stand for.

Names of variables, data sources, resources, modules and outputs begin with a letter and go on with letters,
digits, `_` and `-`, at most 63 characters.

### Variables

```yaml
variables:
  memory: {type: bytes, default: 1 GiB, min: 512 MiB, description: Of each machine.}
```

| Key | Meaning |
|---|---|
| `type` | One of the [types](#types) below; `any` where it is left out. |
| `default` | The value when none is given. Without it the variable has to be given. |
| `min`, `max` | Limits, in the variable's own unit; of a list its length. |
| `one_of` | The only values allowed. |
| `secret` | `true`: never shown, neither in plans nor in logs. |
| `description` | A remark for whoever gives the value. |
| `validate` | Rules of its own: `[{check: "${var.n % 2 == 1}", message: "${var.n} is even"}]`. A check may look at other variables too. |

Values come from `--var NAME=VALUE`, a `--var-file FILE` (a YAML map), or the environment
(`HADEPLOY_VAR_NAME`). They are data: a `${` in them has no meaning. The declaration of a variable is
read before there are any values, so an expression in it is an error; a local can hold what is
calculated from variables, and `$${` is a literal `${` here too.

### Locals

```yaml
locals:
  prefix: ${var.name}-web
  small: "${ {for k, v in node : k => v if v.memory < 1024} }"
```

A local is evaluated where it is used: `${local.small["a"]}` depends on what that part of it needs.

### Secrets

```yaml
secrets:
  app: secrets/app.yaml
resources:
  config:
    type: host.file
    path: /etc/app.conf
    mode: "0600"
    content: password=${secret.app.db_password}
```

Each name stands for a file, relative to the spec: a YAML map, encrypted as Ansible Vault does. Make
one with `hadeploy vault encrypt FILE` and change it with `hadeploy vault edit FILE`; `ansible-vault`
reads and writes the same files. All files have one password. It comes from
`--vault-password-file FILE` (mode 0600; an executable one is run, and prints it), else from
`HADEPLOY_VAULT_PASSWORD`, else from the file that `ANSIBLE_VAULT_PASSWORD_FILE` names, else it is
asked for on the terminal.

What comes from such a file is secret, as the value of a variable with `secret: true` is, and so is
all that is computed from it. A module sees no secrets but those that it is given under `with`.
What commands print is searched for known secrets before it is shown; those of fewer than 4 characters
can't be hidden there, and `validate`, `plan` and `apply` name them. Of a line of the spec that an error
or `why` shows, `(secret)` takes the place of what is secret and written out there. A file that is no
YAML can't tell what that is: of its lines just the keys are shown, if a word of it goes with secrets
(secret, sensitive, password, private_key, token).

### Resources

```yaml
resources:
  motd:
    type: host.file
    for_each: ${node}
    host: ${each.value.connection}
    path: /etc/motd
    content: This is ${each.key}.
```

Beside the attributes of its type a resource may have:

| Key | Meaning |
|---|---|
| `type` | The resource type. Required. |
| `for_each` | A map or a list of names: one instance for each, called `motd["node1"]`. Inside, `${each.key}` is the name and `${each.value}` what the map has for it. |
| `count` | So many instances, called `motd[0]`, `motd[1]`; inside, `${count.index}` is the number. Prefer `for_each`: taking an instance away from the middle then leaves the others alone. |
| `depends_on` | Resources, or `module.NAME`, that have to be finished first. References imply this already. |
| `lifecycle` | What may happen to it: see [below](#lifecycle). |
| `serial` | `true`: the instances are changed one after the other, in the order of their names. |

#### lifecycle

```yaml
resources:
  database:
    type: libvirt.volume
    lifecycle: {prevent_destroy: true}
```

| Key | Meaning |
|---|---|
| `prevent_destroy` | `true`: a plan that would destroy or replace the resource is an error. The state keeps this, so that taking the block out of the spec does not take the protection away: to lift it, apply once with `false`. Where the block is still there, what it says decides: an instance can be taken out of `for_each` in the same edit that sets `false`. |
| `keep_on_destroy` | `true`: when the resource is taken out of the spec, destroyed or replaced, the object stays as it is and only the state forgets it. The state keeps this too. A replacement is made beside the old object, as with `create_before_destroy`. |
| `ignore_changes` | Attributes that stay as they are, or parts of them, or `all`: differences are no drift and no change. `[content, labels.x, 'labels["a b"]', "ports[0]"]`: the rest of `labels` is compared and repaired, its `x` stays. |
| `replace_triggered_by` | Resources, instances or modules: when one of them is made, changed or replaced, this one is replaced. `web`, `'web["a"]'`, `'web[each.key]'`, `module.site`, `'module.site["a"].web'`. A value is no trigger, nor is a data source: keep it in a `local.value`, and name that. |
| `create_before_destroy` | `true`: where it has to be replaced, the new one is made first, then what refers to it is changed, then the old one is removed. Until then the state knows the old one as `database#1`, after its generation; whatever an interrupted run leaves behind is removed by the next one. What the resource rests on is replaced in this way too. Both have to be able to be there at once: a name that only one can have is an error. |
| `preconditions` | Rules as those of a [variable](#variables), checked in the plan, and again in apply for what is known only then. |
| `postconditions` | The same of what is there then: `[{check: "${self.size > 1024}", message: too small}]`. Where the plan can tell that one will be broken, it is an error of the plan; otherwise the step fails after the resource was made and recorded, and what depends on it is left. |

What follows from ignored attributes (the checksum of an ignored content, say) is ignored with them.

The flags and `ignore_changes` take expressions over variables, locals, `each` and `count`:
`prevent_destroy: "${var.production}"`. What a resource or a data source tells comes too late for them.

### Data sources

```yaml
data:
  release:
    type: http
    url: https://example.org/releases/latest.json
resources:
  config:
    type: local.file
    path: app.conf
    content: version=${jsondecode(data.release.response_body).version}
```

A data source is read and never changed; nothing of it is kept in the state. It has the form of a
resource: a type out of [these](#data-source-types), the type's attributes, `for_each` or `count`,
`depends_on`, and `preconditions` and `postconditions` under `lifecycle`.

It is read when the plan is made, so that the plan can tell what follows from it. Where an attribute
is known only after apply, or something that it refers to or names in `depends_on` is about to change, it is read
during apply, which the plan says (`<=`). What can't be read is an error: of the plan, or of apply when
something that it refers to is about to change. A saved plan carries what was read for it.

How many instances there are of everything is settled before anything is read: `for_each` and `count`
can't go by a data source. Take keys from a variable, a local or `file()`.

### Moved

`moved: [{from: node, to: host}, {from: "disk[\"a\"]", to: module.store.disk}]` gives new names to
what is there: a resource, an instance or a whole module. A move that was done stays without effect. In
a chain (`a` to `b`, `b` to `c`) only the last name has to be in the spec; a resource can't become one
of another type.

Most resources need no such entry: an object that has a name of its own (a file its path, a machine
its name) is recognized under another address, in another module and under another key, and so is `a`
that becomes `a[0]`. What has no name (random values, keys, commands) is destroyed and created under the
new address unless it is moved; the plan names such pairs. What becomes the same as another one was so
far, as when a list of commands loses its middle, is made after that one is removed.

### Removed

`removed: [database, module.old]` lists addresses that the spec no longer has: what is there stays as
it is, and hadeploy forgets it. Without that, it would be destroyed.

### Import

`import: [{to: node["a"], id: 1b4e28ba-2fa1-41d2-883f-0016d3cca427}]` takes over what is there and
was made by somebody else. The spec says what it shall be like; where it differs it is changed, but
never replaced. `id` is what it is known by there, which each type tells (of a libvirt network its
UUID); types that take over by themselves what is there as wanted (files, packages, users) need none.
What is recorded already is left alone, so the entry may stay. `hadeploy import ADDRESS ID` does the
same for one object, and only takes a note of it.

`id`, the keys of the address and `for_each` may go by variables and locals:
`import: [{to: "node[each.key]", id: "${each.value}", for_each: "${var.ids}"}]`.

### Expressions

`${...}` inserts a value and makes the resource wait for what it comes from. Alone in a string it
keeps the value's type; `$${` is a literal `${`. It works in the keys of a map as well:
`{"${var.zone}-a": 1}`. Such a key is a string, a number or a boolean, and differs from the other keys;
a map with a key that is known only after apply is known only then, and a map with a secret key is
secret. What names a block, an attribute, a type, a module's source or a dependency is written out: an
expression there is an error.

| Reference | Value |
|---|---|
| `${var.memory}` | A variable. |
| `${secret.app.db_password}` | A value out of an encrypted file, see [secrets](#secrets). |
| `${lab.name}` | An attribute of a resource of the same file. |
| `${base}` | All attributes of a resource, as a map. |
| `${data.release.status_code}` | What a data source has read. |
| `${node["node1"].connection}` | An attribute of one instance. |
| `${node[*].connection}` | The attribute of every instance, by the instances' names. |
| `${local.sites[*].nodes[*].name}` | A further `[*]` goes over a list or map within each element. Over null there is nothing, and a single value is a list of one. |
| `${each.key}`, `${each.value}`, `${count.index}` | The instance's own, see `for_each` and `count`; in a module's `with` those of the module. |
| `${self.token}` | In a postcondition: an attribute of the resource itself. |
| `${local.prefix}` | A local of the same file. |
| `${module.cluster.web_url}` | An output of a module. |
| `${module.site["a"].url}`, `${module.site[0].url}` | An output of one instance of a module with `for_each`, with `count`. |
| `${module.site[*].url}` | That output of every instance, by their names; just this output is waited for. |
| `${path.module}`, `${path.root}` | The directory of the module, of the project, as an absolute path: the same wherever hadeploy is run. Attributes that name local files need neither, they are relative to the file that they are written in. |

| Operation | Value |
|---|---|
| `a + b`, `a - b`, `a * b`, `a / b`, `a % b`, `-a` | Numbers. Integers stay exact, and an overflow is an error; `7 / 2` is 3.5. A minus needs a blank before it, since `a-b` is a name. |
| `a == b`, `a != b` | Whether two values are the same, of any type. |
| `a < b`, `a <= b`, `a > b`, `a >= b` | Whether one number is the lesser one. |
| `a && b`, `a \|\| b`, `!a` | Booleans. Where `a` decides, `b` is not looked at; where `a` is known only after apply, `b` may decide. |
| `a ? b : c` | `b` if `a` is true, else `c`. |
| `[a, b]`, `{name: a, (expression): b}` | A list, a map. |
| `"text ${a}"`, `'text'` | A string; `\n`, `\t`, `\r`, `\"`, `\'` and `\\` are escapes. |
| `[for x in list : x.name if x.on]` | A list of something of each element that passes; `if` may be missing. `for k, v in map` gives the key (of a list: the index) too. |
| `{for k, v in map : k => v.name}` | The same as a map. With `...` after the value the values of one key are gathered in a list. |
| `f(a, b)`, `f(list...)` | A [function](#functions), the second with the list's elements as its arguments. |

What is known only after something was made is shown as `(known after apply)` and filled in on the
way; so is what follows from it. What follows from a secret is secret, also whether `can` or `try`
fails because of it. Of a map the secret values do not make the keys secret; where the whole map is
secret, such as the value of a variable with `secret: true`, so are its keys. To go over them write
`for_each: "${nonsensitive(keys(var.users))}"`.

Keys are compared byte by byte. A letter with an accent can be written as one character or as two, and
those are two keys; a message shows the second way as `e\u{0301}`.

### Anchors and merge keys

```yaml
x-file: &file {type: host.file, mode: "0600", owner: app}
resources:
  config: {<<: *file, path: /etc/app.conf, content: a}
  key: {<<: *file, path: /etc/app.key, content: b, mode: "0400"}
```

YAML's anchors, aliases and merge keys work within one file. `<<: *file` adds the entries of a map for
keys that are not written out, `<<: [*a, *b]` those of several maps, of which an earlier one goes before
a later one. In quotes, `"<<"` is an ordinary key.

### Modules

```yaml
modules:
  cluster:
    source: ../../modules/ha-demo
    with: {hosts: "${node[*].connection}"}
```

| Key | Meaning |
|---|---|
| `source` | The module's directory, relative to this file. It has a `module.yaml` with `description`, `variables`, `locals`, `data`, `resources`, `modules`, `outputs` and `checks`. Required. |
| `for_each`, `count` | As with resources: instances called `module.site["a"]`, `module.site[0]`. `with` may use `${each.key}`, `${each.value}` and `${count.index}`. |
| `with` | Values for the module's variables, checked against their types and rules: in the plan, and again in apply for what is known only then. |
| `depends_on` | As with resources. |

### Outputs

```yaml
outputs:
  web: ${module.cluster.web_url}
  password: {value: "${database.password}", secret: true}
  url:
    value: https://${database.name}
    preconditions: [{check: "${database.size > 0}", message: the database is empty}]
```

With a `value` an output may have `secret`, `description` and `preconditions`: rules as those of a
[variable](#variables). One that does not hold is an error of the plan or, where it is known only then,
of apply, and what uses the output is not begun.

### Checks

```yaml
checks:
  backups: {check: "${var.backups > 1}", message: one backup is none}
```

What is worth a word and no failure, in the spec or a module: a rule, or a list of rules. One that does
not hold is a warning of `validate` and of the plan, and of apply, which looks again when all is done.
Nothing is stopped, and the exit status stays as it is. With `--json` warnings are in `warnings`, of the
plan and of apply's report. A data source is not part of a check: one that can't be read is an error.

There are warnings without a check: of `validate`, and of a plan that makes or changes the object, what a
resource says in vain, such as a key of a compose file that a swarm ignores; of a plan, that the directory
of a new file is not there, and nothing before the file makes it.

### Types

| Type | Written as |
|---|---|
| `string`, `integer`, `number`, `boolean`, `any` | As in YAML. |
| `bytes` | `512 MiB`, `1 GB`, or a number of bytes. Units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB. |
| `duration` | `30s`, `5m`, `1h 30m`. Units: ms, s, m, h, d. |
| `port` | 1 to 65535. |
| `ipv4` | `10.77.0.11` |
| `cidr` | `10.77.0.0/24` |
| `mode` | A file's mode, quoted: `"0644"`. |
| `name` | Letters, digits, `.`, `_` and `-`; begins with a letter or digit; at most 63 characters. |
| `account` | A `name` that may begin with `_`: of a user or group. |
| `address` | A host name or an IP address, without a user and a port. |
| `line` | A text of one line. The line end of a file is taken off. |
| `path` | An absolute path on the machine, without `..`. |
| `local_path` | A path on this machine, relative to the file it is written in. |
| `connection` | How to log in to a machine: see the attribute of that name of [ssh.host](#sshhost). |
| `list(T)`, `map(T)` | A list, a map, of another type. |
| `set(T)` | A list whose elements are in no order and each there once: it is sorted. |
| `object({name: T, port: optional(T, default)})` | A map with these keys. What is optional may be left out, and is its default then, or null. |

A type may also be written as YAML: a map is an object of its keys, a map with the one key `*` a map
of any keys, a list of one type a list of it.

```yaml
variables:
  hosts:
    type:
      "*":
        address: ipv4
        port: optional(port, 22)
        tags: optional(list(string), [])
```

Mistakes are told with their path: `var.hosts["a"].port: 70000 is not a port (1 to 65535)`. Between
`{` and `}` a type with a comma has to be quoted, since YAML ends a word there.

## State

What was made is recorded in `.hadeploy/state.db` beside the spec (mode 0600). Everything in it that
is secret is encrypted: in resources, outputs, the journal and the history, where also the spec's
text is. A saved plan is encrypted as a whole. Names, types and values that are not secret can be
read in the state by whoever has the file.

`.hadeploy` is refused where another user owns it or can write to it, and where it, the state or a file
that SQLite keeps beside that is a symbolic link.

| The key | Where it comes from |
|---|---|
| `HADEPLOY_STATE_PASSPHRASE` | A passphrase, from which the key is made (Argon2id). |
| `HADEPLOY_STATE_KEY` | 32 bytes in base64: `openssl rand -base64 32`. |
| `HADEPLOY_STATE_KEY_FILE` | A file with such keys, one a line, of mode 0600. The first locks, all of them open. Made when it is not there. |
| none of these | The file `.hadeploy/state.db.key`, made together with the state. |

The first that is set counts when a state or a saved plan is made; from then on it takes the same key
to open it. A key beside the state protects copies of the state that go without it. It does not
protect against somebody who can read your files, nor does any key against somebody who can read the
memory of a running hadeploy, or log in where secrets were put. What an older hadeploy has written
is encrypted by the next apply; copies of the file from before that are not.

`hadeploy state rekey` changes the key, and encrypts everything anew.

With a wrong or missing key nothing is read and nothing is changed. There is no way to what is secret
in a state without its key: back up both, apart from each other.

### History

`hadeploy history` lists the runs of apply, destroy and rollback. Each keeps the spec with its
modules, variables and secrets as they were, so that `hadeploy rollback N` can plan the way back to
what run N had applied, show it and, once approved, do it. That is a run like any other. It can go
back to runs that ended well. Files that the spec only names (a `source`, images) are not kept: they
are taken as they are now.

)md";
} // namespace

std::string spec_reference() {
    return std::string(kSpec);
}

std::string table_cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|')
            out += "\\|";
        else if (c == '\n')
            out += ' ';
        else if (c == '<')
            out += "&lt;";
        else
            out += c;
    }
    return out;
}

std::string indented(std::string_view text) {
    std::string out;
    for (const std::string& line : split_lines(text))
        out += line.empty() ? "\n" : "  " + line + "\n";
    return out;
}

std::string anchor(std::string_view heading) {
    std::string out;
    for (const char c : heading) {
        const auto u = static_cast<unsigned char>(c);
        if (std::isalnum(u) || c == '-' || c == '_')
            out += static_cast<char>(std::tolower(u));
        else if (c == ' ')
            out += '-';
    }
    return out;
}

} // namespace hadeploy::cli
