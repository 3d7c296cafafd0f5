#include "cli/docs/docs_state.h"

namespace hadeploy::cli {

std::string state_reference() {
    return R"md(## State

Created objects are recorded in `.hadeploy/state.db` next to the spec (mode 0600). All secrets in it
are encrypted: in resources, outputs, the journal and the history, and the text of the spec in the
history. A saved plan is encrypted as a whole. Names, types and values that are not secret can be
read by anyone who has the state file.

`.hadeploy` is refused if another user owns it or can write to it, and if the directory, the state
or a file that SQLite keeps next to it is a symbolic link.

| The key | Source |
|---|---|
| `HADEPLOY_STATE_PASSPHRASE` | A passphrase, from which the key is derived (Argon2id). |
| `HADEPLOY_STATE_KEY` | 32 bytes in base64: `openssl rand -base64 32`. Several keys are separated by spaces or line ends: the first one encrypts, all decrypt. |
| `HADEPLOY_STATE_KEY_FILE` | A file of such keys, one per line, with mode 0600. The first key encrypts, all keys decrypt. The file is created if it does not exist. An executable file is run instead, and prints keys as in `HADEPLOY_STATE_KEY`. |
| none of these | The file `.hadeploy/state.db.key`, created together with the state. |

The first of these that is set is used when a state or a saved plan is created; after that the same
key is needed to open it. A key file next to the state protects copies of the state that do not
include it. It does not protect against somebody who can read your files. No key protects against
somebody who can read the memory of a running hadeploy, or log in to a machine that holds the
secrets. A state that an older hadeploy wrote unencrypted is encrypted by the next apply; earlier
copies of the file stay unencrypted.

`hadeploy state rekey` changes the key and encrypts everything again.

With a wrong or missing key, nothing is read and nothing is changed. The secrets in a state cannot
be recovered without its key: back up both, separately.

### Shared state

With `state: postgresql://USER@HOST/DATABASE?schema=NAME`, the option `--state URL` or the variable
`HADEPLOY_STATE`, the state is in a schema of a PostgreSQL database, where a team and its CI jobs
use it (`docs/shared-state.md`). The option takes precedence over the variable, and the variable
over the spec. Without `schema` the schema is `hadeploy`; each project needs a schema of its own. The
state of an [environment](#environments) is in the schema `NAME_ENVIRONMENT`. The other parameters of the URL are those of libpq. Unless the server is on this
machine or `sslmode` is given, its certificate is verified (`sslmode=verify-full`).

The URL must not contain a password. It comes from the first of `HADEPLOY_STATE_PASSWORD`, the
spec, and libpq's own sources: `PGPASSWORD` and `~/.pgpass`.

```yaml
secrets: {db: secrets/db.yaml}
state:
  url: postgresql://deploy@db.example.com/infra?schema=shop
  password: ${secret.db.password}
```

Such a state has no key file beside it: the key comes from one of the environment variables above,
and is the same for all users. The lock is a lease that is renewed every five seconds and expires
after 30. If its holder dies, the next run on the same machine takes the lease over immediately, and
a run on a different machine when the lease has expired.

### Environments

An environment is an instance of the spec with its own state, key, variables and history. A file
`environments/NAME.yaml` beside the spec declares it and contains the values of its variables (`{}` for
none). The option `--env NAME` or the variable `HADEPLOY_ENV` chooses it:

```yaml
resources:
  config:
    type: host.file
    path: /srv/shop-${env.name}/app.conf
    content: "replicas ${var.replicas}\n"
```

A name consists of a-z, 0-9 and `-`, begins with a letter, and has at most 30 characters. The state,
its key, and the other files of an environment are in `.hadeploy/env/NAME`; in a database, the state
is in the schema `SCHEMA_NAME`. Marks on real objects name the project `PROJECT/NAME`.

Without `--env` the environment is `default`, whose files are in `.hadeploy` itself. A project with
files in `environments` has the environment `default` only if `environments/default.yaml` exists.
Otherwise each command that uses a state needs `--env`.

In such a project the first line of each plan names the environment, and a saved plan can only be
applied in its own environment. A plan is refused if a resource would manage an object that is in the
state of a different environment, or if a removal would remove it. A machine that hadeploy has not
created (`ssh.host`) can be used by several environments, and a package stays as long as one of them
needs it. The check reads the states of the other environments; if it cannot read one, because its
key is missing for example, a note says so. It does not find objects that a command creates
(`local.exec`, `host.command`).

`hadeploy env list` lists the environments, and the files whose names cannot be those of environments.

### Saved plans

`hadeploy plan --out FILE` saves a plan with its inputs: the spec, the values of variables and
secrets, and what was read. `hadeploy apply FILE` makes the plan again from them, also on another
machine and in another directory, and refuses it if the state, the spec in the directory or a local
file has changed, or if any step would differ. `docs/plans-in-ci.md` describes this for a team.

`apply: {saved_plans_only: true}` in the spec refuses `apply` without a saved plan, `destroy`,
`rollback` and `watch --repair`.

### History

`hadeploy history` lists the runs of apply, destroy and rollback. Each run records the spec with its
modules, variables and secrets, so that `hadeploy rollback N` can restore the version that run N
applied: it plans the changes, shows them, and makes them after approval. A rollback is a run like any
other. It can only go back to runs that succeeded. Files that the spec only names (a `source`, images)
are not recorded; their current content is used.

A run also records who started it: the user and the machine, the job of GitHub Actions or GitLab CI, and
the git commit of the spec, with a `+` if its directory had uncommitted changes. `hadeploy history show N`
shows this with the run's plan and steps. The record is encrypted and authenticated like the spec.

)md";
}

} // namespace hadeploy::cli
