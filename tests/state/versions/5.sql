-- A state of schema version 5, as written by the hadeploy of that time: one run that ended, and one
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
INSERT INTO "intents" VALUES(4,2,'killed','local.exec',1,'create','210bee98-43d2-509f-bd72-e911f8c027ad','{"absent_status":44,"create":"touch begun; sleep 60","directory":".","environment":{"P":{"$sealed":"hZNvRCKAv2ltmYnhyEi+dYKuSlcivCEEDcr6Y0wWcHaB+EHBUqIqG4JiVr2upyxrz41+65mdDeoylPAq3Kbs5Izqg1YvZya4oA=="}},"outputs":{"$sealed":"BNF/XruKERkPW6Q4T1C593WA3J2sZnDc1mfzy0D161xO0Iok45mxtyxaa7rNTBNCFGJYQTTVwtDAO1tg+yV66pQppYBVr2oc6JirDECTV/0="},"returns":["stdout"],"secret_outputs":false,"timeout":600000}','[]','',1796056754326,'sGgdqdLVIW09lcG/nHAJaoO1a1iwb5Noci6WyiLF/Oc=');
CREATE TABLE project (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    name    TEXT NOT NULL,
    lineage TEXT NOT NULL,              -- UUID, made with the file
    serial  INTEGER NOT NULL DEFAULT 0, -- counts the changes of resources
    epoch   INTEGER NOT NULL DEFAULT 0, -- counts the takings of the writer's lock
    outputs TEXT NOT NULL DEFAULT 'null'
, key_lock TEXT NOT NULL DEFAULT '', mac TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "project" VALUES(1,'kept','3c0d8834-8237-46fc-87de-e4368d612084',4,2,'{"greeting":"hello","joined":{"$sealed":"DkYSVGcgtegMiL14+LXdu1swAdKzVDl4JN3NBUw+q3XCiLfkYu+QQXFWX2KaZRlYGbYhpZXeX7vMwlL1KeOc+KYvA6zBRwi1imsA6gDOcQ=="}}','{"kdf":"none","key":"3nqIF1Hg/nuQSYW++AOV+XNf5QSQpThPkFvbCC4hrQR30fMiPBk7YbF1Rv66lqI4Vnx6bCtxH2fthe6rn8fwraVJ7l4Frs5S"}','EzGRiwCpp7y/CQu8LGCT7U1I2TO3t6rMZGJy4Pjz83s=');
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
INSERT INTO "resources" VALUES('config','local.file',1,'40f245f1-58f0-534d-83f8-e6e9cb349bf6','{"content":{"$sealed":"OMFJnqGkFGp5Yjk9zeMlrw+CLB++J3WB5IRyypoVdNeo5IWHd3aHg3/aJCcJ7iNVMOdkWW0JaYMPxZnEIKLS1WeDdIxlni0AY7afSuQGvSB4"},"mode":"0600","path":"config.txt","sha256":{"$sealed":"CxxeWA/uw3QLvL8hA3VSITh6YibQfR2fiVRr7D846jRdGzHl0BCNsYOSW6bID4Ij+3QqgnuM/OHMkZ/AchswrEJIQOgDoc1lmGLdmw/jyy2zWX9L3atFCnDCCWhbh11i+t3e7HHhIuWC72jRKpz558hL/oEEyw=="}}','{"content":{"$sealed":"9BDI2AH6B/hIzRpto1tMmnNywwlTttpYfgnbix2gxpNCJBA1q8J/D2B0Vl0O+ZHq/EFkmqSzivi3eV1/7H3Zy7PvpEU7wyUX3K7bJxb4aFT5"},"mode":"0600","path":"config.txt","sha256":{"$sealed":"NCUh6Jic4w6s/xWrpL04ecc5kXJdJyKpGLSLBR9RlDfkth3OQ7fFNfQgqa/XX6sdJ0yLaoP6Ja/R/ovj/SyfR5HCYrQsii/+QE1AH9g81syJxx3lV3mO+aGAhd4OP8seC9yKoDzXpf1MsqigZ7UmdJOMG7Qq1w=="}}','[]',0,'daIZMZzAxMBD56219JbK7vIpAr27TzVzYaqvJXHpc9w=');
INSERT INTO "resources" VALUES('note','local.value',1,'3729746c-5955-5c35-a4f6-0b77aec2ec35','{"input":"hello","output":"hello"}','{"id":"3729746c-5955-5c35-a4f6-0b77aec2ec35","input":"hello","output":"hello"}','[]',0,'cJBtPg0VbYo9ocm8BAeZT9xCuQujchorQtw2/GyExks=');
INSERT INTO "resources" VALUES('site["a"]','local.exec',1,'e21d3b51-ad92-579f-9c10-90cd91e23c27','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-a\"","directory":".","environment":{},"outputs":{"id":{"$unknown":true}},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-a\"","directory":".","environment":{},"outputs":{"id":"site-a"},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','[]',0,'dlc5PN6MGRnpd3u2rOZpe+L18yUSYfqxgMin4nrpzEc=');
INSERT INTO "resources" VALUES('site["b"]','local.exec',1,'8dea16d6-0bad-560a-adbd-0de484a109db','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-b\"","directory":".","environment":{},"outputs":{"id":{"$unknown":true}},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-b\"","directory":".","environment":{},"outputs":{"id":"site-b"},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','[]',0,'eatUZmjC+8x1WDDUlsxlKnrivhBIrADaHgNWTYbFpJQ=');
CREATE TABLE runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    command    TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL DEFAULT 0,
    result     TEXT NOT NULL DEFAULT '',
    spec       TEXT NOT NULL,
    summary    TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO "runs" VALUES(1,'apply',1796056754209,1796056754234,'done','{"$sealed":"0yapg0K2xH+8zWL7LZtj3kl2B5A8DawN+/PI3+46HF99ykVaH7jjKhrwlSW4vV03bMYQdfwNCeMsPpooJJQ3DL1/PBlQ+Ru8x7X1btFc9TiuPTKJjt89uI1t7yTT7+d0UJ4cZwD15JL9UC5iXxOyzcxn50UqOIX20Ovp1JslUeohpvtXediUnOkCYR4g1hSuOD/2vOXkibdzk/iUR2DFOTyuVhc5s9DyQ0GIZO6TpAXLEXWpAj5ify96Hz+88er1tjJteLkk70LuIn7HD29Veq2kRvLyjXYwdM3DJWr+jcTk0LveZWDJqY7W04S+XAaJWWn3llrlfEvvQ7pXMvBiY5y2RR6Dld91dl+LFnfmIDw4wZBEM4BLuCr3tXcndfm5kh0mc8PHWM3bO1zHrshV31pRW/63U2H0Fi5IT9R5m6Cq76NUG9kLGXApVJOODCPaIfQyv/FZoxH3goxf6HKtLA9cailYqfuEOPa6+P90RA3inauf5KAtXgcz4pVY73KvNU/S7k6Aa3IW3jEu2b/yeJgVe+zzW0j651f42ruFj2UeFgHnG/haGgVvie3R4JXXNhl2a6qMAOY9AwcIGtDVK3g3r3M1cAgFliEIFdu7rTAnq5ilCer+bf/ugRPZ9K26Mu/xgYgjvbgOp4+CcdjD7NLfn1merZ9a/iFpYUQS3GmndQM51xabTGtI4NHSUMkdX5eY2yITUa394AjZDhx1ysLn7gf4pmShpBuE3bTqtQXfUJX3sOQa0EWV/rEMi09MfviaVC9ltyVcNZhedKfvSTPeCAyzg4HBjI/5mBC6jSywhHA5tUwoBiJQ8zDFUVwOs8hzerOjgOYvzMH2UEmJfhYyXYhB0/4SzLTOJY8IZ/JLmYzrG69sgUNMJAgBdLfVRvmLmwxLm09Heu1wHkOE3FR0oWLdKQDpI9xpbGjazO5jN1pJ26GhD9jArgfEy98+1W7xv52WRCGL3l99giYp/WVNGWlYZeXJDDk="}','{"counts":{"adopted":0,"changed":0,"created":4,"failed":0,"forgotten":0,"kept":0,"moved":0,"not begun":0,"read":0,"refreshed":0,"removed":0,"repaired":0,"replaced":0,"skipped":0,"unchanged":0},"critical_path":{"milliseconds":7,"steps":["config"]},"errors":[],"interrupted":false,"milliseconds":25,"ok":true,"outputs":{"greeting":"hello","joined":"(secret)"},"steps":[{"action":"create","address":"config","ended_ms":1796056754230,"outcome":"created","started_ms":1796056754223},{"action":"create","address":"note","ended_ms":1796056754218,"outcome":"created","started_ms":1796056754214},{"action":"create","address":"site[\"a\"]","ended_ms":1796056754224,"outcome":"created","started_ms":1796056754222},{"action":"create","address":"site[\"b\"]","ended_ms":1796056754225,"outcome":"created","started_ms":1796056754223}],"warnings":[]}');
INSERT INTO "runs" VALUES(2,'apply',1796056754325,0,'','{"$sealed":"R/vS0QrDzOcFhivL3hdSsZIfLuyxF8y8nEdb7pSgojzlvoRRSCqCRTDRPrJA5cToWMkLW4IMWMM3mxgTP9w7MTjOVgGPXSmNcLSgQGlR8M9e7YXOUzgRAkE5UYbF030V3cKPJb02JY5n8qIxPGNQ4PqfQ5cLzBGQ2qqRHVc+B64wm7iYA5z5d5i/ChX8Ruofw0CzdDvO3AHoKQq3PJ92gITgXqK6v0Yhm4xCUgUllXD2XmoxDGK2drz6z6opttdn6rRn7kB4kcZtqx0mOKZQBgOSNOZaWLnnV3i6Shs9suObIgt+ptwGSlMFXlF/6Or1nTTw51fJIJzVdw0ilJNo7rdsdeDr/1/JTVvOqaciTL7Pvcvxx4f6ApZA+HSZwqpe8HKOyZ5AMth37aQu/c6CGx2StAHmy1Hfv1ZdjQb97nO/jsbkkXr4JKP2lKUtPq+tOx9Ur+18sQJQKLQ2eC4gai0t69EKeHNNpwAM7iP8XXpqGe9hniVv//x27qXHhjefBk09uZVeUxPliVHO8CGp6empWlKC2xGbtQ1N4siIYM+GCdYefaFU1z7cI7snS3Y81GYkqmMIQSPLmP4J52xXq+QMs+RuJ415U0uwPhcCOW2aX+oZHLm6lXFwdRIHNd1N2z6RGMq4m4TLBY+4Issc3F7yJvr5UJs0Vvqk8usP8rCF1PX65VHR+heYD8aPnYSw3AO7Uxx6ABWCDfAmmmpCOZNTG2acAkXnz5PZwQ+1SQSiZkEDAtBZQjKndrY8PJoXjzc5/A7cNgWubCH2sJznERrNADRb6hPKSJeQ5OBR6ShPfPS664o9XR6zfiVY/z4jicPjnhRR+Axbv95Vwm4jNtgaqtXXBOfoCOmbapoJknfxdb6FS0C16HHKmwf1qsrlIZwhLAGybFozsRT6tSNQACwrPMJlZDhJAOtVSX7/ExO5GHXCHKxTsdGftpSbDt+9iHPPyn0dGzA0UEsIhotFlUlHFUzJXXkLYIErGhu3RZpqrC1BjarpEHHnoKrt2OkUsQF3pWvqmPYq7acRr8XnPKCzt9ulj9nlmFyGF2Ao9+2EfRHOjdecrbMyUYJyn1IAt8vCW/0m/UenGsRyy+/QI5FeWXskYJVg3Hv/P00Vew=="}','');
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
INSERT INTO "steps" VALUES(1,1,'note','create',1796056754214,1796056754218,'done','[]');
INSERT INTO "steps" VALUES(1,2,'site["a"]','create',1796056754222,1796056754224,'done','[]');
INSERT INTO "steps" VALUES(1,3,'site["b"]','create',1796056754223,1796056754225,'done','[]');
INSERT INTO "steps" VALUES(1,4,'config','create',1796056754223,1796056754230,'done','[]');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',2);
INSERT INTO "sqlite_sequence" VALUES('intents',4);
COMMIT;
PRAGMA application_id = 1751213168;
PRAGMA user_version = 5;
