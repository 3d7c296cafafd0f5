-- The first schema of the state. It must not be changed; later changes are separate migrations (see
-- migrations.cpp). Configs, attributes and outputs are encoded by codec.h.

-- A single row that identifies the file.
CREATE TABLE project (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    name    TEXT NOT NULL,
    lineage TEXT NOT NULL,              -- UUID, created with the file
    serial  INTEGER NOT NULL DEFAULT 0, -- counts the changes of resources
    epoch   INTEGER NOT NULL DEFAULT 0, -- counts how often the writer's lock was taken
    outputs TEXT NOT NULL DEFAULT 'null'
) STRICT;

CREATE TABLE resources (
    address    TEXT PRIMARY KEY,
    type       TEXT NOT NULL,
    generation INTEGER NOT NULL,
    identity   TEXT NOT NULL,
    config     TEXT NOT NULL,
    attributes TEXT NOT NULL,
    depends_on TEXT NOT NULL,           -- JSON list of addresses
    tainted    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Effects that were started and whose result is not recorded.
CREATE TABLE intents (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused
    run        INTEGER NOT NULL,
    address    TEXT NOT NULL,
    type       TEXT NOT NULL,
    generation INTEGER NOT NULL,
    action     TEXT NOT NULL,
    identity   TEXT NOT NULL,
    config     TEXT NOT NULL,
    depends_on TEXT NOT NULL,
    input_hash TEXT NOT NULL,
    started_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    command    TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL DEFAULT 0,
    result     TEXT NOT NULL DEFAULT '',
    spec       TEXT NOT NULL,
    summary    TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE steps (
    run        INTEGER NOT NULL REFERENCES runs (id),
    number     INTEGER NOT NULL,
    address    TEXT NOT NULL,
    action     TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL,
    result     TEXT NOT NULL,
    after      TEXT NOT NULL,           -- JSON list of addresses
    PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;
