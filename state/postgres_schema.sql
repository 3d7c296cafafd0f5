-- The first schema of a state in PostgreSQL. It must not be changed; later changes are separate
-- migrations (see postgres_schema.cpp). Configs, attributes and outputs are encoded by codec.h.
-- Addresses are compared as bytes, as in SQLite.

-- A single row that identifies the schema as a state.
CREATE TABLE hadeploy (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO hadeploy VALUES (1, 1);

-- A single row. Every transaction of a writer begins by updating it, which makes writers wait for
-- each other, and shows whether another one has taken over.
CREATE TABLE project (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    name       TEXT NOT NULL,
    lineage    TEXT NOT NULL,
    serial     BIGINT NOT NULL DEFAULT 0, -- counts the changes of resources
    outputs    TEXT NOT NULL DEFAULT 'null',
    key_lock   TEXT NOT NULL,
    mac        TEXT NOT NULL DEFAULT '',
    epoch      BIGINT NOT NULL DEFAULT 0, -- counts how often the lease was taken
    writes     BIGINT NOT NULL DEFAULT 0, -- counts the transactions of writers
    owner      TEXT NOT NULL DEFAULT '',  -- JSON: who has the lease
    expires_at TIMESTAMPTZ NOT NULL DEFAULT '-infinity'
);

CREATE TABLE resources (
    address    TEXT COLLATE "C" PRIMARY KEY,
    type       TEXT NOT NULL,
    generation BIGINT NOT NULL,
    identity   TEXT NOT NULL,
    config     TEXT NOT NULL,
    attributes TEXT NOT NULL,
    depends_on TEXT NOT NULL,             -- JSON list of addresses
    tainted    BIGINT NOT NULL,
    mac        TEXT NOT NULL
);

-- Effects that were started and whose result is not recorded.
CREATE TABLE intents (
    id         BIGINT PRIMARY KEY,
    run        BIGINT NOT NULL,
    address    TEXT COLLATE "C" NOT NULL,
    type       TEXT NOT NULL,
    generation BIGINT NOT NULL,
    action     TEXT NOT NULL,
    identity   TEXT NOT NULL,
    config     TEXT NOT NULL,
    depends_on TEXT NOT NULL,
    input_hash TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    mac        TEXT NOT NULL
);

CREATE TABLE runs (
    id         BIGINT PRIMARY KEY,
    command    TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    ended_ms   BIGINT NOT NULL DEFAULT 0,
    result     TEXT NOT NULL DEFAULT '',
    spec       TEXT NOT NULL,
    summary    TEXT NOT NULL DEFAULT ''
);

CREATE TABLE steps (
    run        BIGINT NOT NULL REFERENCES runs (id),
    number     BIGINT NOT NULL,
    address    TEXT NOT NULL,
    action     TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    ended_ms   BIGINT NOT NULL,
    result     TEXT NOT NULL,
    after      TEXT NOT NULL,             -- JSON list of addresses
    PRIMARY KEY (run, number)
);
