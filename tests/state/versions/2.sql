-- A state of schema version 2, as written by the hadeploy of that time: one run that ended, and one
-- that was killed while it created `killed`. The key is in the test. This file must not be changed.
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
INSERT INTO "intents" VALUES(4,2,'killed','local.exec',1,'create','fff910ab-cccf-546b-8958-89fb690a9ab5','{"absent_status":44,"create":"kill -9 $PPID","delete":"true","directory":"/srv/kept/","environment":{"P":{"$sealed":"sfukLYySBQ55Wq8Javo3FzHbxA7Rc9Gd7JbYo21niYpmlOq5uD7hJrWbGMb9P2vRKIFaVTspUUQ9NLNGByNm30GGE5SrWR6jJA=="}},"outputs":{"$sealed":"e2ISS3h++ravQ0tl7fIvoXtE5kxj9ZVH765TdUNaSw+wANr6aAVEd+kcHQyHZekv0XaHHwRMz5Bbzbyg063j6u6hZAIyMUIFHB1SyqWO/eo="},"returns":["stdout"],"secret_outputs":false,"timeout":600000}','[]','',0);
CREATE TABLE project (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    name    TEXT NOT NULL,
    lineage TEXT NOT NULL,              -- UUID, made with the file
    serial  INTEGER NOT NULL DEFAULT 0, -- counts the changes of resources
    epoch   INTEGER NOT NULL DEFAULT 0, -- counts the takings of the writer's lock
    outputs TEXT NOT NULL DEFAULT 'null'
, key_lock TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "project" VALUES(1,'kept','685e2924-9040-4e66-b026-ac0575582d83',4,2,'{"greeting":"hello","joined":{"$sealed":"JyOICTWLyIDqVITJjofXn97xordGC1j8VjJGeK5OzT8fXmYEFYqlPUELJqlDVNbI/K6tTVlTmvsJefSVjy8lR/sO20socmhFuvl0"}}','{"kdf":"none","key":"g47kSF/LVZaQ1S3NVOhmvNePEB9U2Lxbm0/f4ws7010azLIV9hfQWyM1/+1+aa5QuximpCCQnEtgG/+pZcQEm+c9ebKj5gYH"}');
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
INSERT INTO "resources" VALUES('config','local.file',1,'7f6535a3-1883-50f8-b556-74ed0829ccaf','{"content":{"$sealed":"tfUWsWtlWrXzYXC4H8+1TD4ARyxZx1DxqU6vI0EVDL4kqp4NMgBc9Nkb6rES3f7Nu462t1KsJiTOPDUS7ef6V7h58qKwfhWjSUghnuftH5LGuQXk"},"mode":"0600","path":"/srv/kept/config.txt","sha256":{"$sealed":"GIc4Y5tyYSBsy0zCTpl7zOAV+s2RV3n/V7hWbQ599zFoP7R7orFcbPGeehUnuMdVh6IHlKKJCKP6e30c+e2/bRTBvEkpT0GOOkbnd79z2gpbm/+avBXrTsWFrSW0aE5bbxPItAtOzFOy0drBM/bCidOVnLAZwQ=="}}','{"content":{"$sealed":"AKxXMPWAp64iGA65BV1iBoegICXsN2DCj5g/+A0cGFzoCHjh+kU+m/EhkhbAcfg9Wf8EhTtcQEm2xZWcOegHNZfzSL9Eu/ewsafggspBH7cfgkd4"},"mode":"0600","path":"/srv/kept/config.txt","sha256":{"$sealed":"g/CpcmNV5KvM9FbC3WAQs8N3R6Ltblt6xqF7dagsuLJ7LPGFJJpmBDgm5zXzaslXwR0MULhSF9mOSiaqCJ3Nc2JdNCIhjzIPLv2mm/cuUo2eAIe/8Lbr/ljfRzv5yLCL2is4aYbqu/docZYaDRQOp8aiCfedZg=="}}','[]',0);
INSERT INTO "resources" VALUES('note','local.value',1,'4fd36543-0ffd-5186-b119-b7a8bf84ed0a','{"input":"hello","output":"hello"}','{"id":"4fd36543-0ffd-5186-b119-b7a8bf84ed0a","input":"hello","output":"hello"}','[]',0);
INSERT INTO "resources" VALUES('site["a"]','local.exec',1,'e915e799-2aae-59bd-9c8c-b0b0b5f9f23f','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-a\"","delete":"true","directory":"/srv/kept/","environment":{},"outputs":{"id":{"$unknown":true}},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-a\"","delete":"true","directory":"/srv/kept/","environment":{},"outputs":{"id":"site-a"},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','[]',0);
INSERT INTO "resources" VALUES('site["b"]','local.exec',1,'7b479fc3-c4cc-5ab4-ba0e-c91520f9301d','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-b\"","delete":"true","directory":"/srv/kept/","environment":{},"outputs":{"id":{"$unknown":true}},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-b\"","delete":"true","directory":"/srv/kept/","environment":{},"outputs":{"id":"site-b"},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','[]',0);
CREATE TABLE runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    command    TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL DEFAULT 0,
    result     TEXT NOT NULL DEFAULT '',
    spec       TEXT NOT NULL,
    summary    TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO "runs" VALUES(1,'apply',1795296008110,1795296008167,'done','{"destroy":false,"files":{"hadeploy.yaml":{"$sealed":"bxeV3KYIdp41Dc/SFU5bWvJ3INx2sKivh7+tpIVPh6zmqzHREzs0JGXG3iLiad0uksq0rfiAKg73Q5dglq7nNNFE0bccgGGDjEu97bCfmAV5jZUucvMQLSA1fxAz+ID6KcgVxKStAZH16to7seVes9cvAaBEWhmZPXLrqsnCx1C+yV5wyL/tg3ZIILHckr2MTNDEcOmWgldJ6aTdHEZiyRCGN91sgM/fE0TYhsg43RlsNcZE/A132jatENRWxvpne/pYp+aBXK8ic2E1n1gC9YsulzSEjU5r2Ugp2Kp2lpUkGK/4gV1gnwxsqYWjLRXauVLxIv5K1l6GjGGbYgB11/ZFjh+q4mIOJUpj0o24h8c9phFvcBh7agyhCk7EwESLWg+NVIF9kFWaK72yKTxHhEuS6ZL+bKjm8KIbT/054iNVvaWMwDRnQBpTe8ATOaRFMSeZBfVDAVWpQL0bqDzWu/D2/fCejyo4iolebPuXFnmVbuLBlB5oxBVAVY7Ws3QglxGUyqODctsfTFqoxK1ua3W/Zv6vw7iegxcxJ+8zt7dn5/fGLatSYwt9tXjIMmVlRn69j/eCsNJtE9N5NeLYsahWNK8w36TnmJdCcuqH9iy9z45ixmUm72S+SjFCA3gZYLd4t48liWZbflOzkf9qdeDrhCppL3JJ5DhHyW8Wkpgc4m+5q9bbk4fFV9M="}},"partial":false,"secrets":{},"variables":{"password":{"$sealed":"9vCkrdAswdJWosWPZGb7XlEGBW380tETwPYB3GPKWRPJlX6KaHfFZCQjOgoof6+dj4OBbysuHSVfWqtoV1pJdgsAvcGaY1So/Q=="}}}','{"counts":{"adopted":0,"changed":0,"created":4,"failed":0,"forgotten":0,"not begun":0,"read":0,"refreshed":0,"removed":0,"repaired":0,"replaced":0,"skipped":0,"unchanged":0},"critical_path":{"milliseconds":39,"steps":["config"]},"errors":[],"interrupted":false,"milliseconds":57,"ok":true,"outputs":{"greeting":"hello","joined":"(secret)"},"steps":[{"action":"create","address":"config","ended_ms":1795296008153,"outcome":"created","started_ms":1795296008114},{"action":"create","address":"note","ended_ms":1795296008126,"outcome":"created","started_ms":1795296008114},{"action":"create","address":"site[\"a\"]","ended_ms":1795296008151,"outcome":"created","started_ms":1795296008114},{"action":"create","address":"site[\"b\"]","ended_ms":1795296008150,"outcome":"created","started_ms":1795296008114}]}');
INSERT INTO "runs" VALUES(2,'apply',1795296008308,0,'','{"destroy":false,"files":{"hadeploy.yaml":{"$sealed":"tfDQiCRNQDa7k/JRYsu10L/Ie7hZN9qPF7VmBDRUV5qPCGNI4Vi6r/leEEfIGS946dRRJhgc0Xq1dWg2rSdpCgMjwBUA7uxt2FkxohoPgogz0UGyypULvgOAe4Wrbz7yCiLgPMkAK7zhj/uX2biybgivEmXSp6VtJxdBUYxNG1UskMBUPMAs8Oc+1ZbNOBuNo4rbX+TfXKjskoOtkH+pbftlJQ1r4O+WzgJGhaIqL6oRmLNEL4fpPuGkM6BAfWNjPsAGP6csuhx+qd4cpEg85TLUKlye6vgM1tk/RK/bPtQioTsToS/8X5Ioqa6BbsRtjIZASZZdGOdAmgfdolN80WeHmPCGwYYfcUFc848TrKYQqjzJTsNNuw7lHM6jE+RjCKyJc3e4xZv6Z0PPvauOx+/I2Lbnjroi2Hj1laaKMCGDbtS+YVeHdfC/NC1EDrGfLvB44WQkQ7blwmjPhkYImEDvhDwWT/Z2RF6lea8Op7ywYxJQMe+vLbv9n/pusmY6ejAgMsPYAB70gey20EUfUl3zC5QI8MlJB5hQPNwcts3wVrMEvUdPWr8F0dnUOHE5gSYBOwTtVeUmipri6VNhav/jrA9DEEBX9vf5obRfTCmSMxqBI1djaSvniJmKCIdmquHcX6vO2sXLHL2K0udhc/DyUG+NPtwO+p+Autka+hx2uBsxzB0bk4jGpNK9EznMlsnwdll/c6vw2oWCGz8HYbEGI1Gt2Y9aJwLX5PP45/bEiJxc8CSbRxm99QCV48WenAytLS3qK+e0g859BsT+d875RxedU7sLR/IhA6bP1nwWg41O2NStJznzHBvx6+peUrUIMf3toi5ZMUImgEM="}},"partial":false,"secrets":{},"variables":{"password":{"$sealed":"1x46Je+1wmt5JXSJVvwzVtJozt9SI9Prc2wbkNGp56dtddWfUrq1TXYPQ4EeQEWUdzo1dfJ85rQvVCCFClAxTN45AvqR3JJRkw=="}}}','');
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
INSERT INTO "steps" VALUES(1,1,'note','create',1795296008114,1795296008126,'done','[]');
INSERT INTO "steps" VALUES(1,2,'site["b"]','create',1795296008114,1795296008150,'done','[]');
INSERT INTO "steps" VALUES(1,3,'site["a"]','create',1795296008114,1795296008151,'done','[]');
INSERT INTO "steps" VALUES(1,4,'config','create',1795296008114,1795296008153,'done','[]');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',2);
INSERT INTO "sqlite_sequence" VALUES('intents',4);
COMMIT;
PRAGMA application_id = 1751213168;
PRAGMA user_version = 2;
