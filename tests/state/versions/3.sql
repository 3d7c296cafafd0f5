-- A state of schema version 3, as written by the hadeploy of that time: one run that ended, and one
-- that was killed while it created `killed`. The key is in the test. This file must not be changed.
BEGIN TRANSACTION;
CREATE TABLE project (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    name    TEXT NOT NULL,
    lineage TEXT NOT NULL,              -- UUID, made with the file
    serial  INTEGER NOT NULL DEFAULT 0, -- counts the changes of resources
    epoch   INTEGER NOT NULL DEFAULT 0, -- counts the takings of the writer's lock
    outputs TEXT NOT NULL DEFAULT 'null'
, key_lock TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO project VALUES(1,'kept','00a0720d-e8f9-4c0b-af19-e608a6c4ad5e',4,2,'{"greeting":"hello","joined":{"$sealed":"yZ5NOyiHpmDksyKkkF+5LWu9Ipoq/LGoYanxH67oY9qGATonQB98p1l5guTHy22rYRGy9GPi5EJlm9ebW0BX8SDAzmlW/TQu0fPFWMwP3Q=="}}','{"kdf":"none","key":"qhFC3Kq/6ZFPntlQ+ksgjCqS5BCPHB5lJvqujTJTDwR0s/VSaXqwpS1CfUC0Co+y6ARrWpcCRz48JMjuk59kGOD5jQ82w31A"}');
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
INSERT INTO resources VALUES('config','local.file',1,'36042c75-6bc1-55d5-9e05-e62934963803','{"content":{"$sealed":"c8kHtCMVohGQ8aAYfiS9fJ2xpR4Q2KCjHxNRWda42GMV67V9eRkcFKO8Yocea7rgnX+TW2IL3tc83xDZegePKVZeeFIzYAqvegclSbo="},"mode":"0600","path":"/srv/kept/config.txt","sha256":{"$sealed":"yO0Qvd/7kn/p7hubO/xIA5tNfPquvodhrihI6SlY4vi+WvjfCgLKjUk+qBimQwVeGHjI9by28L738IvC7Oab7//45W3Rs6FS72E+jvxpZHX1URjO8HV3H3OKnX2ErqRJysFFICN0kWr9tf+VenFmWCEkPkVwdQ=="}}','{"content":{"$sealed":"BSVHyrKM/p+Kxu3rhkB4R4d2V1yB4jt8Qx2lQZOL4HutqgiVy+CUNtCZKac0oCKN+8gJKrOMnYqIaMEdl9FFuH/KuSEI2IxrZ6US404="},"mode":"0600","path":"/srv/kept/config.txt","sha256":{"$sealed":"+QMCZWgMSaqdL9Ib8edmP93KvrbRbHVmeJ0xLUtKQVok83/CYX1/9ECtj2lZgtcCqntoOJ6SQjMmJ3rkCMDoE8Lg9Bd4CYL66mTpftogULrbDhofiyfIPIJeKtUO7T6eIGgI8qgAJx4LfqMAFF/xfHynMtYrSg=="}}','[]',0,'m+pQD77iUZzkTQTTvHMypQIAu880sKDsCr5B73cxfto=');
INSERT INTO resources VALUES('note','local.value',1,'06690c99-1379-52b1-bdf6-ae298aafa93e','{"input":"hello","output":"hello"}','{"id":"06690c99-1379-52b1-bdf6-ae298aafa93e","input":"hello","output":"hello"}','[]',0,'tbhcz77M6SclCYLZAevNR1aDqBuzE5J/7Ca2SPoQ+9o=');
INSERT INTO resources VALUES('site["a"]','local.exec',1,'8c15b3f0-e652-5537-9a88-57d0274ef044','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-a\"","delete":"true","directory":"/srv/kept/","environment":{},"outputs":{"id":{"$unknown":true}},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-a\"","delete":"true","directory":"/srv/kept/","environment":{},"outputs":{"id":"site-a"},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','[]',0,'f4XPsx1Lhv0gPQmIa45kuPbhVFLnspnxZfWDpnpW1M8=');
INSERT INTO resources VALUES('site["b"]','local.exec',1,'ca921b9e-780c-595f-bacd-d9cd4daa6f74','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-b\"","delete":"true","directory":"/srv/kept/","environment":{},"outputs":{"id":{"$unknown":true}},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-b\"","delete":"true","directory":"/srv/kept/","environment":{},"outputs":{"id":"site-b"},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','[]',0,'eS42cb7ODovWvOYGZCin9Ysi4YrMg9Qle5iw7wnj/PA=');
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
INSERT INTO intents VALUES(4,2,'killed','local.exec',1,'create','f9fe41ae-f199-5fc9-b606-4d0e80e68b1f','{"absent_status":44,"create":"kill -9 $PPID","delete":"true","directory":"/srv/kept/","environment":{"P":{"$sealed":"HNI/IOY3PyE7H3pMN/n+VLStQhReU8Fg7MfFKDjUtQLmrjWMxLcgp8O/VYvOQfC5mUoc4NdXWtofPvu1+lQH0EWYNNNHypMn5w=="}},"outputs":{"$sealed":"HOC9f48sFwTwYFaaKUy7DME9BZJN++atgIyoz0Q6Yt7vyU20/358hADiKr2OyloZJdoFVLW4FifCSA+Qdtw3+OUkZdqzrnSrRZLqaITWWDk="},"returns":["stdout"],"secret_outputs":false,"timeout":600000}','[]','',1796019489865,'5D5iIerU2hyB8paFsKnPKiRxg//cDU1/Gp2a4UDaonY=');
CREATE TABLE runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    command    TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL DEFAULT 0,
    result     TEXT NOT NULL DEFAULT '',
    spec       TEXT NOT NULL,
    summary    TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO runs VALUES(1,'apply',1796019489403,1796019489449,'done','{"destroy":false,"files":{"hadeploy.yaml":{"$sealed":"JlTaYAcbQaHrC9NbjygEBShdkVywwTvbwMrglLoiG5WKXMMWn2OaXhFis9dWys+nJpVnsh/sMYJ8WRytn/zi+Hpm8orUolPFdcR3Fs9iDbglwmgWSIIUWkphU5M0r1Bfp8G+/a8os65RxryKlnQlHw3XbjuEUqpbUvBvgVVmDdS3XLdZmDPAAfp2X5o1Qm354sbGdWvjH+rcOcM+fWOpdQQPs4Uar2o9XYqij/c8Pae1EMP7rZ9Vj99HQJEkzaZSlGn5/Wq9ThYqk7N4Mp8l1CleONFVoKhAJ8Jz+pegc2mJ84JJbGRl1EJ8S1P28mxAgrcxuzWObp7eWpMO0U/F48+jK0kZ8p0yP4WiDUECM25PB/4ENcb9Bf6QcT37SJjbZuXpk/FuCB03VH2tbVk6rERHQiSUDtQCDSZzcNBfXo5s9A5wRuEtOx+jcmAAHMfBA8kds7ta7ZoztYYpDn7SPcbWKTZX5GiQ6huSYDGJ3JQZ7Y0e58IWpJjH9Xw4W/9NlgusQlMMdEbzRbTHV2n5bW6NRQ2kO4Scecb2YdX42iiyYtwwOBNgn40rUINizu4/KY8dkWhUPPEpXJONlX4y2oQnjGLCSixkhtcs2Vi9IkX7Fiu8gGaPx0pM3JVpOGdogDToWCmqnmPqbX+AktcwZ2FLFz311/JCjb+MJozI6mnLUOe/i3h6lljX/xpQuu0LQFx5O2Dy408etNBCBYKkyw=="}},"moves":{},"partial":false,"secrets":{},"settings":{"libvirt":{"uri":"qemu:///system"},"local":{},"ssh":{"connect_timeout":10000},"state":{}},"variables":{"p":{"$sealed":"LtV9geppqV0ULNwy++xxRm1ruD0ZYSEs2yq5DYEKSJyl7e/xmG08NfZJ9yWh31WIBsPadJhZxGX74okdm+jvjIPcCia+IKnR4g=="}}}','{"counts":{"adopted":0,"changed":0,"created":4,"failed":0,"forgotten":0,"moved":0,"not begun":0,"read":0,"refreshed":0,"removed":0,"repaired":0,"replaced":0,"skipped":0,"unchanged":0},"critical_path":{"milliseconds":20,"steps":["config"]},"errors":[],"interrupted":false,"milliseconds":47,"ok":true,"outputs":{"greeting":"hello","joined":"(secret)"},"steps":[{"action":"create","address":"config","ended_ms":1796019489445,"outcome":"created","started_ms":1796019489425},{"action":"create","address":"note","ended_ms":1796019489428,"outcome":"created","started_ms":1796019489417},{"action":"create","address":"site[\"a\"]","ended_ms":1796019489437,"outcome":"created","started_ms":1796019489427},{"action":"create","address":"site[\"b\"]","ended_ms":1796019489445,"outcome":"created","started_ms":1796019489433}],"warnings":[]}');
INSERT INTO runs VALUES(2,'apply',1796019489845,0,'','{"destroy":false,"files":{"hadeploy.yaml":{"$sealed":"oRisAngZ6/0lcZvk3Oo/aBcsPCa1ATSe0Dk5NlBRb0pxXyrJkRYJC/1eVAV9y5jtwQYcsqP8QFux7T58y05QxTMJavo6fk7NB6VUAYIbn3j5XhFoKzbqtSKgwVqVe7rbLydwzaeNH4R/B2g6Y6ncYnf+ld7daNCGYcZUrjnO4b0AQpxMd78fHcz+8ckN5PidcFNOxhbJR4LT+Ddq/PUuTiK32Vk5rWCZE2mHZKEea4OdAdMBf7fAkhU+eD41NCIgSTGRO6P+dx2MfnU8zaNudmrrZ1PU41bynaOhStyzadveMlzzmfTy9p27tsHOvAevTAFFmIVYzLfwrSZEc1ux3y1Vqe5uERFC3BO1V0s6QOaqSXLliIpsNbJRaiLq2pqhIQ+quwG47gjEJPWj+pgUx9R0tbMZoBsDlS+Ss8Owr8qeCLt5pjGTgZaaLM+9GCYezaYNWnMmC2BSdGeBKd11qnpf3CifL5o32kLpAKGI2svMvIk1xYkpb131y7VFzy4Yx6iFRAmiEEywX0Sc/d9KSNG7oCRxZJX/HfDISvYMnrzRxTBizKRHrf7ORletTsrvhmf8ISOHJ+sO1X0GMTOomvRBTD4KrQoWI8/n3q1HQpQUzIWH0QM9+A2zWUThBrsePaAYg1bNT3DmdA95QvBU3cAsPQFZnonFeRTmd6cqoQTegZkVvnm+60bNb330bKhug27+MiDnnQxJlJ0XUINJw/9Uw0oVr4kWTddmn6WUx8nIAYpk7TwIlwW94JO7KwC16GxJxJ+6NoYEqQYhAejWgS4uvzL8od3soBLXcgJi8VsS+D4obsTScslP3vlM1cG3BuxETHpbh757iU6gaShRlr9YDc53QuWiCd2M"}},"moves":{},"partial":false,"secrets":{},"settings":{"libvirt":{"uri":"qemu:///system"},"local":{},"ssh":{"connect_timeout":10000},"state":{}},"variables":{"p":{"$sealed":"NLiS92+YpNQaxUioAL+kc9kmo/g/8abC03dkDqkwvjOqbxOhLPIE86sbod9yf5pjozpafJJw5DPpIgaUAB4P4onT394XnFd3lA=="}}}','');
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
INSERT INTO steps VALUES(1,1,'note','create',1796019489417,1796019489428,'done','[]');
INSERT INTO steps VALUES(1,2,'site["a"]','create',1796019489427,1796019489437,'done','[]');
INSERT INTO steps VALUES(1,3,'site["b"]','create',1796019489433,1796019489445,'done','[]');
INSERT INTO steps VALUES(1,4,'config','create',1796019489425,1796019489445,'done','[]');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('runs',2);
INSERT INTO sqlite_sequence VALUES('intents',4);
COMMIT;
PRAGMA application_id = 1751213168;
PRAGMA user_version = 3;
