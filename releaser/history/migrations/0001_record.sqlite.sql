-- min_reader: 1
-- The delivery record. Times are RFC 3339 in UTC with six decimals, so their text sorts; digests are `sha256:<hex>`.
-- `body` is the canonical JSON whose digest an event holds; the columns beside it are there to be searched.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE migration (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL
);

CREATE TABLE event (
    seq INTEGER NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE lease (
    environment TEXT NOT NULL PRIMARY KEY,
    token INTEGER NOT NULL CHECK (token > 0),
    holder TEXT  -- NULL: nobody
);

CREATE TABLE blob (
    digest TEXT NOT NULL PRIMARY KEY,  -- of the bytes before compression
    data BLOB NOT NULL  -- zlib
);

CREATE TABLE release (
    version TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES event (seq),
    body TEXT NOT NULL
);

CREATE TABLE delivery (
    environment TEXT NOT NULL,
    revision INTEGER NOT NULL CHECK (revision > 0),
    position TEXT NOT NULL,  -- the start, but never before the previous revision's: the order of the history
    status TEXT NOT NULL CHECK (status IN ('running', 'succeeded', 'failed', 'interrupted', 'aborted')),
    cause TEXT NOT NULL,
    version TEXT NOT NULL REFERENCES release (version),
    plan_id TEXT NOT NULL UNIQUE,
    rendered_digest TEXT NOT NULL,
    leaves TEXT,
    current_version TEXT,
    body TEXT NOT NULL,
    plan TEXT NOT NULL REFERENCES blob (digest),
    resources TEXT NOT NULL REFERENCES blob (digest),
    base TEXT NOT NULL REFERENCES blob (digest),
    definitions TEXT NOT NULL REFERENCES blob (digest),
    inventory TEXT REFERENCES blob (digest),
    PRIMARY KEY (environment, revision)
);

CREATE UNIQUE INDEX delivery_running ON delivery (environment) WHERE status = 'running';
CREATE INDEX delivery_position ON delivery (position DESC, environment, revision DESC);
CREATE INDEX delivery_version ON delivery (version, environment, status, revision);
CREATE INDEX delivery_leaves ON delivery (environment, leaves, revision);
CREATE INDEX delivery_current ON delivery (environment, current_version, revision);

CREATE TABLE step (
    environment TEXT NOT NULL,
    revision INTEGER NOT NULL,
    number INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (environment, revision, number),
    FOREIGN KEY (environment, revision) REFERENCES delivery (environment, revision)
);

CREATE TRIGGER event_stays BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER event_remains BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TRIGGER blob_stays BEFORE UPDATE ON blob BEGIN SELECT RAISE(ABORT, 'blobs are never changed'); END;
CREATE TRIGGER blob_remains BEFORE DELETE ON blob BEGIN SELECT RAISE(ABORT, 'blobs are never deleted'); END;
CREATE TRIGGER release_stays BEFORE UPDATE ON release BEGIN SELECT RAISE(ABORT, 'releases are never changed'); END;
CREATE TRIGGER release_remains BEFORE DELETE ON release BEGIN SELECT RAISE(ABORT, 'releases are never deleted'); END;
CREATE TRIGGER step_stays BEFORE UPDATE ON step BEGIN SELECT RAISE(ABORT, 'steps are never changed'); END;
CREATE TRIGGER step_remains BEFORE DELETE ON step BEGIN SELECT RAISE(ABORT, 'steps are never deleted'); END;
CREATE TRIGGER delivery_remains BEFORE DELETE ON delivery BEGIN SELECT RAISE(ABORT, 'deliveries are never deleted'); END;
CREATE TRIGGER delivery_stays BEFORE UPDATE OF environment, revision, position, plan_id, plan, resources, base, definitions
ON delivery BEGIN SELECT RAISE(ABORT, 'what a delivery intended is never changed'); END;
CREATE TRIGGER lease_grows BEFORE UPDATE ON lease WHEN NEW.token < OLD.token
BEGIN SELECT RAISE(ABORT, 'a token only grows'); END;
CREATE TRIGGER lease_remains BEFORE DELETE ON lease BEGIN SELECT RAISE(ABORT, 'leases are never deleted'); END;
