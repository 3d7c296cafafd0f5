-- A state of schema version 1, from before encryption: one run that ended, and one that was killed
-- while it created `killed`. This file must not be changed.
BEGIN TRANSACTION;
CREATE TABLE intents (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
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
INSERT INTO "intents" VALUES(4,2,'killed','local.exec',1,'create','00000000-0000-5000-8000-000000000009','{"create": "kill -9 $PPID", "delete": "true", "environment": {"P": {"$secret": "canary-of-version-1"}}}','[]','',0);
CREATE TABLE project (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    name    TEXT NOT NULL,
    lineage TEXT NOT NULL,              -- UUID, made with the file
    serial  INTEGER NOT NULL DEFAULT 0, -- counts the changes of resources
    epoch   INTEGER NOT NULL DEFAULT 0, -- counts the takings of the writer's lock
    outputs TEXT NOT NULL DEFAULT 'null'
) STRICT;
INSERT INTO "project" VALUES(1,'kept','00000000-0000-4000-8000-000000000001',4,2,'{"greeting": "hello", "joined": {"$secret": "canary-of-version-1"}}');
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
INSERT INTO "resources" VALUES('config','local.file',1,'00000000-0000-5000-8000-000000000000','{"content": {"$secret": "canary-of-version-1"}, "mode": "0600", "path": "/srv/kept/config.txt"}','{"content": {"$secret": "canary-of-version-1"}, "mode": "0600", "path": "/srv/kept/config.txt"}','[]',0);
INSERT INTO "resources" VALUES('note','local.value',1,'00000000-0000-5000-8000-000000000001','{"input": "hello", "output": "hello"}','{"input": "hello", "output": "hello"}','[]',0);
INSERT INTO "resources" VALUES('site["a"]','local.exec',1,'00000000-0000-5000-8000-000000000002','{"create": "echo a", "delete": "true", "returns": {"id": "string"}}','{"create": "echo a", "delete": "true", "returns": {"id": "string"}}','[]',0);
INSERT INTO "resources" VALUES('site["b"]','local.exec',1,'00000000-0000-5000-8000-000000000003','{"create": "echo b", "delete": "true", "returns": {"id": "string"}}','{"create": "echo b", "delete": "true", "returns": {"id": "string"}}','[]',0);
CREATE TABLE runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    command    TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL DEFAULT 0,
    result     TEXT NOT NULL DEFAULT '',
    spec       TEXT NOT NULL,
    summary    TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO "runs" VALUES(1,'apply',1795296008110,1795296008167,'done','{"files": {"hadeploy.yaml": "name: kept\nvariables: {password: {type: string, secret: true, default: canary-of-version-1}}\n"}}','{}');
INSERT INTO "runs" VALUES(2,'apply',1795296008308,0,'','{"files": {"hadeploy.yaml": "name: kept\nvariables: {password: {type: string, secret: true, default: canary-of-version-1}}\n"}}','');
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
INSERT INTO "steps" VALUES(1,1,'config','create',1795296008114,1795296008126,'done','[]');
INSERT INTO "steps" VALUES(1,2,'note','create',1795296008114,1795296008126,'done','[]');
INSERT INTO "steps" VALUES(1,3,'site["a"]','create',1795296008114,1795296008126,'done','[]');
INSERT INTO "steps" VALUES(1,4,'site["b"]','create',1795296008114,1795296008126,'done','[]');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('intents',4);
INSERT INTO "sqlite_sequence" VALUES('runs',2);
COMMIT;
PRAGMA application_id = 1751213168;
PRAGMA user_version = 1;
