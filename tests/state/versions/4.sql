-- A state of schema version 4, as written by the hadeploy of that time: one run that ended, and one
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
, mac TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "intents" VALUES(4,2,'killed','local.exec',1,'create','f1834bd1-273f-5f6a-8fe0-06e277835e53','{"absent_status":44,"create":"touch begun; sleep 60","delete":"true","directory":".","environment":{"P":{"$sealed":"jujGzdK3GuRt1R56DNCEQ+NvfUjlI69emWuWvd7o6ZTDBQ/kXyJdBtLzYgReYJg4DoQTt/u6T9tIAHD51bcN+2p1PmzQTjiHZQ=="}},"outputs":{"$sealed":"+gwygGZbEcQ5VP3D1QCch/IkIZBTpUZfeNUepx+xn7etMeU7Iy15KBD3tv0/l00kDIGDS3b7Td5LoFzNns6BWe7QeYrHy3syV7+Fe/PSOmo="},"returns":["stdout"],"secret_outputs":false,"timeout":600000}','[]','',1796042190771,'UyFzOzM1FbSW0t7eMQ/jQE1b0W74buGs/DeWkhSqYZY=');
CREATE TABLE project (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    name    TEXT NOT NULL,
    lineage TEXT NOT NULL,              -- UUID, made with the file
    serial  INTEGER NOT NULL DEFAULT 0, -- counts the changes of resources
    epoch   INTEGER NOT NULL DEFAULT 0, -- counts the takings of the writer's lock
    outputs TEXT NOT NULL DEFAULT 'null'
, key_lock TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "project" VALUES(1,'kept','2b4bbb80-a2c5-4dd8-a739-939470079f9e',4,2,'{"greeting":"hello","joined":{"$sealed":"UcaTbUJqWF/9zjkkyh8GjU1IN9N6fYNnRuNEMjDVpZ54eCMh7E71k5DHcZ8jDB0wSjSRImcpIWM9hoZ5BUCU9LNk2QU6OJqpV3Iv"}}','{"kdf":"none","key":"zVY3xbOHKm3zJlwdIqayzqsR8ropctFgmxwl28GBS+OeRKn1VI86M9ctMSmr8arkngPtzF0GEhsvjSuRRy7PgLp2XE42l84L"}');
CREATE TABLE resources (
    address    TEXT PRIMARY KEY,
    type       TEXT NOT NULL,
    generation INTEGER NOT NULL,
    identity   TEXT NOT NULL,
    config     TEXT NOT NULL,
    attributes TEXT NOT NULL,
    depends_on TEXT NOT NULL,           -- JSON list of addresses
    tainted    INTEGER NOT NULL
, mac TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;
INSERT INTO "resources" VALUES('config','local.file',1,'e1d08c2d-e68e-54c6-a5ce-b67939c46e4e','{"content":{"$sealed":"GMntq/nO1MhmNjdHTGINGZCCIkpt1e7N8blL3f7jN6G1k6hI2Zfhmtzrf3W14gtkT4uiDt/9F24C0FdlQ8abwcxVz8uJqgf9IRE0NCgGn28tMA=="},"mode":"0600","path":"config.txt","sha256":{"$sealed":"dVqM2C+7K68tZJQ7ObyiTkjtTetSWBe7n7L8igbzDIIFfzc6iXLlwvwrHIEwzdjR4ujEqFG2d1gHtzD0ikwgcLGlSqq50VBP/SUHLuqYBTEaRi2GgcfuSil3q7+BS1/qOTiLSGYNPGorKFHQeAbP4ULi1jMFMQ=="}}','{"content":{"$sealed":"G31ttwF+hXce/WvMg441Rdi5hYxaEY6v87cWVHAsFh8OKqjgIehQ7eaNSOTIrfomfv58knI//EtIaBnmb1Z8T5xfyl+QvckptJZhhSBFOP7xCg=="},"mode":"0600","path":"config.txt","sha256":{"$sealed":"An3G/2ltmsMpz70pBdnCCLoxSUonbuNeqXTZZzG0NrmtfHqaF0y2Y5efmj6KddmnWR+JlWEierYdtgZVr4OSL6yGyQHkAg1B77hrmBAmgvAZMlb6WPlfVDjG4/oQ2cqNqJ7Hewd0ji42B6Az0w075k+V/kbjpg=="}}','[]',0,'+796mcOnuNR9EtDEf3dsvG1lFFwDsHuWW3fWj5zWgFc=');
INSERT INTO "resources" VALUES('note','local.value',1,'6da58dae-c21c-5279-9a2b-9a7e15a16ad1','{"input":"hello","output":"hello"}','{"id":"6da58dae-c21c-5279-9a2b-9a7e15a16ad1","input":"hello","output":"hello"}','[]',0,'GHoKzvE1opur+pPovHb+pkB9T8BSsGAlIh/eZJKIPmc=');
INSERT INTO "resources" VALUES('site["a"]','local.exec',1,'5602288f-339e-597d-8013-c8f64d9eff21','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-a\"","delete":"true","directory":".","environment":{},"outputs":{"id":{"$unknown":true}},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-a\"","delete":"true","directory":".","environment":{},"outputs":{"id":"site-a"},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','[]',0,'V1b/2Rv7JGTOGofrOF1EEJEIVAZ5It76aFjqigBWnJw=');
INSERT INTO "resources" VALUES('site["b"]','local.exec',1,'6c3ae6c2-0c8e-5e55-885e-c3134c587427','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-b\"","delete":"true","directory":".","environment":{},"outputs":{"id":{"$unknown":true}},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-b\"","delete":"true","directory":".","environment":{},"outputs":{"id":"site-b"},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','[]',0,'1+8uTtBt2Ev4TYVFx7coVfU/BVtr4cQimf1Uh+X4jXo=');
CREATE TABLE runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    command    TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL DEFAULT 0,
    result     TEXT NOT NULL DEFAULT '',
    spec       TEXT NOT NULL,
    summary    TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO "runs" VALUES(1,'apply',1796042190295,1796042190415,'done','{"$sealed":"JcgDhZdh9+Ji3AHbzcnIxskZNYbq+AoRtD/fibVeDnxiFBUW7sey0ykXW3rIQws4JN6XJc6OxZhfU8KAko5L6Kdq07P//qACXYTlcSMjC5VuCLWJeUI9/d0wLWZIRLgpSYSW3sSvr/hWiy8dRsRqwJm4/tfkBk0jG7SM+w2+6jg+bFWmEUSzfMb5MzhvOnWt8MAMPsVIIbg12RacXc4KdnoifmSOVVgnTicyt2XMm+9+f9UD91KMitTbZg3E5EQInIL0/A2kAo4OMIf/go7jOGq4UxNhgxjjlkPcvfO++RNUKpBpFvPuWwxJu9iJEfGT5bNdj1gqp9GCeI9kWcHrn++GQKx9rJaybr7pIERaY8oCq1D+9X4QlUaycn/jntFuJOXLEopTl8vlgTpC4Gsl3ECj+Ecr3YPeQYr8uF31b4GsjPrBL9XWUd69mfLa9LsTAjRDk7sk+IKWynau6xA9/LA/Uv9ClJpVsX6ALKZRguU28bNeugICFu640gK8paf0X7wPN4V2/OnuK6k22FpFnogRRvL9+bW/Xs4LqHHrdN13C+MUXHYTfIMun0V+B7oSweckAEY8KbwloTBT8jdDXy6d8JRj0WDIq2KaUVIuqlvW5FUVk+/79UHBH1tLE8GDaeRya7YZV9TM5yoX1uCPCoXkaq0a37kfw7Dy3pSXZKVC7mCvt4pzOj+PHs9WiilDeld8WaerTzEX6U+WTM7iGPEKUGmLdpBOpXSy7FwURhSqEIqlOHUe7biwKf1odn6mkhK5Pd/eTPL+CN2n99ormZADFatkp/0njXUr+i2irsOv5adz/9eiSUZ6w297n1vkYAGCUOLyH8eKIfVfMZZ5WR9o9oHT5rd+qeWA57DaAghUojIlxdfpQviZ2/W07pg7s5vHdJHwat8xwPGNCJvzPc0lpmYzymXr4LuGCNwofpY33UomdEA9xIqesrmLIor6l7R/Xj+Zi1jLlop0rZgprOrE8BJ+Jj8xdXOr6UMfnSYAtQ=="}','{"counts":{"adopted":0,"changed":0,"created":4,"failed":0,"forgotten":0,"moved":0,"not begun":0,"read":0,"refreshed":0,"removed":0,"repaired":0,"replaced":0,"skipped":0,"unchanged":0},"critical_path":{"milliseconds":102,"steps":["config"]},"errors":[],"interrupted":false,"milliseconds":119,"ok":true,"outputs":{"greeting":"hello","joined":"(secret)"},"steps":[{"action":"create","address":"config","ended_ms":1796042190412,"outcome":"created","started_ms":1796042190310},{"action":"create","address":"note","ended_ms":1796042190310,"outcome":"created","started_ms":1796042190303},{"action":"create","address":"site[\"a\"]","ended_ms":1796042190405,"outcome":"created","started_ms":1796042190310},{"action":"create","address":"site[\"b\"]","ended_ms":1796042190412,"outcome":"created","started_ms":1796042190324}],"warnings":[]}');
INSERT INTO "runs" VALUES(2,'apply',1796042190675,0,'','{"$sealed":"4XMRs3OMMBgT+rmHUEUmZGUh77dZqjqohbKlQrHaGSgSbf9BVzKx2h8buezcsIst0hIXpE2lmoeGtgE6Z7VPtk/pCuIK9iUFk97KnhIXgNZu4pS3Lj9uOBXZR4dghy/2r2nWalMp6VtZDhkvY7H5RdzSJIiXSfgtIrztinRRjgegVIAWSCWA2k1RZEJFQ7PA+ORVaoncwbU2wqZpNlOAUlNWHHWaYgHxMFIjdXJP5UU4Wwf8CMuF8goBd7d7X8prgyBmKSurqQm0VePV8xHBg8jc4/9+64a8Upn6IZGysWy8suhMmayYrm0kKw9Hbs6HAyUlWvoREaYdF6QfjVvqzKKt5RW5AgkXWzmIAG3h2qc6yXTs3Wucutlb84gGezACYw57qbK8TL6U9z4+JNkc+fxa1vlcmBtZp4MFWYRUraQsBcciupae6fiav5c/S/ah3I9NQVHQJhbRrQx8zuCjuzP1VPad8SlYsu5KZYuq9U1DivjD9QfrMA76Zn0LHHK++KVMGp19hh+V9tYv5oyrQhC1RAqtRqea1rbaG/3iDSnRdRC71YdYGTi4V44OSqmTA7W8WyV/Tho3F9LS8JdnK04KNn2hSvr/7taOpo0u5y1/Elc7h16v2V/MgnOYkEWeH6MKS0CFYt/R97MrbfPL0ycCqmj3olfGMRfa1o/Qk5PEiDL7qZc3Fflh5nal6+rJfzUgVif+dSCerHh4+OiNk2SDicmct9CTpFMfzDjHdbtGfbFquLD7FKEPMYeBCfxpJK6myncFk+wGmjIuZeBH9m8gx/bu3psgB8ijlJqk7aJO8kQa/P0YB5Tha2Vi8f1g18vmlGlUGL+gu/0hnTX3w3wmnNGGyDUk4ff9S+ibBTr3X7zieeUM5q1NKD6S6DoHs4PCvuiH+9gnczkT1jvI2rWKcSDwqvkgQNiah5xFFkXAyRrugF4wbU+dKmfISH8lmu8VXdbf2Aq83TtRBKcCio8aPr8HGwb1exOYJyqw3pAwgW2OLtdUukuVl7BgN7B0pKbqtHa9+BhHuCVfCK1R8rk1rJWqelJv9sx7kGgRGRv3E6TMhSamBrtAYSTy9NLg/LKiaNlZT+6b7hqkfX3K7Opj76pgSFQ6oENInMdtSu56ZeVIPBQqKUNteyEUlD86FPqGzmlz4xw="}','');
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
INSERT INTO "steps" VALUES(1,1,'note','create',1796042190303,1796042190310,'done','[]');
INSERT INTO "steps" VALUES(1,2,'site["a"]','create',1796042190310,1796042190405,'done','[]');
INSERT INTO "steps" VALUES(1,3,'site["b"]','create',1796042190324,1796042190412,'done','[]');
INSERT INTO "steps" VALUES(1,4,'config','create',1796042190310,1796042190412,'done','[]');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',2);
INSERT INTO "sqlite_sequence" VALUES('intents',4);
COMMIT;
PRAGMA application_id = 1751213168;
PRAGMA user_version = 4;
