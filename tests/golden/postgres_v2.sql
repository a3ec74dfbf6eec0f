BEGIN;

CREATE TABLE nexus_meta (
  name             text COLLATE "C" NOT NULL,        -- schema_version
  value            bigint NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE nexus_event_journal (
  persistence_id   text COLLATE "C" NOT NULL,        -- type|id
  sequence_nr      bigint NOT NULL,                  -- 1, 2, 3 ... within the id
  transaction_id   xid8 NOT NULL,                    -- of the append; the first part of the position
  position         bigint NOT NULL,                  -- 1, 2, 3 ... within the transaction; the second part
  event_type       text COLLATE "C" NOT NULL,
  schema_version   bigint NOT NULL,                  -- of that type
  codec            text COLLATE "C" NOT NULL,        -- how event_data is encoded, e.g. msgpack
  event_data       bytea NOT NULL,
  metadata         bytea NOT NULL,
  writer_id        text COLLATE "C" NOT NULL,        -- a ULID, of the system that wrote it
  timestamp        timestamp with time zone NOT NULL, -- when it was decided
  slice            integer NOT NULL,                 -- 0 to 1023, by the persistence_id
  key_id           text COLLATE "C",                 -- reserved, always NULL: nothing is encrypted
  tags             text[],                           -- sorted; NULL: none. nexus_event_tags finds them
  PRIMARY KEY (persistence_id, sequence_nr)
);

CREATE TABLE nexus_event_tags (
  tag              text COLLATE "C" NOT NULL,
  transaction_id   xid8 NOT NULL,                    -- of the event
  position         bigint NOT NULL,                  -- of the event
  PRIMARY KEY (tag, transaction_id, position)
);

CREATE TABLE nexus_erased (
  persistence_id   text COLLATE "C" NOT NULL,
  sequence_nr      bigint NOT NULL,                  -- the highest that was erased
  transaction_id   xid8 NOT NULL,                    -- the highest position that was erased
  position         bigint NOT NULL,
  PRIMARY KEY (persistence_id)
);

CREATE TABLE nexus_readers (
  name             text COLLATE "C" NOT NULL,        -- of a registered reader
  strand           integer NOT NULL,
  transaction_id   xid8 NOT NULL,                    -- it has read up to this position:
  position         bigint NOT NULL,                  -- later events are kept for it
  timestamp        timestamp with time zone NOT NULL,
  PRIMARY KEY (name, strand)
);

CREATE TABLE nexus_pruning (
  persistence_id   text COLLATE "C" NOT NULL,        -- retention left its events to a reader
  sequence_nr      bigint NOT NULL,                  -- to erase up to
  transaction_id   xid8 NOT NULL,                    -- the position of the first event left
  position         bigint NOT NULL,
  PRIMARY KEY (persistence_id)
);

CREATE TABLE nexus_snapshot_store (
  persistence_id   text COLLATE "C" NOT NULL,
  sequence_nr      bigint NOT NULL,                  -- of the last event in the state
  state_type       text COLLATE "C" NOT NULL,
  schema_version   bigint NOT NULL,                  -- of that type
  codec            text COLLATE "C" NOT NULL,
  state_data       bytea NOT NULL,
  writer_id        text COLLATE "C" NOT NULL,
  timestamp        timestamp with time zone NOT NULL,
  key_id           text COLLATE "C",
  PRIMARY KEY (persistence_id, sequence_nr)
);

CREATE TABLE nexus_durable_state (
  persistence_id   text COLLATE "C" NOT NULL,
  version          bigint NOT NULL,                  -- only rises
  previous_version bigint NOT NULL,                  -- the version it replaced
  state_type       text COLLATE "C" NOT NULL,
  schema_version   bigint NOT NULL,                  -- of that type
  codec            text COLLATE "C" NOT NULL,
  state_data       bytea,                            -- NULL: erased; the version keeps rising
  writer_id        text COLLATE "C" NOT NULL,
  timestamp        timestamp with time zone NOT NULL,
  slice            integer NOT NULL,
  key_id           text COLLATE "C",
  transaction_id   xid8 NOT NULL,                    -- of the last change; the first part of its position
  position         bigint NOT NULL,                  -- within the transaction; the second part
  PRIMARY KEY (persistence_id)
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX IF NOT EXISTS nexus_event_journal_by_position ON nexus_event_journal (transaction_id, position);
CREATE INDEX IF NOT EXISTS nexus_event_tags_by_position ON nexus_event_tags (transaction_id, position);
CREATE INDEX IF NOT EXISTS nexus_erased_by_position ON nexus_erased (transaction_id, position);
CREATE INDEX IF NOT EXISTS nexus_pruning_by_position ON nexus_pruning (transaction_id, position);

CREATE OR REPLACE FUNCTION nexus_event_erased() RETURNS trigger
  LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO nexus_erased AS e (persistence_id, sequence_nr, transaction_id, position)
    SELECT DISTINCT ON (d.persistence_id) d.persistence_id, d.sequence_nr, d.transaction_id,
        d.position
      FROM deleted d ORDER BY d.persistence_id, d.sequence_nr DESC
    ON CONFLICT (persistence_id) DO UPDATE
      SET sequence_nr = excluded.sequence_nr, transaction_id = excluded.transaction_id,
        position = excluded.position
      WHERE e.sequence_nr < excluded.sequence_nr;
  DELETE FROM nexus_event_tags t USING deleted d
    WHERE t.transaction_id = d.transaction_id AND t.position = d.position;
  RETURN NULL;
END $$;
CREATE TRIGGER nexus_event_erased AFTER DELETE ON nexus_event_journal
  REFERENCING OLD TABLE AS deleted
  FOR EACH STATEMENT EXECUTE FUNCTION nexus_event_erased();

INSERT INTO nexus_meta VALUES ('schema_version', 2), ('epoch', (('x' || substr(md5(random()::text || clock_timestamp()::text), 1, 15))::bit(60)::bigint | 1));

COMMIT;
