-- A state of schema version 6, as written by the hadeploy of that time: one run that ended, and one
-- that was killed while it created `killed`. The key is in the test. This file must not be changed.
BEGIN TRANSACTION;
CREATE TABLE project (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    name    TEXT NOT NULL,
    lineage TEXT NOT NULL,              -- UUID, created with the file
    serial  INTEGER NOT NULL DEFAULT 0, -- counts the changes of resources
    epoch   INTEGER NOT NULL DEFAULT 0, -- counts how often the writer's lock was taken
    outputs TEXT NOT NULL DEFAULT 'null'
, key_lock TEXT NOT NULL DEFAULT '', mac TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO project VALUES(1,'kept','d4ce2fc3-5264-44e0-b640-d1b643757876',4,2,'{"greeting":"hello","joined":{"$sealed":"2usAsFGdpzNNUqehh1zZE1gJktQLqeM3kTqMvmfEIt6FaQM4hyZ74uJn10ROW4qSTaSKjACkBfldxqOPviCUHTtZhkHUcgFW3YjuYoP3Uw=="}}','{"kdf":"none","key":"tgJj/wqQ2ucHMpLeDzyHIDZKFasWTZNm9NW9Wy/51LFBfves6QoKsRrI9zqZu8ZT8vc2t9/U/mePZxujjVhUtWN/z8gMdgSE"}','ILKV9URidAb9q9GgdcgkT3sKc3M2EvVO+pUIjG5rWsw=','YlbkLlrzJkzVJuuOhJnSHJWjYmhLsOQtfTwgMPvnS5Rp816qTHaPHQZwqx2Nn/op68tHSvdg+k4i+0l1k0N2TkhFVI5o9dnzedbIyWF7QcBFPGorIxiw/Nu/z9XHz8+g8P5KIiAyrOE=');
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
INSERT INTO resources VALUES('config','local.file',1,'5cf5b3bf-4383-5583-be44-ea3cbbcdc71e','{"content":{"$sealed":"/iT32fZ4J9bHy8oGBIylkOwrUNA7VbtCgKtRDgStklDm6sYH5+CYf61gu7JNLLGqFqS7MKoIO25A18YUgWijaPzZmeFP+Cnpov5/lEcEOxE6NVOSFJLhBZgLeq/LyG0="},"mode":"0600","path":"config.txt","sha256":{"$sealed":"y6ODWFbN29pvBwsWwL+iHKuiufWi3QSYs4gbDQ8PSkwQgagk/P7ntH6w3l73V2f8ZT0/9NFeqZP5HbrCL4yQmaO6UEHBxEbbzbKihdm0aSu//Psy5I+TIFujOJOYspYoVQahGHoCpLqwA5P4idpqF48XfT1QNQ=="}}','{"content":{"$sealed":"I/V/tXZcOsECoz1H2FYJBJZLX6VoJvcg0zkicDO+Yyne4KaBknvnSPP8+CtvobCJ8qHgleQESOUOwIbvoLKxM7+jbxAwT+Qy+qmnMPz+oeeSsNvlDSg7MIjc8PLxHlc="},"mode":"0600","path":"config.txt","sha256":{"$sealed":"R6066cuDDwYvixVY+OsGF72bLwRT00HxrF1JP+vku4zg1TTkLsn9ZtugxcYOzsXAF2LkSe9mFePAywhT5WXIup0XEtm1iJNnpKXGR9BPnLaCequlFhESMakNydsClM7heOE9PEN3TAfK2qoJKqRXRStFo1LPzA=="}}','["note","site[\"a\"]","site[\"b\"]"]',0,'PdfbaxX22ey1TuqderEXyUEF38uQ0bwINsaiz8GYRi0=');
INSERT INTO resources VALUES('note','local.value',1,'1e7c4f6a-c2d1-521d-91ce-9d8baae5df4f','{"input":"hello","output":"hello"}','{"id":"1e7c4f6a-c2d1-521d-91ce-9d8baae5df4f","input":"hello","output":"hello"}','[]',0,'LmdL12MPbIcPylDt2eVzAgPEqh9H9+wkDzje/P0eNcw=');
INSERT INTO resources VALUES('site["a"]','local.exec',1,'fcf189a8-48c0-5156-8068-ae63f79c9d5f','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-a\"","directory":".","environment":{},"outputs":{"id":{"$unknown":true}},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-a\"","directory":".","environment":{},"outputs":{"id":"site-a"},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','[]',0,'YK57Lg4BQCHWfreB7v6hZdo++/8dCdYGUaQgL1cMIfI=');
INSERT INTO resources VALUES('site["b"]','local.exec',1,'34578ec2-e0d9-5564-95fd-fb79eafd441b','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-b\"","directory":".","environment":{},"outputs":{"id":{"$unknown":true}},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-b\"","directory":".","environment":{},"outputs":{"id":"site-b"},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','[]',0,'n0O94Lt3fSaKHv69PxBBaCOFttUr725U8VWnJFMFc6o=');
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
, mac TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO intents VALUES(1,2,'killed','local.exec',1,'create','47a1fde3-4ee4-5356-a2da-80ac2b5aa6e1','{"absent_status":44,"create":"touch begun; sleep 60","directory":".","environment":{"P":{"$sealed":"zW7/F/SjNKg2VL9iXhrnLa3mWfOO6bc5hqyjoNrBYk8XmLOgSRhAml72ruhro+vO18Hu8DD2mEyexU/bt8JAzb97d8HE/14IDQ=="}},"outputs":{"$sealed":"mVsp0hWVW0DN1F6tOZ5SOB0MU/gNk0CORWsAmYdhsBhL0IXa8QTVCgsCPkJ9/5eC+qinOWqkrNubW3rccjJC8pTyGeDL6gSeu742eIzBzzI="},"returns":["stdout"],"secret_outputs":false,"timeout":600000}','[]','',1796150904442,'3++YhtvyK5Vpdew2HSKTYs0Imr6ntFxJCQQOnT7oXvw=');
CREATE TABLE runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    command    TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL DEFAULT 0,
    result     TEXT NOT NULL DEFAULT '',
    spec       TEXT NOT NULL,
    summary    TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO runs VALUES(1,'apply',1796150904338,1796150904376,'done','{"$sealed":"09IlbDuA2NN7OiSPaQgsSeoFMtt6QysLRMXaoO9KmwsOIudFTYMqECCBiVz7V98fnjv0+12NJ/aQNyAKBdUttR0k/edZ1aUxJDRIhqx7x77L8N+/XBgrrHHPOUcwWN9GoZ/gs2C5fve9N/JpGo8u+AirHh2kQDtHi47eIQ3BJRdfMi2oz5RzqZA6t9L/SZjbitfo0pVmtBSEMgjIB9s5E89fM3BHK3nxf7W5VHkH22O15tPBAGKaLs3pwwblc69HueRcA35kKLkBz1OtBQZQHa+Nut0BtwtykjY7esKRC+ppIQpDIiPtFKrYk38vlCwXOqwUEk3NiAYkWAcFwvktmnQO1/bgqc5VCmeE6kn/JzHFHbyPom05DRuTFMn5r3GFWQHv9NGeNgmvBmyq6Gq8lXWtKeuEK5JgSu3yhhHFKOAljaH98sThXAKgjrb8DcPuGdXhkjte78so2DWIDNkiiVEZuDYuHO6Zr3V25E4MhSEUDjVaLhrYQoGLguXMo7H47KIx7VJaHKxW04QYflYZk4UmF7YkT2sKMcbY6Jw4+PCatmVlzy55V2vJl2pttabkquBv8JsR4oGQegobO1SddkWaa2NBZjKsvleGMxKz7F3QmYjDxJ3d6P211yr/CIEzFrZg9SlLVqY1NR/RfsSvEMFX15wTh49/avnfY6lWP27y+6S+XHl9vS1U3vX2Nko2/nmq5LDvOVuDi9QPLNX7kQyVNAZLX+wqRIVabQGs3h0VwIMLZZb1TEScocqpuNhI+bUBhijSL9wCkLmDtB5HZ1lDmWU8vLnQtP72l2T3sKiRpYNd7ASopj6PNAZrhZvEGYwo4h/AnIRlC8ASIZ9ooivYlJLK0RXkI9uqVeohhTvBooZLv2agkJFlLw+tUSqS8gOLUxYXjnr5t3cnCRUOwWWSmcZh3rD50m4v/Ha+hFQikORMARvygS1ThAeHd/vl53r1FuvqnzOSOd8V7PJ0MKrtWI/EdSmjDMRo+lEd13OEBG6n1cK8duHAl/hWdfqRcHJSNwGSY8l0VwDPLTw9krz5CVHhgDRbFJx7hAU8bKOdTP1yF4mN3sm39SP2ky/AtHaB25geldI7a+wNLXVmUA=="}','{"counts":{"adopted":0,"changed":0,"created":4,"failed":0,"forgotten":0,"kept":0,"moved":0,"not begun":0,"read":0,"refreshed":0,"removed":0,"repaired":0,"replaced":0,"skipped":0,"unchanged":0},"critical_path":{"milliseconds":10,"steps":["site[\"a\"]","config"]},"errors":[],"interrupted":false,"milliseconds":38,"ok":true,"outputs":{"greeting":"hello","joined":"(secret)"},"steps":[{"action":"create","address":"note","ended_ms":1796150904350,"outcome":"created","started_ms":1796150904343},{"action":"create","address":"site[\"a\"]","ended_ms":1796150904363,"outcome":"created","started_ms":1796150904356},{"action":"create","address":"site[\"b\"]","ended_ms":1796150904359,"outcome":"created","started_ms":1796150904355},{"action":"create","address":"config","ended_ms":1796150904368,"outcome":"created","started_ms":1796150904365}],"warnings":[]}');
INSERT INTO runs VALUES(2,'apply',1796150904441,0,'','{"$sealed":"sW5gPBOzrIrcVnfF/ntR7zYxLYmGHikY4vEKrIwe1zPPddjl0Cpf/os3IvUUifJVqjx25FLU7oNbooq41njJi79mu8Q5xtAEVJd2vvv1AhHdqPx/CPhEc/bnXETpu5SSnfTXqnO9mSz2mz8YhChJ/vW6ccaRG4Ut81MpIgn3WP9AJzUBXvdv7Mtr/CK+7vYe2irejgzm0B2FBCTari9z9zszi+JmK1fhnXT4JLAfSdMOf7ejOsfl40kOpPFb0S1VL3f7+ArwfP2PuASR7TB3ZmWlFfUjz/Sb5gEivbVMGWN30F1G8eWEWzRY8AaQ2SIomPtsDQ6VQTpPAEy66lMouxWQO+f9gFSrG45Mh+/hgBI4ugdqAg+qtlMV1/T7P8uZnAaXDicfvMK7ceBwzGmKvoNhGgXSTcEriF3ufv0mMn4pHNSarZ9AGu5vX12s0Tmu1KXERG40K/RSWMVKBZPNonPwAc6UvHxnOc6AWVern5aanbkNYH28FphGfaVVwZIwFBPjlAzgR5qf8H+xyd/gfDO1nI9afXgok0dR20FkADZKKwjZVes2DRRgVbaGe2UWwGdsGaClcDh889uumDO6kqzpgD53vmNRXdsaMyhCiM4AIX6rEKV6/KisPtdxo9FHtCvd2DAfUunlVUw9uy8ukctYtcKI/eHmvfo4dR4cucnj+5cAcaDdMSZRl5p8auT3465oxlWSw5A6w2zYcoJFVzkX9Q3oTOPfTVWWKnAvrXE5b+bcERSZ83GtgFeUClPB0RVJID4ku1314kXZIdUZAw21/VoODdSYkUO3125ubTzLmuZmlBsNfFlISyYHE9jpisCf0HqnATNEzjq7FBGeNjxNp9eazkL47ynmSRhwie1eA9qXfwVgM/ISCSN6cGSenYGjJnE3lWvaKuuUMJjVHcnPGPzGr/ZSJbBkBMaPT8KjD9mJ4eWqSrTzx9QK+iCdFV+pxOpGZqSCUlwc1XYWSO6N0Izl9DlUdexhnrUsHvG9BevPKfFgimFl1KUbk53naiu1Q4vh3Ut9dZqUuq82MDpyzg2YhnK4EfUcMnRV0vPrLBmLZaG2A95QQKdggatCn+B7iGYkIzPjlSgbxg6F9UAz8SRHC6cdquNL/iFvgDgp6UyegnHCJ78xcguql4vwVcit2sY8eVXCUb/FQbaSaOcN9ra8X8w1siVKWurdttvKEycq1zVhGLZo+UCotRB6jh2ixf+EUKrlHN4tSKAlK0IlRxxVeFbhSg=="}','');
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
INSERT INTO steps VALUES(1,1,'note','create',1796150904343,1796150904350,'done','[]');
INSERT INTO steps VALUES(1,2,'site["b"]','create',1796150904355,1796150904359,'done','[]');
INSERT INTO steps VALUES(1,3,'site["a"]','create',1796150904356,1796150904363,'done','[]');
INSERT INTO steps VALUES(1,4,'config','create',1796150904365,1796150904368,'done','["note","site[\"a\"]","site[\"b\"]"]');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('runs',2);
INSERT INTO sqlite_sequence VALUES('intents',3);
COMMIT;
PRAGMA application_id = 1751213168;
PRAGMA user_version = 6;
