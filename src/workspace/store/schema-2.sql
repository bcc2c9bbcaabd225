-- Regions that lie on one slice of a volume, and when a person drew them.
ALTER TABLE regions ADD COLUMN cut TEXT;            -- NULL: on the picture, or as its file says
ALTER TABLE regions ADD COLUMN slice INTEGER;
ALTER TABLE regions ADD COLUMN written INTEGER;     -- NULL: imported
-- Rows that people drew are never deleted: their ids must not become those of other regions while
-- somebody can still undo.
ALTER TABLE regions ADD COLUMN erased INTEGER;      -- NULL: it is there
