-- A state of schema version 7, as written by the hadeploy of that time: one run that ended, and one
-- that was killed while it created `killed`. The key is in the test. This file must not be changed.
BEGIN TRANSACTION;
CREATE TABLE project (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    name    TEXT NOT NULL,
    lineage TEXT NOT NULL,              -- UUID, created with the file
    serial  INTEGER NOT NULL DEFAULT 0, -- counts the changes of resources
    epoch   INTEGER NOT NULL DEFAULT 0, -- counts how often the writer's lock was taken
    outputs TEXT NOT NULL DEFAULT 'null'
, key_lock TEXT NOT NULL DEFAULT '', mac TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '', relocation TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO project VALUES(1,'kept','91e5237d-a747-4128-87a0-61fb5c2d9a02',4,2,'{"greeting":"hello","joined":{"$sealed":"oE29P56pVmPR3213AYbdY1dGOgXMtpmcVwooX+f0Swj/w+Cy2wWRjvqJvcfqPZy1Ff4cIYnMJxh6AtEy5C3a9lF7ec1LdCU5IbfZeh2XTg=="}}','{"kdf":"none","key":"gJFbCpOqdEI4hDPFe3vgFd5AazXQlIppXT/XpczTLm9dx8FSGiz2N294C3+wK9EM1ZduCKQCISFVKO8TZGwl3jL2qGo4DKxS"}','tH5o0BtaM4EJ4YTYs5Ts/LW55di2CGYsK0rv/qifsBs=','jVbx9dau+yuPIgOEcwcpTvOZ4Gja50jbLGRopl6X5Z8=/e95epXhtjc5UNLUE/pjupaFx9e8AA3Pq6XmIw9kT3A=','');
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
INSERT INTO resources VALUES('config','local.file',1,'be2b6124-7fa6-51dc-9079-9a7bbbf9aa3e','{"content":{"$sealed":"/ZvxxUSKDgYNn24eZpybCz37SqYo97k20hQezJuggC9gRmOfkvzY8ysnNn2J8oR4Gw33gutsKYvJpQd6l4jObx507iKlijZ3CCuFWNSJyKNf2zm7Hx8SLmdpx/OiNHY="},"mode":"0600","path":"config.txt","sha256":{"$sealed":"lNYMvSY5jMC1VPiVr0XuHAQmGGbJ440XQHd4jOXcbbvyozO7p9XOIwx00IivOIMRrb10TktLwCAGfo2dCmfP7vKxF+eLFsJuA4HbVYSVintyXowsHVJr+zka2d9tQTv917ttsZCMaAvTxe24WKZH1y/nTsFXYw=="}}','{"content":{"$sealed":"OjyVkB5FqoM8jombbiJXY5DtnGnp3u/FFyiD8Mrr71WoHTYjhqnvC1Mkx1E0dPZLeEpCJ7JT6rcUe9LNsupqdnV/utM15QXF+fqaRTYJ/uQmwsJM6x8ISrIJQ8zoDFw="},"mode":"0600","path":"config.txt","sha256":{"$sealed":"Lg4+rdf2kK+cs73/CSKsKTOgGsAoew2HjgxFEqLMLWPahVEw4/aHcV7sUSYGIkfKDrn9v6QM7L+NuGiqdoU5dxmpsijbVQc2ucJ/MA10OHfMtK5N7+i4pIpSIXpQXocOETTlBIS8RWQhJMjJe+Nadc8zeVVmdA=="}}','["note","site[\"a\"]","site[\"b\"]"]',0,'pxBySougBHJHC6UV2CfjoFB6r1lGeAnd7Ijrz5yND3M=');
INSERT INTO resources VALUES('note','local.value',1,'c68c2508-c676-56bd-8bb0-e33fac45f493','{"input":"hello","output":"hello"}','{"id":"c68c2508-c676-56bd-8bb0-e33fac45f493","input":"hello","output":"hello"}','[]',0,'W97eEivoAfEI6K41H0StkCIY46Jf2EWOTz5PR2WC+NY=');
INSERT INTO resources VALUES('site["a"]','local.exec',1,'d1fbfb09-a0ae-5b8a-afd8-176fefc21252','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-a\"","directory":".","environment":{},"outputs":{"id":{"$unknown":true}},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-a\"","directory":".","environment":{},"outputs":{"id":"site-a"},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','[]',0,'wrKe3/2stO9vAJIpcjay7sKzDnJJo+bR9U9R085SJZ0=');
INSERT INTO resources VALUES('site["b"]','local.exec',1,'c44945ad-465c-5582-83e4-c3e3db900309','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-b\"","directory":".","environment":{},"outputs":{"id":{"$unknown":true}},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','{"absent_status":44,"create":"printf ''{\"id\":\"%s\"}'' \"site-b\"","directory":".","environment":{},"outputs":{"id":"site-b"},"returns":{"id":"string"},"secret_outputs":false,"timeout":600000}','[]',0,'osV/y7bee5/yYeTFlRAF/ew1KITqOh9THcHcfy7PINM=');
CREATE TABLE runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    command    TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL DEFAULT 0,
    result     TEXT NOT NULL DEFAULT '',
    spec       TEXT NOT NULL,
    summary    TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO runs VALUES(1,'apply',1796155322344,1796155322387,'done','{"$sealed":"KzxJ/IxFADCfYRNiPjqagXCEMyDytKY5erPHRiO5NLPtMu9JC/OD5ZBLawMGJ2iG6EyViyjmcw8vV6BJ3iMMTuAqf+rD6zHSttGRrrMifNmXoosQTJdgbaDDKx0DuKwF/jUEhG+Bnze0eA/opeF+i7gzxSjSnICw5ZHQ4z0BVGTuOhOkPCItv/MveuEcOhyowbVDL82jKQDj8MPmwZtKbzicCgOvYNuF+bhG2DnTTdRP1UrzwwaYcUMKEQkdI2dCuk4Nh+jn8BvoUO7lqypcNkQapRVLJOpvih5XWWVpOfg9l7um7m+xyIjMDfIPRlNzTp94mmGoR+Peto14/+2Sw5DuyMnp/a/VXG9eNQo4Jl8hClaCc1VSnTfOHW99NIKrS2hojfEe4oIydbjDzDw3t96cwfB2Hqb0kEuE9pv1lpbYP6HiwJu34BwWFr5wBnivqmiCHQMRJPe0ePu42uvvLUlrHXx4gU1d9SvkS2jqJo8AlEPiQHJtXXegH06CW0Ib9/9aZA4B7yaS0ReSzUBOcwOsa0HJW7Hb76zZ/Z0Co9nK1PrKgx9zShlCfJHPRWDLnfmqacWG0Nh3CZ09vcbXxRC/tuFUzwzy7+ZnnSCSW7uxvuw04osN78oW5DhlmtUnrf39MjcJe5Nz+81G56wk7B830EpJSch7wNaiHsrkp5RRUty63uCDNGyskBUW4SNtVHAGJSQhYu8C18IlGb3FD0/K+N9pyfK928QywNK+9D04PpQ7QTJW7Ty4vTuH9tQeD/0PkPl9u1nbA/+QsLM3T+nx3YtPpLJliDgnRcRCu7jzj7reqk3+aNZf4oClPgBlze4srfD3WTGurPU/ZgamrgilJiVemcbOyJckMvXd9KL40rjz1ViYJSdeT7zqtwPRFXMp+UwVQEiclasFDQwdMy9SKJCG2D7JuCyN513vNQJa/hwFz6spX/NDHx3D15Ul7zIJpwsfZ7nQj5xmZZKaSJCaPcWlGdMQAdez26qQ1Df5oGAVcztGwq5w4JLtbJbgaH+BDTwszbF0unFAToiyTin7cS2TSKy+uO3wb/MhIZ3opX+p9b6QS3jby2dRThUXRIaaHGBnPUKD9eiSLNjnBO9KQ1Aqydxrc9kFSPa5FQI+Eie8f2nEUQN1Jn6re/UdT+J8eZ4oAlSIKLyfNOx8B0hJuQl//C9M0dsjd+mn+7bB0el4M2VQNrRUfEgm4/eR4RI7razNhEDIIuHwBIyPyY4eJd7VYS40Sa5kO+pPLyNOAP14aks9Hl4J0Ir+El18/ICZv41ZNeKASOcw6GK5k8q/fr+kr/hQgGBz7JU/QKW7zKy8+ycFyWx7Pgt+jhsPfb1DjgROsZ5bKlAOdJg43W2ErOnOx4LgQoJyk9IHGDW9MnshI0MTc0SznwwdDMxyRchMkdGFBLytt58McB0cgjE1ePukSzO4z5QO/I+FvoakH7TLTJoKUYZUKxppYIkXCIFRk1BBFcxRpfQceUxQmWQ/OauVYhmlEufgJJmky9iXb8l1B7gOIjEnPtA06acuxx5KsQAw5u0wYonNfpfkCPvcOAz3sbJRDcCjp8lbXsJ78Li3jtqyBV36fKjcK1CkHhfpWuSAoFkdteBPrsTRy7Bbruyx0c8ITpraJ3jYG25ZeMIBJ2+aJD0OM9mGKROkYD7ar9dWhf/EuUrthlwXoRlXywMUOnRH3MG+CY7JB4JcEcWWfI8phnseDtMiUGzCtxSXcZI832WHVIgj5DTlJcN9rBUn9VENy0iIk633KhzXqN1jzhGYN619ciTokYyQDmDKYi5jL2/Ufc8qogaaYHj1uXn9nGYDQ/4H3ECkgUEnq1KHNWVy6yYTICdGyHfPn2WmRTHC1mnNXT3rFL9/0i6ked6yKB4nApMrGmYy8/eNPx/B4S3L/y125E2Z66QW4JdeWx5CI1tTcZGun35OySHrsA0v10F+IO2Cl6wZfQ=="}','{"counts":{"adopted":0,"changed":0,"created":4,"failed":0,"forgotten":0,"kept":0,"moved":0,"not begun":0,"read":0,"refreshed":0,"removed":0,"repaired":0,"replaced":0,"skipped":0,"unchanged":0},"critical_path":{"milliseconds":16,"steps":["note","config"]},"errors":[],"interrupted":false,"milliseconds":44,"ok":true,"outputs":{"greeting":"hello","joined":"(secret)"},"steps":[{"action":"create","address":"note","ended_ms":1796155322363,"outcome":"created","started_ms":1796155322355},{"action":"create","address":"site[\"a\"]","ended_ms":1796155322371,"outcome":"created","started_ms":1796155322364},{"action":"create","address":"site[\"b\"]","ended_ms":1796155322367,"outcome":"created","started_ms":1796155322364},{"action":"create","address":"config","ended_ms":1796155322383,"outcome":"created","started_ms":1796155322375}],"warnings":[]}');
INSERT INTO runs VALUES(2,'apply',1796155322510,0,'','{"$sealed":"wC1AoNdfTn1t3A2C/8YJYLglRVzm95Lcrr8rDm8TB+ZKE5/Inm4dcBCx1CJ5T1sMAeoOb4QkyMiXyIf0I2dZ+rjuX2TrT8lQWD1bGFFvoozaW1JmjzCXbkn8Xd2lutWsgdfex/e6n/bATx9WqmGSEoPNy8znKv9dcX3Xc/j3a2we8nNJr5IYVrPusdhI8FLJJw3ly4FfzHnkDaq8wE3l0ic4VZBo1t/EAtzhBnA3kEDEp7ZvCWLTLD8EAivN8iEXe/Rsyo0cWP6ts/Gkh1oSjmr34nSKpmtjK7MwkbDfM35xmvi+8x37nQOJJYqqoAV17Dvx8Zp0nl04vlU49EhAhSuvZMUqX0ccKevQJd8ofV+RzSfFTr9c/dMy+0yY0n4Y2STIvKY+e4a7VAnYCHqe2HrfLhquL5b1c4EXMPrwVoi3e5Rcych94vJVa8IH+l2QtsgNEFUYiki7VQnr0Q5LkzBN8rWvHO6DvlI4MRD3p4LMVhXnlY+BOcI4PtIoBk9owUm+SZbh6Hm3zMAAdHnsrceZ+GjkBlRhfO9efr6mBvLXlulOS+88JaN1NfQykb4lHyRhP/u9xE4iTAiqlmSWQy4xx7nGbubcMrPwwXSIPOHa6HDv0fnWZMkpmjta1s+OnauO2spPnEvCS5kh+LpErwgrfWnztxHWbS/FgHatjtfl/vb4DqSN5f2p4q0s5iN4dNnTMwLbwzJ9gq9aAIHzuly5tz5belOxBDs1a8q0agPoXSpCGDVm5Q0HbxsPr4tywX2E7Oz5Dxz69AEjWQQYJJELHfZq+i/c9NIWtgHKEVDIVd0d7oEav2pO76QF73P6AsHr0PGUL8HqmUGHLdkB0Z7tnaVcVhDicj970cXPVqSgcYREN49pQ1k7bKIjRce5Vl6dN8euPorOJ9YmqyI0ZkYJnYcFYYfi7lwOgPLK1CBhcdZsehLMywUSgIlSHStFYdfN+S5OehMJamXbjOkUDR38OWHqhgaG1FUmpBAZB0lITSyOqIvhXyaHGdzgVyo1Jsqe5jPaNP50+zBGH0XYqeBNOWmeGYuyHR5fcuj81lYoyCWJvqEuPel6144/retC8JItCih5q0YfLS14FI7DRPKOK8RQ9pEPsw/j8e0LiNrSOE3G/Loz0/22dsYBqc41YqrD7l2zvlsmBCzAbn5OgWE6ymJ2uxsQNSwylBePF8sEO9Mr6oS6+fgWWhgJoR2hE80YzYOK3aME2UpgbtHwQ2iR3I8j6D+X9zR434XsXiHtpYicU2c5XNG59NEXTz8ESBmQS45aWauzeEAMOKNI/LdOMUM6V12BZ7l5YM3mV/H+tTVWaQLN3B9oYxhuaAZc3SmKloT5XTrIptJdaI+8HvC6X/ZqelickrpoWLFrQMxm8/ZKGuR78h7+6UPY+CBfRGSvYTjq8uKoZBcPXW8c5fSD3Zt5ecWq/Kduv7v8GbzrzNGimq2RVXXXfZtHUZoxxOEKm3S6eYZRmPgKuzwCLNAsLlKhfce3Ac0gEWFGq7ZLynm5nezy/kHVIXVS2x5OxFV3JqJBZcvpCzXlgdjC+QQevSUY8KJr3iovmIDFOSepk3hVPRBw5N9oa9P/RsnhJBKTjdsShEQFMFIhAnEHUsAr4nOYhw=="}','');
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
INSERT INTO steps VALUES(1,1,'note','create',1796155322355,1796155322363,'done','[]');
INSERT INTO steps VALUES(1,2,'site["b"]','create',1796155322364,1796155322367,'done','[]');
INSERT INTO steps VALUES(1,3,'site["a"]','create',1796155322364,1796155322371,'done','[]');
INSERT INTO steps VALUES(1,4,'config','create',1796155322375,1796155322383,'done','["note","site[\"a\"]","site[\"b\"]"]');
CREATE TABLE IF NOT EXISTS "intents" (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, address TEXT NOT NULL, type TEXT NOT NULL, generation INTEGER NOT NULL, action TEXT NOT NULL, identity TEXT NOT NULL, config TEXT NOT NULL, depends_on TEXT NOT NULL, input_hash TEXT NOT NULL, started_ms INTEGER NOT NULL, mac TEXT NOT NULL) STRICT;
INSERT INTO intents VALUES(1,2,'killed','local.exec',1,'create','08a409f8-52f0-574b-927e-14a89ba32a8a','{"absent_status":44,"create":"touch begun; sleep 60","directory":".","environment":{"P":{"$sealed":"ksQC2/b8RJQ6nk2QprNbVKQEYy/17b1PxSDtLB7pXzINvsGrRE00gRnPWQOFh8zccgnq1/SbT8P2CC/eSM/SC+kna7looQkAmg=="}},"outputs":{"$sealed":"6+z0C94k+/9e3COrVhxVT8VFwdNXAfD+Mnn/KfefJ9pr054o06+w2IqSYjVcS44P3vlhtgkZt6ud/gSCUoR76x2ILBAGj0oJpAdEsspkHqI="},"returns":{"stdout":"string"},"secret_outputs":false,"timeout":600000}','[]','',1796155322527,'2A8hgYnqMxVxYQQCGhSNML+L79djpjv3XFQPSJ3hWyY=');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('runs',2);
COMMIT;
PRAGMA application_id = 1751213168;
PRAGMA user_version = 7;
