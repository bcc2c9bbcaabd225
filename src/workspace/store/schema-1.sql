CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
-- `change` numbers every write of searchable rows; the index remembers the last one it saw.
INSERT INTO counters VALUES ('change', 0);

CREATE TABLE sources (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,
    path        TEXT NOT NULL,
    imported    INTEGER NOT NULL,
    is_complete INTEGER NOT NULL DEFAULT 0,
    -- counted at the end of an import, so that opening a workspace counts nothing
    cases INTEGER NOT NULL DEFAULT 0, images INTEGER NOT NULL DEFAULT 0,
    missing_images INTEGER NOT NULL DEFAULT 0, questions INTEGER NOT NULL DEFAULT 0,
    answers INTEGER NOT NULL DEFAULT 0, guidelines INTEGER NOT NULL DEFAULT 0,
    passages INTEGER NOT NULL DEFAULT 0, skipped INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE cases (
    id        INTEGER PRIMARY KEY,
    source    INTEGER NOT NULL REFERENCES sources ON DELETE CASCADE,
    key       TEXT NOT NULL,
    title     TEXT NOT NULL,
    patient   TEXT, modality TEXT, body_part TEXT, year INTEGER,
    language  TEXT NOT NULL,
    licence   TEXT,
    sections  TEXT NOT NULL,          -- JSON [{heading, text}]
    hash      INTEGER NOT NULL,       -- of the draft: an unchanged row is not written again
    change    INTEGER NOT NULL,
    UNIQUE (source, key)
);
CREATE INDEX cases_by_change ON cases (change);

CREATE TABLE images (
    id        INTEGER PRIMARY KEY,
    case_id   INTEGER NOT NULL REFERENCES cases ON DELETE CASCADE,
    key       TEXT NOT NULL,
    ordinal   INTEGER NOT NULL,
    location  TEXT NOT NULL,
    state     TEXT NOT NULL,          -- unchecked, readable, missing, unreadable
    width INTEGER, height INTEGER, reason TEXT,
    modality TEXT, plane TEXT,
    UNIQUE (case_id, key)
);

CREATE TABLE captions (
    image    INTEGER NOT NULL REFERENCES images ON DELETE CASCADE,
    ordinal  INTEGER NOT NULL,
    text     TEXT NOT NULL,
    language TEXT NOT NULL,
    PRIMARY KEY (image, ordinal)
) WITHOUT ROWID;

CREATE TABLE regions (
    id       INTEGER PRIMARY KEY,
    image    INTEGER NOT NULL REFERENCES images ON DELETE CASCADE,
    label    TEXT NOT NULL,
    shape    TEXT NOT NULL,           -- JSON
    author   TEXT NOT NULL,
    imported INTEGER NOT NULL         -- 1: replaced by the next import; 0: drawn by a person
);
CREATE INDEX regions_by_image ON regions (image);

CREATE TABLE questions (
    id        INTEGER PRIMARY KEY,
    source    INTEGER NOT NULL REFERENCES sources ON DELETE CASCADE,
    key       TEXT NOT NULL,
    case_id   INTEGER REFERENCES cases ON DELETE CASCADE,
    image     INTEGER REFERENCES images ON DELETE SET NULL,
    text      TEXT NOT NULL,
    kind      TEXT NOT NULL,
    options   TEXT NOT NULL,          -- JSON [text]
    gold      TEXT NOT NULL,
    gold_rationale TEXT,
    language  TEXT NOT NULL,
    class TEXT, split TEXT,
    hash      INTEGER NOT NULL,
    change    INTEGER NOT NULL,
    UNIQUE (source, key)
);
CREATE INDEX questions_by_key ON questions (key);
CREATE INDEX questions_by_case ON questions (case_id);
CREATE INDEX questions_by_image ON questions (image);
CREATE INDEX questions_by_change ON questions (change);

CREATE TABLE answers (
    id        INTEGER PRIMARY KEY,
    question  INTEGER NOT NULL REFERENCES questions ON DELETE CASCADE,
    model     TEXT NOT NULL,
    source    INTEGER NOT NULL REFERENCES sources ON DELETE CASCADE,
    text      TEXT NOT NULL,
    rationale TEXT,
    verdict   TEXT NOT NULL,
    judged_by TEXT NOT NULL,
    UNIQUE (question, model, source)
);
CREATE INDEX answers_by_source ON answers (source);
CREATE INDEX answers_by_model ON answers (model, verdict);

CREATE TABLE guidelines (
    id        INTEGER PRIMARY KEY,
    source    INTEGER NOT NULL REFERENCES sources ON DELETE CASCADE,
    key       TEXT NOT NULL,
    title     TEXT NOT NULL,
    developer TEXT, year INTEGER, licence TEXT,
    language  TEXT NOT NULL,
    hash      INTEGER NOT NULL,
    UNIQUE (source, key)
);

CREATE TABLE passages (
    id        INTEGER PRIMARY KEY,
    guideline INTEGER NOT NULL REFERENCES guidelines ON DELETE CASCADE,
    ordinal   INTEGER NOT NULL,
    headings  TEXT NOT NULL,          -- JSON [text]
    text      TEXT NOT NULL,
    change    INTEGER NOT NULL,
    UNIQUE (guideline, ordinal)
);
CREATE INDEX passages_by_change ON passages (change);

-- Rows that the search index must forget.
CREATE TABLE removals (kind TEXT NOT NULL, row INTEGER NOT NULL, change INTEGER NOT NULL);
CREATE INDEX removals_by_change ON removals (change);

CREATE TABLE tags (
    tag     TEXT NOT NULL,
    kind    TEXT NOT NULL,            -- case, image, question, answer, passage
    row     INTEGER NOT NULL,
    author  TEXT NOT NULL,
    written INTEGER NOT NULL,
    PRIMARY KEY (kind, row, tag)
) WITHOUT ROWID;
CREATE INDEX tags_by_tag ON tags (tag, kind);

CREATE TABLE notes (
    id      INTEGER PRIMARY KEY,
    kind    TEXT NOT NULL,
    row     INTEGER NOT NULL,
    text    TEXT NOT NULL,
    author  TEXT NOT NULL,
    written INTEGER NOT NULL
);
CREATE INDEX notes_by_target ON notes (kind, row);

CREATE TABLE drafts (
    kind    TEXT NOT NULL,
    row     INTEGER NOT NULL,
    text    TEXT NOT NULL,
    written INTEGER NOT NULL,
    PRIMARY KEY (kind, row)
) WITHOUT ROWID;

CREATE TABLE jobs (
    id       INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,
    command  TEXT NOT NULL,
    state    TEXT NOT NULL,           -- JSON
    progress TEXT NOT NULL,           -- JSON
    started  INTEGER NOT NULL,
    ended    INTEGER,
    -- which process runs it: a number alone may be another process by now
    process  INTEGER NOT NULL,
    process_started TEXT NOT NULL
);

CREATE TABLE skipped (
    source INTEGER NOT NULL REFERENCES sources ON DELETE CASCADE,
    file   TEXT NOT NULL,
    line   INTEGER,
    reason TEXT NOT NULL
);
CREATE INDEX skipped_by_source ON skipped (source);
