//! The form of the ledger's file.

use rusqlite::{Connection, TransactionBehavior};

/// The form that this program writes.
pub(super) const VERSION: i64 = 10;

/// Sets the connection up and makes the tables where they are missing.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(60))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "cache_size", -16 * 1024)?; // KiB
    // What a statement changed is kept until it is done, to undo it; in memory, not in a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Pages of the same findings change in one commit after the other: they are copied once.
    connection.pragma_update(None, "wal_autocheckpoint", 8 * 1024)?; // pages of 4 KiB
    if version(connection)? < VERSION {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been faster.
        let from = usize::try_from(version(&tx)?).unwrap_or(FORMS.len());
        for step in FORMS.iter().skip(from) {
            tx.execute_batch(step)?;
        }
        if from < FORMS.len() {
            tx.pragma_update(None, "user_version", VERSION)?;
        }
        tx.commit()?;
    }
    Ok(())
}

/// The form of the file; 0 if it is new.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |r| r.get(0))
}

/// The secret of this lake's fingerprints, drawn when it was made.
pub(super) fn seed(connection: &Connection) -> rusqlite::Result<u64> {
    let seed: i64 =
        connection
            .query_row("SELECT value FROM meta WHERE key = 'fingerprint-seed'", [], |r| r.get(0))?;
    Ok(seed.cast_unsigned())
}

/// What makes each form of the one before. A form that was released is never changed.
const FORMS: [&str; 10] =
    [FORM_1, FORM_2, FORM_3, FORM_4, FORM_5, FORM_6, FORM_7, FORM_8, FORM_9, FORM_10];

/// Times are microseconds, days are days since 1970-01-01.
const FORM_1: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('fingerprint-seed', random());

CREATE TABLE version (
    version  INTEGER PRIMARY KEY,
    recorded INTEGER NOT NULL,
    writer   TEXT NOT NULL,
    objects  INTEGER NOT NULL,
    files    INTEGER NOT NULL
) STRICT;

CREATE TABLE object (
    identity BLOB PRIMARY KEY CHECK (length(identity) = 32),
    uri      TEXT NOT NULL,
    size     INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    version  INTEGER NOT NULL REFERENCES version
) STRICT, WITHOUT ROWID;

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

CREATE TABLE complaint (
    id       INTEGER PRIMARY KEY,
    object   BLOB NOT NULL REFERENCES object,
    source   TEXT NOT NULL,
    position INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    sample   TEXT NOT NULL,
    kept     INTEGER NOT NULL
) STRICT;

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
CREATE INDEX run_of_day ON run (tbl, day) WHERE removed IS NULL;
CREATE INDEX run_added ON run (tbl, day, added);

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
CREATE INDEX finding_newest ON finding (last_seen DESC);

CREATE TABLE leaf (seq INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT;
CREATE TABLE frontier (place INTEGER PRIMARY KEY, root BLOB NOT NULL) STRICT;
CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    root BLOB NOT NULL CHECK (length(root) = 32),
    note TEXT NOT NULL
) STRICT;
";

/// Files are rewritten and leave: how they lie, when they left and why, when they were removed from
/// storage. Holds, and the retention policies that were applied.
const FORM_2: &str = "
ALTER TABLE file ADD COLUMN layout INTEGER NOT NULL DEFAULT 0;
ALTER TABLE file ADD COLUMN left_at INTEGER;
ALTER TABLE file ADD COLUMN left_why TEXT;
ALTER TABLE file ADD COLUMN deleted_at INTEGER;
CREATE INDEX file_live ON file (tbl, day, path) WHERE removed IS NULL;
CREATE INDEX file_left ON file (left_at) WHERE removed IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE hold (
    id          TEXT PRIMARY KEY,
    body        TEXT NOT NULL,
    placed_at   INTEGER NOT NULL,
    released_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE policy (
    seq        INTEGER PRIMARY KEY,
    digest     BLOB NOT NULL CHECK (length(digest) = 32),
    body       TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;
";

/// What changed since the last entry of the journal: rows that can change, by their keys. Rows that
/// are only ever added need no note.
const FORM_3: &str = "
CREATE TABLE changed (
    stamp INTEGER PRIMARY KEY AUTOINCREMENT,
    tbl   TEXT NOT NULL,
    key   TEXT NOT NULL,
    UNIQUE (tbl, key) ON CONFLICT REPLACE
) STRICT;
INSERT INTO changed (tbl, key) SELECT 'file', path FROM file;
INSERT INTO changed (tbl, key) SELECT 'run', path FROM run;
INSERT INTO changed (tbl, key) SELECT 'finding', id FROM finding;
INSERT INTO changed (tbl, key) SELECT 'hold', id FROM hold;
CREATE TRIGGER file_added AFTER INSERT ON file BEGIN
    INSERT INTO changed (tbl, key) VALUES ('file', new.path); END;
CREATE TRIGGER file_changed AFTER UPDATE ON file BEGIN
    INSERT INTO changed (tbl, key) VALUES ('file', new.path); END;
CREATE TRIGGER run_entered AFTER INSERT ON run BEGIN
    INSERT INTO changed (tbl, key) VALUES ('run', new.path); END;
CREATE TRIGGER run_changed AFTER UPDATE ON run BEGIN
    INSERT INTO changed (tbl, key) VALUES ('run', new.path); END;
CREATE TRIGGER finding_added AFTER INSERT ON finding BEGIN
    INSERT INTO changed (tbl, key) VALUES ('finding', new.id); END;
CREATE TRIGGER finding_changed AFTER UPDATE ON finding BEGIN
    INSERT INTO changed (tbl, key) VALUES ('finding', new.id); END;
CREATE TRIGGER hold_added AFTER INSERT ON hold BEGIN
    INSERT INTO changed (tbl, key) VALUES ('hold', new.id); END;
CREATE TRIGGER hold_changed AFTER UPDATE ON hold BEGIN
    INSERT INTO changed (tbl, key) VALUES ('hold', new.id); END;
";

/// What arrived, by place and hour, and how late: the watch watches itself. Hours are those since
/// 1970-01-01T00:00:00Z; of `place` and `volume` those of events, of the others those of commits.
const FORM_4: &str = "
CREATE TABLE place (
    source  TEXT NOT NULL,
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    PRIMARY KEY (source, account, region)
) STRICT, WITHOUT ROWID;
CREATE TABLE arrival (
    source         TEXT NOT NULL,
    account        TEXT NOT NULL,
    region         TEXT NOT NULL,
    hour           INTEGER NOT NULL,
    rows           INTEGER NOT NULL,
    first_received INTEGER NOT NULL,
    last_received  INTEGER NOT NULL,
    last_event     INTEGER NOT NULL,
    PRIMARY KEY (source, account, region, hour)
) STRICT, WITHOUT ROWID;
CREATE TABLE volume (
    source TEXT NOT NULL,
    hour   INTEGER NOT NULL,
    rows   INTEGER NOT NULL,
    PRIMARY KEY (source, hour)
) STRICT, WITHOUT ROWID;
CREATE TABLE feed (
    source     TEXT PRIMARY KEY,
    begun      INTEGER NOT NULL,
    last_live  INTEGER,
    last_event INTEGER NOT NULL,
    folded     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE intake (
    source     TEXT NOT NULL,
    hour       INTEGER NOT NULL,
    read       INTEGER NOT NULL,
    stored     INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    complaints INTEGER NOT NULL,
    late       INTEGER NOT NULL,
    PRIMARY KEY (source, hour)
) STRICT, WITHOUT ROWID;
CREATE TABLE lag (
    source TEXT NOT NULL,
    path   TEXT NOT NULL,
    hour   INTEGER NOT NULL,
    bucket INTEGER NOT NULL CHECK (bucket BETWEEN 0 AND 255),
    count  INTEGER NOT NULL,
    PRIMARY KEY (source, hour, path, bucket)
) STRICT, WITHOUT ROWID;
";

/// Who is told of findings: which version touched a finding last, the desk of the loop that tells,
/// its groups, and the notices that are to be sent or were.
const FORM_5: &str = "
ALTER TABLE finding ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX finding_by_change ON finding (changed, id);

CREATE TABLE desk (
    name     TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    finding  TEXT NOT NULL,
    body     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notice_group (
    key     TEXT PRIMARY KEY,
    due     INTEGER,
    body    TEXT NOT NULL,
    changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_group_due ON notice_group (due) WHERE body <> '';

CREATE TABLE notice (
    id           TEXT PRIMARY KEY,
    seq          INTEGER NOT NULL UNIQUE,
    channel      TEXT NOT NULL,
    alarm        TEXT NOT NULL,
    severity     INTEGER NOT NULL,
    body         TEXT NOT NULL,
    created      INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'accepted', 'dead')),
    at           INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    tried        INTEGER,
    leased_by    TEXT,
    leased_until INTEGER,
    reason       TEXT,
    said         TEXT,
    reference    TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_waiting ON notice (at) WHERE state = 'waiting';
CREATE INDEX notice_of_alarm ON notice (channel, alarm, seq);
CREATE INDEX notice_tried ON notice (channel, tried);

CREATE TRIGGER desk_added AFTER INSERT ON desk BEGIN
    INSERT INTO changed (tbl, key) VALUES ('desk', new.name); END;
CREATE TRIGGER notice_group_added AFTER INSERT ON notice_group BEGIN
    INSERT INTO changed (tbl, key) VALUES ('notice_group', new.key); END;
CREATE TRIGGER notice_added AFTER INSERT ON notice BEGIN
    INSERT INTO changed (tbl, key) VALUES ('notice', new.id); END;
CREATE TRIGGER notice_changed AFTER UPDATE ON notice BEGIN
    INSERT INTO changed (tbl, key) VALUES ('notice', new.id); END;
";

/// Drills that were held.
const FORM_6: &str = "
CREATE TABLE drill (
    seq    INTEGER PRIMARY KEY,
    name   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    body   TEXT NOT NULL
) STRICT;
";

/// What people decide: the steps of triage, exceptions, the sets of rules that were loaded. When each
/// finding was committed first, and the updates of findings that other products keep.
const FORM_7: &str = "
ALTER TABLE finding ADD COLUMN known INTEGER NOT NULL DEFAULT 0;
UPDATE finding SET known =
    coalesce((SELECT recorded FROM version WHERE version.version = finding.changed), last_seen);

CREATE TABLE triage (
    seq     INTEGER PRIMARY KEY,
    finding TEXT NOT NULL,
    nth     INTEGER NOT NULL,
    body    TEXT NOT NULL,
    UNIQUE (finding, nth)
) STRICT;

CREATE TABLE exception (
    id         TEXT PRIMARY KEY,
    body       TEXT NOT NULL,
    granted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER exception_added AFTER INSERT ON exception BEGIN
    INSERT INTO changed (tbl, key) VALUES ('exception', new.id); END;
CREATE TRIGGER exception_changed AFTER UPDATE ON exception BEGIN
    INSERT INTO changed (tbl, key) VALUES ('exception', new.id); END;

CREATE TABLE report (
    seq     INTEGER PRIMARY KEY,
    finding TEXT NOT NULL,
    body    TEXT NOT NULL
) STRICT;
CREATE INDEX report_of ON report (finding, seq);

CREATE TABLE ruleset (
    seq   INTEGER PRIMARY KEY,
    hash  TEXT NOT NULL,
    body  TEXT NOT NULL,
    rules TEXT NOT NULL
) STRICT;
";

/// What stateful rules wait for, and what they know by rule and key. Not in the journal: it can be
/// made again from the lake.
const FORM_8: &str = "
INSERT INTO meta VALUES ('signals-taken', 0);
CREATE TABLE signal (version INTEGER PRIMARY KEY REFERENCES version, body BLOB NOT NULL) STRICT;
CREATE TABLE state (
    rule TEXT NOT NULL,
    key  TEXT NOT NULL,
    due  INTEGER,
    body BLOB NOT NULL,
    PRIMARY KEY (rule, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX state_due ON state (due) WHERE due IS NOT NULL;
";

/// Findings lie in the order in which they came, and are found by their ids: their bodies are too
/// long for a tree of random ids, where each took pages of its own and a new one touched an old page.
const FORM_9: &str = "
CREATE TABLE finding_by_row (
    id         TEXT NOT NULL UNIQUE,
    severity   INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    account    TEXT,
    actor      TEXT,
    rule       TEXT NOT NULL,
    title      TEXT NOT NULL,
    product    TEXT NOT NULL,
    body       TEXT NOT NULL,
    changed    INTEGER NOT NULL DEFAULT 0,
    known      INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO finding_by_row
    SELECT id, severity, first_seen, last_seen, account, actor, rule, title, product, body, changed, known
    FROM finding ORDER BY changed, id;
DROP TABLE finding;
ALTER TABLE finding_by_row RENAME TO finding;
CREATE INDEX finding_newest ON finding (last_seen DESC);
CREATE INDEX finding_by_change ON finding (changed, id);
CREATE TRIGGER finding_added AFTER INSERT ON finding BEGIN
    INSERT INTO changed (tbl, key) VALUES ('finding', new.id); END;
CREATE TRIGGER finding_changed AFTER UPDATE ON finding BEGIN
    INSERT INTO changed (tbl, key) VALUES ('finding', new.id); END;
";

/// Findings are journaled by the version that changed them, which they have anyway: a note of each
/// change cost as much as the change. The next entry holds all of them.
const FORM_10: &str = "
DROP TRIGGER finding_added;
DROP TRIGGER finding_changed;
DELETE FROM changed WHERE tbl = 'finding';
";
