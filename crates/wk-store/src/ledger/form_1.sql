-- A ledger of form 1, as the program of that time wrote it.
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    root BLOB NOT NULL CHECK (length(root) = 32),
    note TEXT NOT NULL
) STRICT;
INSERT INTO "checkpoint" VALUES(3,X'80BFF6EAAA3A67831867B3E2D5CCA1CEED6FD74740971B17E394E8D7DFF563D7','watchkeeper/log
3
gL/26qo6Z4MYZ7Pi1cyhzu1v10dAlxsX45To19/1Y9c=

— watchkeeper/log 8W2i2/ipOO1DGQa6Hhpvq1yBsAuWk72v6/Yz5rAY9S9Ugt6yacVSXszxpmXWi1lGUvhTPvT1t3Q39NTNAf0vPoQ1twA=
');
CREATE TABLE complaint (
    id       INTEGER PRIMARY KEY,
    object   BLOB NOT NULL REFERENCES object,
    source   TEXT NOT NULL,
    position INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    sample   TEXT NOT NULL,
    kept     INTEGER NOT NULL
) STRICT;
INSERT INTO "complaint" VALUES(1,X'C129FC5FA8AFA05564244D760E888D3713C84299EC85EE4B811DF3A16696610A','cloudtrail',617,'the line ends inside a record','{"eventVersion": broken',0);
CREATE TABLE file (
    path    TEXT PRIMARY KEY,
    tbl     TEXT NOT NULL,
    day     INTEGER NOT NULL,
    sha256  BLOB NOT NULL CHECK (length(sha256) = 32),
    bytes   INTEGER NOT NULL,
    rows    INTEGER NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    added   INTEGER NOT NULL REFERENCES version,
    removed INTEGER REFERENCES version
) STRICT, WITHOUT ROWID;
INSERT INTO "file" VALUES('data/table=cloudtrail/dt=2024-02-14/56220dc5a988c6b89bc56efca7bb92d0a29ffcf4c7ade73bbda00cbb3295158f.parquet','cloudtrail',19767,X'56220DC5A988C6B89BC56EFCA7BB92D0A29FFCF4C7ADE73BBDA00CBB3295158F',12700,1,1707919200000000,1707919200000000,1,NULL);
INSERT INTO "file" VALUES('data/table=cloudtrail/dt=2024-02-15/e7a2a46632f95d503812e80824892aa3ba12802cb86940f91fbe3c0befcad037.parquet','cloudtrail',19768,X'E7A2A46632F95D503812E80824892AA3BA12802CB86940F91FBE3C0BEFCAD037',12753,1,1708005600000000,1708005600000000,1,NULL);
CREATE TABLE finding (
    id         TEXT PRIMARY KEY,
    severity   INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    account    TEXT,
    actor      TEXT,
    rule       TEXT NOT NULL,
    title      TEXT NOT NULL,
    product    TEXT NOT NULL,
    body       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "finding" VALUES('7ca2a1026424aded8354eaefa97b8134',85,1708005600000000,1708005600000000,'111122223333','arn:aws:iam::111122223333:user/eve','0fb06e2d-b773-4918-b293-14fbbc6e5a5a','Logging of a trail was stopped or somebody tried to','watchkeeper','{"id":"7ca2a1026424aded8354eaefa97b8134","rule":{"id":"0fb06e2d-b773-4918-b293-14fbbc6e5a5a","version":"8a7b2baf627480e6","product":"watchkeeper","attack":["defense-evasion","t1562.008"],"controls":["CC7.2","CC7.3"]},"title":"Logging of a trail was stopped or somebody tried to","severity":8.5,"account":"111122223333","region":"us-east-1","actor":"arn:aws:iam::111122223333:user/eve","resources":[],"first_seen":"2024-02-15T14:00:00Z","last_seen":"2024-02-15T14:00:00Z","count":1,"events":[{"time":"2024-02-15T14:00:00Z","table":"cloudtrail","id":"00000000-0000-4000-8000-000000000002"}],"origin":"back-fill","latest":{"time":"2024-02-15T14:00:00Z","table":"cloudtrail","id":"00000000-0000-4000-8000-000000000002"}}');
CREATE TABLE frontier (place INTEGER PRIMARY KEY, root BLOB NOT NULL) STRICT;
INSERT INTO "frontier" VALUES(0,X'A66CA614ACD089E3A179D622B1861E2F75EFB90256F8A9166D0826FA207E55C3');
INSERT INTO "frontier" VALUES(1,X'53E267D866BE04C2E3FE042E6E9301145121B2FF771A065958CF2C4F0D21B443');
CREATE TABLE leaf (seq INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT;
INSERT INTO "leaf" VALUES(0,'{"count":1,"kind":"objects","list":"f7ac1d0b22b64d1f8122ab3683a3bb19d6e6d1b0d3249312b6e68a5b793dc7a6","recorded":"2026-11-22T13:14:59.858724Z","version":1}');
INSERT INTO "leaf" VALUES(1,'{"bytes":12700,"first":"2024-02-14T14:00:00Z","kind":"segment","last":"2024-02-14T14:00:00Z","path":"data/table=cloudtrail/dt=2024-02-14/56220dc5a988c6b89bc56efca7bb92d0a29ffcf4c7ade73bbda00cbb3295158f.parquet","rows":1,"sha256":"56220dc5a988c6b89bc56efca7bb92d0a29ffcf4c7ade73bbda00cbb3295158f","version":1}');
INSERT INTO "leaf" VALUES(2,'{"bytes":12753,"first":"2024-02-15T14:00:00Z","kind":"segment","last":"2024-02-15T14:00:00Z","path":"data/table=cloudtrail/dt=2024-02-15/e7a2a46632f95d503812e80824892aa3ba12802cb86940f91fbe3c0befcad037.parquet","rows":1,"sha256":"e7a2a46632f95d503812e80824892aa3ba12802cb86940f91fbe3c0befcad037","version":1}');
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('fingerprint-seed',3366918225031390657);
CREATE TABLE object (
    identity BLOB PRIMARY KEY CHECK (length(identity) = 32),
    uri      TEXT NOT NULL,
    size     INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    version  INTEGER NOT NULL REFERENCES version
) STRICT, WITHOUT ROWID;
INSERT INTO "object" VALUES(X'C129FC5FA8AFA05564244D760E888D3713C84299EC85EE4B811DF3A16696610A','/logs/one.jsonl',641,1795353299519948,1);
CREATE TABLE run (
    path       TEXT PRIMARY KEY,
    tbl        TEXT NOT NULL,
    day        INTEGER NOT NULL,
    keys       INTEGER NOT NULL,
    writer     TEXT NOT NULL,
    added      INTEGER NOT NULL REFERENCES version,
    removed    INTEGER REFERENCES version,
    removed_at INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO "run" VALUES('ids/table=cloudtrail/dt=2024-02-14/3b9f5f85ed615fbb2c0acb4ab9c80de264d3c207509c0635ebc716c80931c68f.ids','cloudtrail',19767,1,'28594-1795353299831427',1,NULL,NULL);
INSERT INTO "run" VALUES('ids/table=cloudtrail/dt=2024-02-15/f62e011b73e45ed77352047b6bc153ddb0cf2a36adc2ba321634d6a56a8c88a0.ids','cloudtrail',19768,1,'28594-1795353299831427',1,NULL,NULL);
CREATE TABLE tally (
    version    INTEGER NOT NULL REFERENCES version,
    source     TEXT NOT NULL,
    read       INTEGER NOT NULL,
    stored     INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    complaints INTEGER NOT NULL,
    PRIMARY KEY (version, source),
    CHECK (read = stored + duplicates + complaints)
) STRICT, WITHOUT ROWID;
INSERT INTO "tally" VALUES(1,'cloudtrail',3,2,0,1);
CREATE TABLE version (
    version  INTEGER PRIMARY KEY,
    recorded INTEGER NOT NULL,
    writer   TEXT NOT NULL,
    objects  INTEGER NOT NULL,
    files    INTEGER NOT NULL
) STRICT;
INSERT INTO "version" VALUES(1,1795353299858724,'28594-1795353299831427',1,2);
CREATE INDEX run_of_day ON run (tbl, day) WHERE removed IS NULL;
CREATE INDEX run_added ON run (tbl, day, added);
CREATE INDEX finding_newest ON finding (last_seen DESC);
COMMIT;
PRAGMA user_version = 1;
